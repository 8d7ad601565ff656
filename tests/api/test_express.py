"""The short way for events: it says yes to what is plainly good, and leaves everything else to the view."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application

from scripting.access import tokens
from scripting.api import express, waiting
from scripting.api.express import MAX_BYTES, Express
from scripting.bus.events import Event
from scripting.bus.streams import Stream
from scripting.models import ApiToken, Execution
from scripting.storage.redis_client import redis_client
from scripting.workers import drain_job
from tests.api.conftest import Machine, machine_of
from tests.support.game import Game
from tests.support.redis import RedisServer
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    document: Any


@dataclass
class Site:
    """The whole application, and how many requests it left to Django."""

    long: int = 0
    sent: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        django = get_asgi_application()

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.long += 1
            await django(scope, receive, send)

        self.application = Express(counted)

    def ask(self, *requests: Request) -> list[Answer]:
        """Their answers, all asked at once."""

        async def all_of_them() -> list[Answer]:
            return list(await asyncio.gather(*(self._ask(request) for request in requests)))

        return asyncio.run(all_of_them())

    async def _ask(self, request: Request) -> Answer:
        body = iter([{"type": "http.request", "body": request.body, "more_body": False}])
        sent: list[Any] = []

        async def receive() -> Any:
            for message in body:
                return message
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.application(request.scope(), receive, send)
        headers = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
        body_sent = b"".join(message.get("body", b"") for message in sent[1:])
        is_json = "json" in headers["Content-Type"]
        return Answer(sent[0]["status"], headers, json.loads(body_sent) if is_json else None)


@dataclass
class Request:
    token: str
    document: Any = None
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()
    host: str = "localhost"
    client: str = "127.0.0.1"

    @property
    def body(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()

    def scope(self) -> dict[str, Any]:
        headers = [("host", self.host), ("authorization", f"Bearer {self.token}"), *self.headers]
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/api/v1/events",
            "raw_path": b"/api/v1/events",
            "query_string": self.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "client": (self.client, 4711),
            "server": ("localhost", 80),
        }


@pytest.fixture
def site(club: Game) -> Site:
    return Site()


def roll(**more: Any) -> dict[str, Any]:
    return {"topic": "chess_club.roll", "payload": {"sides": 6}, **more}


def published(key: str) -> list[Event]:
    entries = redis_client().xrange(Stream.of("chess_club", key, "").entries)
    return [Event.decode(fields[b"e"]) for _, fields in entries]


@pytest.mark.any_database
def test_a_good_event_is_accepted_without_django_and_its_outcome_is_the_one_that_the_view_tells(
    site: Site, machine: Machine, designer: User
) -> None:
    [accepted] = site.ask(Request(machine.token, roll(key="a", id="one"), headers=[("x-request-id", "r-1")]))
    assert (accepted.status, accepted.document) == (202, {"event": "one", "complete": False, "outcomes": []})
    assert accepted.headers["X-Request-Id"] == "r-1"
    assert accepted.headers["X-Content-Type-Options"] == "nosniff"
    [event] = published("a")
    assert (event.id, event.user_id, event.request_id) == ("one", str(designer.pk), "r-1")

    drain_job.drain_once(Stream.of("chess_club", "a", ""))
    [decided] = site.ask(Request(machine.token, roll(key="a", id="one"), "wait=5"))
    assert decided.status == 200
    assert decided.document["outcomes"][0]["result"] == {"points": 6}
    assert site.long == 0
    assert decided.document == machine.post("events?wait=5", roll(key="a", id="one")).json()


def test_who_waits_is_told_when_the_event_is_settled_and_need_not_look(
    site: Site, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 10.0)
    monkeypatch.setattr(waiting, "LINGER", 0.0)
    monkeypatch.setattr(waiting, "_lookout", waiting.Lookout())
    site.ask(Request(machine.token, roll(key="b"), "wait=0.05"))  # from now on the process listens

    def drain() -> None:
        wait_until(lambda: published("a"))
        drain_job.drain_once(Stream.of("chess_club", "a", ""))

    async def both() -> Answer:
        asked = site._ask(Request(machine.token, roll(key="a"), "wait=20"))
        answer, _ = await asyncio.gather(asked, asyncio.to_thread(drain))
        return answer

    begun = time.monotonic()
    answer = asyncio.run(both())
    assert (answer.status, answer.document["complete"]) == (200, True)
    assert time.monotonic() - begun < 9


def test_a_request_that_was_cut_off_is_not_waited_for_after_its_time(
    club: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    monkeypatch.setattr(waiting, "LINGER", 0.0)
    lookout = waiting.Lookout()
    lookout.expect(Event(id="one", topic="chess_club.roll", payload={}, subscribers=[("chess_club", "roll")]), 0.01)
    wait_until(lambda: lookout._thread is None)


def test_an_outcome_that_does_not_come_in_time_is_not_waited_for(site: Site, machine: Machine) -> None:
    [late] = site.ask(Request(machine.token, roll(key="a"), "wait=0.05"))
    assert (late.status, late.document["complete"], site.long) == (202, False, 0)


@pytest.mark.slow
def test_requests_that_come_together_keep_their_order(site: Site, machine: Machine) -> None:
    answers = site.ask(*(Request(machine.token, roll(key="a", id=f"n{number}")) for number in range(300)))
    assert {answer.status for answer in answers} == {202}
    assert [event.id for event in published("a")] == [f"n{number}" for number in range(300)]


@pytest.mark.parametrize(
    ("request_made", "status"),
    {
        "no token of ours": (Request("goby_000000000000_" + 43 * "x", roll()), 401),
        "no JSON": (Request("", b'{"topic"'), 400),
        "no body": (Request("", b""), 422),
        "no such topic": (Request("", {"topic": "x.y", "payload": {}}), 422),
        "a payload that does not fit": (Request("", roll(payload={"sides": "six"})), 422),
        "two ids": (Request("", roll(id="a"), headers=[("idempotency-key", "b")]), 422),
        "an id that is too long": (Request("", roll(id=65 * "a")), 422),
        "too long a wait": (Request("", roll(), "wait=31"), 422),
        "a wait that is no number": (Request("", roll(), "wait=soon"), 422),
        "a host that is not ours": (Request("", roll(), host="elsewhere.example"), 400),
    }.values(),
    ids=lambda value: None,
)
def test_what_is_wrong_is_told_by_the_view(site: Site, machine: Machine, request_made: Request, status: int) -> None:
    request_made.token = request_made.token or machine.token
    [answer] = site.ask(request_made)
    assert (answer.status, site.long) == (status, 1)
    assert not redis_client().keys(Stream("chess_club", 0).entries.replace("0", "*"))


def test_a_long_body_is_handed_on_whole(site: Site, machine: Machine) -> None:
    long = roll(key="a", metadata={"note": "x" * MAX_BYTES})
    [answer] = site.ask(Request(machine.token, long))
    assert (answer.status, site.long) == (202, 1)
    assert published("a")[0].metadata == long["metadata"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"actions": ("read",)},
        {"scripts": ("wargame/*",)},
        {"networks": ("10.0.0.0/8",)},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_it_opens_nothing(site: Site, designer: User, wanted: dict[str, Any]) -> None:
    machine = machine_of(designer, *wanted.pop("actions", ("events",)), **wanted)
    [answer] = site.ask(Request(machine.token, roll(key="a")))
    assert (answer.status, site.long, published("a")) == (403, 1, [])


@pytest.mark.parametrize("change", ["revoked", "idle user", "no permission"])
def test_what_is_taken_from_a_token_or_its_user_counts_here_too(site: Site, designer: User, change: str) -> None:
    machine = machine_of(designer, "events")
    assert site.ask(Request(machine.token, roll(key="a")))[0].status == 202
    if change == "revoked":
        tokens.revoke(ApiToken.objects.get(), actor=designer, reason="lost")
    elif change == "idle user":
        User.objects.filter(pk=designer.pk).update(is_active=False)
    else:
        designer.user_permissions.clear()
    [answer] = site.ask(Request(machine.token, roll(key="a")))
    assert (answer.status, site.long, len(published("a"))) == (403 if change == "no permission" else 401, 1, 1)


def test_of_too_many_requests_that_come_together_some_are_accepted(site: Site, designer: User) -> None:
    machine = machine_of(designer, "events", per_minute=3)
    answers = site.ask(*(Request(machine.token, roll(key="a")) for _ in range(5)))
    assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
    assert answers[-1].headers["Retry-After"]
    assert len(published("a")) == 3


def test_a_stream_that_has_no_room_refuses_its_events_and_no_others(
    site: Site, machine: Machine, settings: Any
) -> None:
    other = next(key for key in "bcdefgh" if Stream.of("chess_club", key, "") != Stream.of("chess_club", "a", ""))
    settings.SCRIPTING_MAX_WAITING = 1
    site.ask(Request(machine.token, roll(key="a")))
    full, fine = site.ask(Request(machine.token, roll(key="a")), Request(machine.token, roll(key=other)))
    assert (full.status, full.document["code"], full.headers["Retry-After"]) == (503, "overloaded", "5")
    assert (fine.status, site.long, len(published("a")), len(published(other))) == (202, 0, 1, 1)


def test_after_a_failure_that_nobody_foresaw_requests_are_answered_all_the_same(
    site: Site, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_asked: object) -> None:
        raise RuntimeError("can't start new thread")

    async def two() -> list[int]:
        async with asyncio.timeout(20):
            return [(await site._ask(Request(machine.token, roll(key="a")))).status for _ in range(2)]

    monkeypatch.setattr(express, "good", broken)
    assert (asyncio.run(two()), site.long) == ([202, 202], 2)


def test_without_redis_the_sender_hears_that_it_is_unknown(
    site: Site, machine: Machine, redis_server: RedisServer
) -> None:
    site.ask(Request(machine.token, roll(key="a")))
    redis_server.stop()
    [answer] = site.ask(Request(machine.token, roll(key="a")))
    assert (answer.status, answer.document["code"], site.long) == (503, "unavailable", 0)


def test_a_frozen_redis_is_waited_for_as_long_as_the_site_says_and_the_event_sent_again_is_decided_once(
    site: Site, machine: Machine, redis_server: RedisServer, settings: Any
) -> None:
    settings.SCRIPTING_PUBLISH_SECONDS = 0.5
    site.ask(Request(machine.token, roll(key="b")))
    with redis_server.frozen():
        began = time.monotonic()
        [answer] = site.ask(Request(machine.token, roll(key="a", id="mine")))
        took = time.monotonic() - began
        settings.SCRIPTING_PUBLISH_SECONDS = 0.1
        by_view = machine.post("events", roll(key="a", id="mine"))
    assert (answer.status, answer.headers["Retry-After"], site.long) == (503, "1", 0)
    assert 0.5 <= took < 4, "a client's own patience is longer"
    assert answer.document == by_view.json()
    assert (answer.document["code"], answer.document["event"]) == ("unavailable", "mine")
    settings.SCRIPTING_PUBLISH_SECONDS = 10.0
    [answer] = site.ask(Request(machine.token, roll(key="a", id="mine")))
    assert (answer.status, {event.id for event in published("a")}) == (202, {"mine"})
    drain_job.drain("chess_club", Stream.of("chess_club", "a", "").shard)
    assert Execution.objects.filter(event_id="mine").count() == 1
