"""No value that a caller can send is answered by a 500: every parameter of every address, query strings and bodies."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from scripting.engine import get_engine
from scripting.models import Script
from scripting.types import ExecutionRequest, ScriptInput
from tests.support.addresses import address, routes

NUMBERS = ("0", "99", "9" * 24, "9" * 5000)
WORDS = (*NUMBERS, "-1", "x", "x" * 5000, "%00", "%ED%A0%BD", "%F0%9F%98%80", "%2e%2e%2f", "%0a", "'\"<>", "\u00b2")
FEW = ("0", "9" * 24, "x" * 5000, "%00", "%ED%A0%BD", "%F0%9F%98%80")
OF_DATABASES = ("9" * 24, "x" * 5000, "%00", "%ED%A0%BD")
"""Those that a database may take otherwise than another: PostgreSQL is asked these."""
QUERIES = ("page", "p", "range", "script", "module", "status", "since", "until", "q", "o", "e", "after", "before", "execution", "version", "token", "next", "from", "kind", "unit")  # fmt: skip
LEAVES = ("admin/logout/",)
"""Addresses that end the session they are asked with."""


pytestmark = pytest.mark.slow  # more than a thousand requests


@pytest.fixture
def root(settings: Settings, tmp_path: Path, transactional_db: None) -> Iterator[Client]:
    settings.GOBY_DEMO, settings.SCRIPTING_SCRIPTS_DIR = False, tmp_path / "scripts"
    call_command("sync_scripts", verbosity=0)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    logging.disable(logging.CRITICAL)  # hundreds of refusals, each a warning
    yield client
    logging.disable(logging.NOTSET)


@pytest.fixture
def known(root: Client) -> dict[str, str]:
    """Values of parameters that name something that is there."""
    script = Script.objects.get(module="wargame", name="damage_calculator")
    done = get_engine().execute(ExecutionRequest("wargame", script.name, ScriptInput({}), trigger="manual"))
    return {
        "module": "wargame", "name": script.name, "script": str(script.pk), "script_id": str(script.pk), "queue_index": "0",
        "execution": str(done.execution_id), "execution_id": str(done.execution_id), "report_id": str(done.execution_id), "form": "csv", "letter": "1-1",
        "scheduler_index": "0", "connection_index": "0", "scriptversion": str(script.active_version_id), "number": "1",
    }  # fmt: skip


def parameters(route: str) -> list[tuple[str, str]]:
    """(converter, name) of each."""
    return re.findall(r"<(?:(\w+):)?(\w+)>", route)


def shape_of(route: str) -> str:
    """The route without the model's name: Django's admin looks all models up in one way."""
    return re.sub(r"^admin/\w+/\w+/", "admin/app/model/", route)


def values_for(route: str, converter: str, method: str, *, like_another: bool = False) -> tuple[str, ...]:
    """The values that a parameter is asked with; `like_another`: a page of the same shape was asked with all of them."""
    if connection.vendor == "postgresql":
        return OF_DATABASES[:1] if converter == "int" else OF_DATABASES
    if converter == "int":
        return NUMBERS
    words = WORDS if method == "get" and not like_another else FEW
    return words[:6] if route.startswith("django-rq/") else words  # its views share one way to look things up


@pytest.mark.parametrize("method", ["get", pytest.param("post", marks=pytest.mark.once)])
def test_no_value_in_an_address_breaks_the_site(root: Client, known: dict[str, str], method: str) -> None:
    """PostgreSQL is asked for each value by one method: by POST where GET is refused before the value is looked up."""
    broken, shapes = [], set[str]()
    for route in sorted(set(routes()) - set(LEAVES)):
        given, like_another = parameters(route), shape_of(route) in shapes
        shapes.add(shape_of(route))
        ask = getattr(root, method)
        if given and connection.vendor == "postgresql" and ask(address(route, known)).status_code == 405:
            ask = root.post
        for converter, name in given:
            for value in values_for(route, converter, method, like_another=like_another):
                where = address(route, known | {name: value})
                status = ask(where).status_code
                if status >= 500:
                    broken.append(f"{status} {where[:100]}")
    assert not broken, "\n".join(broken)


def test_no_value_in_a_query_string_breaks_the_site(root: Client, known: dict[str, str]) -> None:
    broken = []
    values = ("9" * 24, "%00%ED%A0%BD") if connection.vendor == "postgresql" else ("9" * 24, "%00%ED%A0%BD", "nan")
    for route in sorted(set(routes()) - {*LEAVES, "readyz"}):
        where = address(route, known)
        for value in values:
            status = root.get(f"{where}?" + "&".join(f"{name}={value}" for name in QUERIES)).status_code
            if status >= 500:
                broken.append(f"{status} {where} = {value}")
    assert not broken, "\n".join(broken)


VALUES: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, float("nan"), "", "x" * 300_000, "\ud83d", "\x00", "\u202e", [], {}, [[[[]]]],
    {"message": {"payload": "\ud83d"}}, {"\ud83d": 1}, {"a": 10**30}, json.loads("[" * 200 + "]" * 200),
)  # fmt: skip
TEXT = {"source": "result = 1\n", "language": "python"}
TRIAL = {**TEXT, "seed": 1, "execution": "", "input": "topic:wargame.hit", "payload": {}, "trial": "x"}
BODIES: dict[str, dict[str, Any]] = {
    "check": TEXT,
    "trial": TRIAL | {"compare": False},
    "sample": TRIAL | {"source": "import"},  # refused, so that fifty runs need not be waited for
    "start_replay": TEXT,
    "cancel": {"trial": "x"},
    "draft": TEXT | {"base": 1, "revision": "x"},
    "discard": {"revision": "x"},
    "merge": {"base": 1, "theirs": 1, "mine": "a"},
    "compare": {"old": 1, "new": "a"},
    "publish": TEXT | {"base": 1, "reason": "to test"},
    "rollback": {"number": 1, "reason": "to test"},
}
"""The fields that each address reads of its body."""
NOT_KEPT = ("check", "sample", "cancel")
"""These keep nothing of it, and look nothing up by it that `trial` does not."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.once] if name in NOT_KEPT else []) for name in BODIES]
)
def test_no_body_breaks_the_workbench(root: Client, known: dict[str, str], name: str) -> None:
    where = reverse("workbench:" + name, args=["wargame", "damage_calculator"])
    body = BODIES[name]
    bodies = [json.dumps(body | {key: value}) for key in body for value in VALUES]
    bodies += [json.dumps(value) for value in VALUES[:3]]
    if "payload" in body:
        inputs = ("", "endpoint:/debug/hit", "topic:wargame.hit", "topic:wargame.event.damage")
        payloads = (
            {"attacker": "\ud83d"},
            {"\ud83d": 1},
            {"attacker": {"kind": "\ud83d"}},
            {"distance": "\ud83d"},
            10**30,
        )
        bodies += [json.dumps(body | {"input": given, "payload": payload}) for given in inputs for payload in payloads]
    bodies += ["", "{", "\x00", "[" * 100_000, '{"source": "\\ud83d"}']
    broken = []
    for one in bodies:
        status = root.post(where, one, content_type="application/json").status_code
        if status >= 500 and status != 503:
            broken.append(f"{status} {one[:90]}")
    assert not broken, "\n".join(broken)
