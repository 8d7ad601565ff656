"""Outcomes for who waits: told by the drain's own message where they fit into it, looked up where not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import msgspec
import pytest

from scripting.api import waiting
from scripting.api.waiting import Decided, Lookout, Waiter, is_complete, of_events
from scripting.bus import drain, settled, streams
from scripting.bus.events import Event
from scripting.bus.streams import Stream
from scripting.engine import get_engine
from scripting.execution import ledger
from scripting.models import uuid7
from scripting.sandbox.protocol import encode_value
from scripting.sources import sync
from scripting.storage.redis_client import redis_client
from scripting.workers import drain_job
from tests.support.game import Game
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
STREAM = Stream("chess_club", 0)


@dataclass
class Waiting:
    """A process that waits: it hears already, and looks for nothing by itself."""

    lookout: Lookout
    looked_up: list[str] = field(default_factory=list)

    def expect(self, number: str, *scripts: tuple[str, str]) -> Waiter:
        subscribers = list(scripts) or [("chess_club", "dice")]
        event = Event(id=number, topic="chess_club.roll", payload={"sides": 6}, subscribers=subscribers, key="a")
        return self.lookout.expect(event, 20)


@pytest.fixture
def waits(club: Game, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    here = Waiting(Lookout())

    def looking(names: Collection[str]) -> list[Decided]:
        here.looked_up += sorted(names)
        return of_events(names)

    monkeypatch.setattr(waiting, "PATIENCE", 15.0)
    monkeypatch.setattr(waiting, "LINGER", 0.0)
    monkeypatch.setattr(waiting, "of_events", looking)
    monkeypatch.setattr(waiting, "_lookout", here.lookout)
    monkeypatch.setattr(drain, "LINGER_SECONDS", 0.0)
    channel = settled._channel(here.lookout._name)
    waiter = here.expect("nobody's")
    wait_until(lambda: redis_client().pubsub_numsub(channel)[0][1])
    wait_until(lambda: here.looked_up)
    here.lookout.forget(waiter)
    here.looked_up.clear()
    yield here
    here.lookout._waiters.clear()
    redis_client().publish(channel, msgspec.msgpack.encode(["nobody's"]))
    wait_until(lambda: here.lookout._thread is None)


def drained(*events: Event) -> None:
    streams.append([(STREAM, event.encode()) for event in events])
    drain_job.drain_once(STREAM)


@pytest.mark.once
def test_the_message_that_wakes_who_waits_tells_the_outcome_and_nothing_is_looked_up(waits: Waiting) -> None:
    waiter = waits.expect("one")
    drained(waiter.event)
    assert waiting.outcomes(waiter) == of_events({"one"}) != []
    assert waits.looked_up == []


@pytest.mark.once
@pytest.mark.parametrize("why", ["too large", "too much together", "decided before"])
def test_what_the_message_cannot_tell_is_looked_up_at_once(
    waits: Waiting, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "decided before":
        drained(msgspec.structs.replace(waits.expect("one").event, inbox=""))
    monkeypatch.setattr(settled, "LARGEST", 5 if why == "too large" else 1000)
    monkeypatch.setattr(settled, "LARGEST_TOGETHER", 5 if why == "too much together" else 1000)
    waiter = waits.expect("one")
    drained(waiter.event)
    assert waiting.outcomes(waiter) == of_events({"one"}) != []
    assert set(waits.looked_up) == {"one"}


def outcome(event: str, module: str, *, result: bytes = b"\x06") -> Decided:
    return Decided(event, uuid7(), module, "dice", "succeeded", 1, result, "", "", "", None, None)


@pytest.mark.once
def test_outcomes_of_several_drains_come_together(waits: Waiting) -> None:
    waiter = waits.expect("one", ("chess_club", "dice"), ("arena", "dice"))
    first, second = outcome("one", "chess_club"), outcome("one", "arena")
    others = outcome("one", "tavern")  # of an event that somebody else gave the same id
    for told in (second, others, first):
        redis_client().publish(*settled.messages([(waiter.event, [told])]))
    assert waiting.outcomes(waiter) == [first, second]
    assert waits.looked_up == []


@pytest.mark.once
def test_where_the_first_that_answers_decides_nobody_waits_for_those_after_it(waits: Waiting) -> None:
    waiter = waits.expect("one", ("chess_club", "dice"), ("chess_club", "board"), ("arena", "dice"))
    event = msgspec.structs.replace(waiter.event, first=["chess_club"])
    answered, passed_on = outcome("one", "chess_club"), outcome("one", "chess_club", result=encode_value(None))
    other = outcome("one", "arena")
    assert is_complete(event, [answered, other])
    assert not is_complete(event, [answered])
    assert not is_complete(event, [passed_on, other])
    assert not is_complete(waiter.event, [answered, other]), "elsewhere each of them runs"


@pytest.mark.once
def test_a_process_of_an_older_release_is_told_ids_alone_which_one_of_this_release_understands_too(
    waits: Waiting,
) -> None:
    event = msgspec.structs.replace(waits.expect("one").event, inbox="0123456789abcdef")
    channel, message = settled.messages([(event, [outcome("one", "chess_club")])])
    assert (channel, msgspec.msgpack.decode(message)) == (settled._channel(event.inbox), ["one"])
    waits.lookout._waiters.clear()
    waiter = waits.expect("two")
    drained(msgspec.structs.replace(waiter.event, inbox=""))
    redis_client().publish(settled._channel(waiter.event.inbox), b"of a later release")
    redis_client().publish(settled._channel(waiter.event.inbox), msgspec.msgpack.encode(["two"]))
    assert waiting.outcomes(waiter) == of_events({"two"}) != []


@pytest.mark.once
def test_a_message_that_is_lost_costs_some_patience(waits: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    waits.lookout = Lookout()
    waiter = waits.expect("one")
    drained(msgspec.structs.replace(waiter.event, inbox="+of nobody"))

    async def waited() -> list[Decided]:
        monkeypatch.setattr(waiting, "_lookout", waits.lookout)
        return list(await waiting.outcomes_async(waiter))

    assert asyncio.run(waited()) == of_events({"one"}) != []


@pytest.mark.parametrize(
    ("text", "decide"),
    [
        ("result = {'points': 1}", lambda event: get_engine().decide(event, "chess_club", "dice")),
        ("log('a')\nresult = [][1]", lambda event: get_engine().decide(event, "chess_club", "dice")),
        ("", lambda event: get_engine().supersede(event, "chess_club", "dice", "two")),
    ],
    ids=["decided", "failed", "superseded"],
)
def test_the_outcome_that_is_told_is_the_one_recorded(
    club: Game, text: str, decide: Callable[[Event], ledger.Decision]
) -> None:
    if text:
        club.override("dice", text)
        sync.sync()
    event = Event(
        id="one", topic="chess_club.roll", payload={"sides": 6}, subscribers=[("chess_club", "dice")], inbox="+"
    )
    told: list[Decided] = []
    ledger.commit([decide(event)], tell=told.append)
    assert told == of_events({"one"}) != []
    ledger.commit([decide(event)], tell=told.append)
    assert len(told) == 1, "what was recorded before is told by who recorded it"
