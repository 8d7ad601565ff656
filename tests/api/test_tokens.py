"""A token opens what its user may do, as far as it is meant for it, from where and as long as it is; and never more."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from scripting.access import tokens
from scripting.access.tokens import Wanted, WrongToken
from scripting.api import access
from scripting.models import Action, ApiToken
from scripting.storage.redis_client import redis_client
from tests.api.conftest import Machine, machine_of
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_a_token_the_answer_says_what_to_send(club: Game) -> None:
    answer = Machine("", Client()).get("scripts")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["goby_", "goby_000000000000_" + 43 * "a", "x" * 5000, "ü", ""])
def test_what_is_no_token_opens_nothing(club: Game, text: str) -> None:
    assert Machine(text or "-", Client()).get("scripts").status_code == 401


def test_a_token_is_kept_as_a_digest_that_the_sites_key_goes_into(machine: Machine, settings: Any) -> None:
    kept = str(ApiToken.objects.values().get())
    assert machine.token.split("_", 2)[2] not in kept
    assert machine.get("scripts").status_code == 200
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    assert machine.get("scripts").status_code == 401
    settings.SECRET_KEY_FALLBACKS = [old]
    assert machine.get("scripts").status_code == 200


def test_an_expired_a_revoked_and_a_dismissed_users_token_open_nothing(machine: Machine, designer: User) -> None:
    token = ApiToken.objects.get()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "expired" in machine.get("scripts").json()["detail"]
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert machine.get("scripts").status_code == 200
    User.objects.update(is_active=False)
    assert machine.get("scripts").status_code == 401
    User.objects.update(is_active=True)
    tokens.revoke(token, actor=designer, reason="it leaked")
    assert "revoked" in machine.get("scripts").json()["detail"]
    made, revoked = token.history.order_by("history_id")
    assert (made.history_change_reason, made.history_user) == ("made: for a test", designer)
    assert (revoked.history_change_reason, revoked.history_user) == ("revoked: it leaked", designer)


def test_a_token_may_be_bound_to_networks(club: Game, designer: User) -> None:
    machine = machine_of(designer, networks=("10.1.0.0/16", "2001:db8::/32"))
    for address, status in (("10.1.2.3", 200), ("2001:db8::1", 200), ("10.2.0.1", 403), ("", 403)):
        machine.client.defaults["REMOTE_ADDR"] = address
        assert machine.get("scripts").status_code == status, address


def test_the_last_use_is_written_once_a_minute(machine: Machine, django_assert_max_num_queries: Any) -> None:
    machine.get("scripts")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    machine.get("scripts")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    machine.get("scripts")
    assert ApiToken.objects.get().last_used_at > first


def test_too_many_requests_in_a_minute_are_told_when_to_come_back(club: Game, designer: User) -> None:
    machine, other = machine_of(designer, per_minute=3), machine_of(designer)
    statuses = [machine.get("scripts").status_code for _ in range(8)]
    # A minute may end between two of them: at most two windows of three.
    assert statuses.count(429) >= 2
    refused = next(answer for answer in (machine.get("scripts") for _ in range(8)) if answer.status_code == 429)
    assert 1 <= int(refused["Retry-After"]) <= 61
    assert other.get("scripts").status_code == 200


def test_requests_of_a_busy_token_are_counted_in_redis_a_tenth_of_a_second_at_a_time(designer: User) -> None:
    machine_of(designer, per_minute=6000)
    token = ApiToken.objects.get()
    before = redis_client().info("commandstats").get("cmdstat_incrby", {"calls": 0})["calls"]
    assert [access.counted(token, 1) for _ in range(11)] == [1] * 11
    after = redis_client().info("commandstats")["cmdstat_incrby"]["calls"]
    assert after - before <= 2  # a minute may end in between


def test_a_redis_that_hangs_for_one_token_holds_up_no_other(designer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    machine_of(designer, per_minute=5)
    machine_of(designer, per_minute=7)
    slow, quick = ApiToken.objects.order_by("per_minute")
    asked, answer = threading.Event(), threading.Event()

    def granted(key: str, wanted: int, most: int) -> int:
        if slow.public_id in key:
            asked.set()
            answer.wait(10)
        return wanted

    monkeypatch.setattr(access, "_granted", granted)
    counting = [threading.Thread(target=access.counted, args=(token, 1)) for token in (slow, quick)]
    counting[0].start()
    assert asked.wait(10)
    counting[1].start()
    counting[1].join(5)
    is_held_up = counting[1].is_alive()
    answer.set()
    for thread in counting:
        thread.join()
    assert not is_held_up


def test_a_token_that_was_just_read_costs_no_query_and_is_read_again_after_a_while(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    event = {"topic": "chess_club.roll", "payload": {"sides": 6}}
    monkeypatch.setattr(access, "REMEMBERED", 60.0)
    assert machine.post("events", event).status_code == 202
    with django_assert_num_queries(0):
        assert machine.post("events", event).status_code == 202
    ApiToken.objects.update(revoked_at=timezone.now())
    monkeypatch.setattr(access.time, "monotonic", lambda: later)
    later = access._tokens[machine.token][0] + 60.0
    assert machine.post("events", event).status_code == 401


WRONG = [
    {"name": " "},
    {"actions": ()},
    {"actions": ("read", "everything")},
    {"scripts": ()},
    {"scripts": ("wargame",)},
    {"scripts": ("../*",)},
    {"networks": ("somewhere",)},
    {"lifetime": timedelta()},
    {"lifetime": timedelta(days=4000)},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_token_that_makes_no_sense_is_not_made(designer: User, change: dict[str, Any]) -> None:
    wanted = {"name": "ci", "user": designer, "actions": ("read",), **change}
    with pytest.raises(WrongToken):
        tokens.make(Wanted(**wanted), actor=designer, reason="why not")
    assert not ApiToken.objects.exists()


def test_a_token_takes_a_reason_to_make_and_to_revoke(designer: User) -> None:
    with pytest.raises(WrongToken, match="say why"):
        tokens.make(Wanted("ci", designer, ("read",)), actor=designer, reason=" ")
    token, _ = tokens.make(Wanted("ci", designer, ("read",)), actor=designer, reason="ci")
    with pytest.raises(WrongToken, match="say why"):
        tokens.revoke(token, actor=designer, reason="")
    assert Action.READ in token.actions
