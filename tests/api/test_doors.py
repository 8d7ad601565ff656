"""Who may do what over the API: each address by each action of a token and each permission of its user, from one table.

An address that is missing in the table fails the first test: decide what it takes and write its line.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone

from scripting.api import access, problems
from scripting.api.problems import Problem
from scripting.api.site import api, described
from scripting.models import Action, ApiToken, Script
from tests.api.conftest import Machine, machine_of
from tests.support.game import BETTER, Game

pytestmark = pytest.mark.django_db(transaction=True)

DICE = "scripts/chess_club/dice"
TEXT = {"source": BETTER, "language": "python"}
ROLL = {"topic": "chess_club.roll", "payload": {"sides": 6}}
ANY = ""

# (method, address) → (an address of it, what is sent, action, permissions of the user, a script it is about).
Door = tuple[str, Any, str, frozenset[str], str]


def door(address: str, sent: Any, action: str, *permissions: str, script: str = "chess_club/dice") -> Door:
    return address, sent, action, frozenset(permissions), script


DOORS: dict[tuple[str, str], Door] = {
    ("POST", "/events"): door("events", ROLL, "events", "publish_event"),
    ("GET", "/topics"): door("topics", None, "read", "view_script", script=ANY),
    ("GET", "/topics/{topic}/subscriptions"): door("topics/chess_club.roll/subscriptions", None, "read", "view_script", script=ANY),
    ("POST", "/topics/{topic}/subscriptions"): door("topics/chess_club.roll/subscriptions", {"subscribers": [{"script": "chess_club/dice"}], "reason": "why"}, "publish", "view_script", "publish_script"),
    ("POST", "/topics/{topic}/subscriptions/rollback"): door("topics/chess_club.roll/subscriptions/rollback", {"number": 0, "reason": "why"}, "publish", "view_script", "publish_script"),
    ("GET", "/schedules"): door("schedules", None, "read", "view_script", script=ANY),
    ("POST", "/schedules/{schedule}/pause"): door("schedules/1/pause", {"reason": "why"}, "publish", "view_script", "publish_script", script=ANY),
    ("POST", "/schedules/{schedule}/resume"): door("schedules/1/resume", {"reason": "why"}, "publish", "view_script", "publish_script", script=ANY),
    ("POST", "/schedules/{schedule}/run"): door("schedules/1/run", None, "publish", "view_script", "publish_script", script=ANY),
    ("POST", "/endpoints/{module}/{endpoint}"): door("endpoints/chess_club/roll", {}, "endpoints", "run_script"),
    ("GET", "/namespace"): door("namespace", None, "read", "view_script", script=ANY),
    ("GET", "/cases"): door("cases", None, "read", "view_script", script=ANY),
    ("GET", "/scripts"): door("scripts", None, "read", "view_script", script=ANY),
    ("GET", "/scripts/{module}/{name}"): door(DICE, None, "read", "view_script"),
    ("GET", "/scripts/{module}/{name}/versions"): door(f"{DICE}/versions", None, "read", "view_script"),
    ("GET", "/scripts/{module}/{name}/versions/{number}"): door(f"{DICE}/versions/1", None, "read", "view_script"),
    ("POST", "/scripts/{module}/{name}/check"): door(f"{DICE}/check", TEXT, "check", "view_script", "edit_script"),
    ("POST", "/scripts/{module}/{name}/try"): door(f"{DICE}/try", {**TEXT, "context": {}}, "try", "view_script", "run_script"),
    ("POST", "/scripts/{module}/{name}/replay"): door(f"{DICE}/replay", TEXT, "try", "view_script", "run_script"),
    ("POST", "/scripts/{module}/{name}/publish"): door(f"{DICE}/publish", {**TEXT, "reason": "why"}, "publish", "view_script", "publish_script"),
    ("POST", "/scripts/{module}/{name}/rollback"): door(f"{DICE}/rollback", {"version": 1, "reason": "why"}, "publish", "view_script", "publish_script"),
    ("POST", "/releases"): door("releases", {"reason": "why", "scripts": [{**TEXT, "module": "chess_club", "name": "dice"}]}, "publish", "view_script", "publish_script"),
    ("POST", "/reviews"): door("reviews", {"reason": "why", "scripts": [{**TEXT, "module": "chess_club", "name": "dice"}]}, "publish", "view_script", "publish_script"),
    ("GET", "/reviews/{review}"): door("reviews/1", None, "read", "view_script", script=ANY),
    ("POST", "/tests"): door("tests", {"cases": [{"module": "chess_club", "script": "dice", "name": "one", "case": {}}]}, "try", "view_script", "run_script"),
    ("GET", "/executions"): door("executions?script=chess_club/dice", None, "read", "view_script", "view_execution"),
    ("GET", "/executions/{execution}"): door("executions/00000000-0000-0000-0000-000000000000", None, "read", "view_script", "view_execution", script=ANY),
    ("GET", "/stats"): door("stats", None, "read", "view_script", script=ANY),
    ("GET", "/fleet"): door("fleet", None, "read", "view_script", script=ANY),
}  # fmt: skip


def addresses() -> set[tuple[str, str]]:
    """Those of single endpoints are the door of all endpoints."""
    paths = {path: found for path, found in described()["paths"].items() if not re.match(r"/endpoints/[^{]", path)}
    return {(method.upper(), path) for path, found in paths.items() for method in found}


def test_every_address_has_its_line_in_the_table() -> None:
    assert addresses() == set(DOORS)


def test_the_description_needs_a_token_as_well(machine: Machine) -> None:
    assert machine.get("openapi.json").json()["openapi"].startswith("3.1")
    machine.token = ""
    assert machine.get("openapi.json").status_code == 401
    assert api.openapi_url is None


def asked(machine: Machine, method: str, line: Door) -> int:
    address, sent = line[0], line[1]
    answer = machine.get(address) if method == "GET" else machine.post(address, sent)
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json", answer.content[:200]
        assert answer.json()["status"] == answer.status_code
    return int(answer.status_code)


@pytest.mark.slow
@pytest.mark.parametrize("key", DOORS, ids=" ".join)
def test_a_door_opens_to_its_action_and_all_its_permissions_and_to_nothing_less(
    club: Game, designer: User, key: tuple[str, str]
) -> None:
    method, line = key[0], DOORS[key]
    _, _, action, needed, about = line
    every = {p.codename: p for p in Permission.objects.filter(content_type__app_label="scripting")}
    machines = {each: machine_of(designer, each) for each in Action.values}
    elsewhere = machine_of(designer, action, scripts=("other_club/*",))
    for dropped in (None, *sorted(needed)):
        designer.user_permissions.set([every[name] for name in needed - {dropped}])
        for each in machines if dropped is None else (action,):
            opened = asked(machines[each], method, line) != 403
            assert opened == (each == action and dropped is None), (each, dropped)
    designer.user_permissions.set([every[name] for name in needed])
    assert (asked(elsewhere, method, line) == 403) == bool(about)
    # Everything but what it needs is not enough, however much it is.
    designer.user_permissions.set([p for name, p in every.items() if name not in needed])
    assert asked(machines[action], method, line) == 403
    if action not in {"events", "endpoints"}:
        designer.user_permissions.set(every.values())
        User.objects.update(is_staff=False)
        assert asked(machines[action], method, line) == 403


def test_a_token_that_only_reads_changes_nothing_by_any_address(club: Game, designer: User) -> None:
    reader, before = machine_of(designer, "read"), list(Script.objects.values())
    for (method, _), line in DOORS.items():
        if method == "POST":
            assert asked(reader, method, line) == 403
    assert list(Script.objects.values()) == before


@pytest.mark.parametrize(
    ("method", "address"), [*itertools.product(("put", "patch", "delete", "post"), ("scripts", DICE, "fleet"))]
)
def test_a_wrong_method_is_a_problem_that_says_which_is_right(machine: Machine, method: str, address: str) -> None:
    answer = getattr(machine.client, method)(f"/api/v1/{address}", headers=machine.headers)
    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert answer.json()["code"] == "method"


@pytest.mark.parametrize(
    "address", ["", "nothing", "scripts/", "scripts/chess_club", "events/1", "executions/x", "../v1/x"]
)
def test_what_is_no_address_is_a_problem_too(machine: Machine, address: str) -> None:
    answer = machine.get(address)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class Stopped(Exception):
    """A request got past the door: it is not carried out."""


@pytest.fixture
def unlogged() -> Iterator[None]:
    """Each refusal is a warning of the site: thousands are not written."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.usefixtures("unlogged")
def test_ten_thousand_tokens_and_permissions_drawn_at_random_agree_with_the_table(
    club: Game, designer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each draw: a door, and a token with actions, patterns, an owner on the staff or not and some of the permissions."""
    draw = random.Random(14)
    drawn: list[ApiToken] = []
    monkeypatch.setattr(access, "remembered", lambda _: drawn[-1])
    monkeypatch.setattr(access, "counted", lambda _token, requests: requests)
    monkeypatch.setattr(access.tokens, "used", lambda _token, _now: None)
    why_not = access.why_not

    def asked_once(*arguments: Any, **options: Any) -> str:
        if why := why_not(*arguments, **options):
            return why
        raise Stopped

    monkeypatch.setattr(access, "why_not", asked_once)
    past = problems.answer(Problem(409, "stopped", "past the door"))
    monkeypatch.setitem(api._exception_handlers, Stopped, lambda _request, _error: past)
    doors, factory, resolved = list(DOORS.items()), RequestFactory(), cache(resolve)
    every = sorted({permission for line in DOORS.values() for permission in line[3]})
    patterns = ["*/*", "chess_club/*", "chess_club/dice", "*/dice", "other_club/*", "chess_club/d"]
    for number in range(10_000):
        (method, _), (address, sent, action, needed, about) = draw.choice(doors)
        # Half of them are near the edge: all that is needed, or one thing less.
        near = draw.random() < 0.5
        held = {*needed, *draw.sample(every, 2)} if near else {each for each in every if draw.random() < 0.6}
        if near and draw.random() < 0.5:
            held.discard(draw.choice(sorted(needed)))
        owner = User(pk=designer.pk, username="ada", is_active=True, is_staff=draw.random() < 0.8)
        owner._perm_cache = {f"scripting.{each}" for each in held}  # type: ignore[attr-defined]
        actions = sorted({*draw.sample(Action.values, draw.randint(0, 3)), *([action] if near else [])})
        scripts = draw.sample(patterns, draw.randint(1, 2))
        later = timezone.now() + timedelta(days=1)
        drawn.append(ApiToken(name="drawn", user=owner, actions=actions, scripts=scripts, expires_at=later))
        body = {} if method == "GET" else {"data": json.dumps(sent), "content_type": "application/json"}
        request = factory.generic(method, f"/api/v1/{address}", headers={"Authorization": "Bearer x"}, **body)
        view, positional, named = resolved(f"/api/v1/{address.partition('?')[0]}")
        answer = view(request, *positional, **named)
        covered = not about or any(fnmatchcase(about, pattern) for pattern in scripts)
        of_staff = owner.is_staff or action in {"events", "endpoints"}
        opens = action in actions and needed <= held and covered and of_staff
        assert (answer.status_code != 403) == opens, (number, address, actions, held, scripts, owner.is_staff)
