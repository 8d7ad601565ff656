"""A module that takes outcomes before the transaction: each takes effect once, and on what is stored, whatever happens in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.db import connection

from scripting.bus import held, publishing
from scripting.bus.streams import Stream
from scripting.models import Execution, OutboxEvent
from scripting.modules.calls import CallContext, Outcome, OutOfDate, WorkAhead
from scripting.workers import drain_job
from tests.support.arena import Arena, add, arena_registered, make_script, score

pytestmark = pytest.mark.usefixtures("track")


FOLLOW_UP = """
points = message['payload']['points']
result = {'points': 1, 'follow_up': [{'points': 0}] if points else []}
"""


class Points:
    """The points of a commit by name, and whether they may be written as they were reckoned."""

    def __init__(self, names: Sequence[str]) -> None:
        self.points: Counter[str] = Counter()
        self.began_with = {name: score(name) for name in names}

    def write(self) -> None:
        assert connection.in_atomic_block
        Foreseeing.told.append("write")
        if {name: score(name) for name in self.began_with} != self.began_with:
            raise OutOfDate
        for name, count in self.points.items():
            add(name, count)


class Foreseeing(Arena):
    """An arena that doubles a score, or adds to it: what it adds depends on what there was."""

    told: ClassVar[list[str]] = []
    meanwhile: Callable[[], object] = staticmethod(lambda: None)
    """Called once an outcome was taken."""

    def unit_of_work_ahead(self, calls: Sequence[CallContext]) -> WorkAhead | None:
        assert not connection.in_atomic_block
        self.told.append(f"ahead of {len(calls)}")
        return Points([call.key for call in calls])

    @contextmanager
    def unit_of_work(self, calls: Sequence[CallContext]) -> Iterator[Points]:
        assert connection.in_atomic_block
        self.told.append(f"inside, {len(calls)}")
        work = Points([call.key for call in calls])
        yield work
        for name, count in work.points.items():
            add(name, count)

    def apply(self, outcome: Outcome) -> None:
        work, key, points = outcome.context.unit_of_work, outcome.context.key, outcome.result["points"]
        work.points[key] += points or work.began_with[key] + work.points[key]  # 0 points double the score
        for payload in outcome.result.get("follow_up", []):
            outcome.publish("arena.aftermath", payload)
        self.meanwhile()


@pytest.fixture
def arena(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(held, "MAX_HELD_SECONDS", 60.0)  # however busy the machine: a batch is one commit
    monkeypatch.setattr(Foreseeing, "told", [])
    with arena_registered(Foreseeing):
        make_script("result = {'points': message['payload']['points']}\n")
        yield


def hit(*points: int, **arguments: Any) -> None:
    for each in points:
        publishing.publish("arena.hit", {"points": each}, key="ann", **arguments)


def drain() -> None:
    drain_job.drain_once(Stream.of("arena", "ann", ""))


def statuses() -> list[str]:
    return list(Execution.objects.order_by("pk").values_list("status", flat=True))


def test_outcomes_are_taken_before_the_transaction_and_written_inside_it(arena: None) -> None:
    hit(1, 2, 0), drain()
    assert score("ann") == 6
    assert Foreseeing.told == ["ahead of 3", "write"]
    assert statuses() == ["succeeded"] * 3


def test_what_somebody_else_changed_meanwhile_is_what_outcomes_act_on(
    arena: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_somebody_else() -> None:
        monkeypatch.setattr(Foreseeing, "meanwhile", staticmethod(lambda: None))
        add("ann", 5)

    monkeypatch.setattr(Foreseeing, "meanwhile", staticmethod(by_somebody_else))
    hit(1, 0), drain()
    assert score("ann") == 12
    assert Foreseeing.told == ["ahead of 2", "write", "inside, 2"]
    assert statuses() == ["succeeded"] * 2


def test_follow_ups_of_what_is_done_anew_are_sent_once(arena: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_somebody_else() -> None:
        if not connection.in_atomic_block:
            add("ann", 5)

    monkeypatch.setattr(Foreseeing, "meanwhile", staticmethod(by_somebody_else))
    make_script(FOLLOW_UP)
    hit(1), drain(), drain()
    assert score("ann") == 12
    assert Execution.objects.count() == 2
    assert Foreseeing.told == ["ahead of 1", "write", "inside, 1"] * 2
    assert not OutboxEvent.objects.exists()


def test_what_the_game_refuses_falls_back_alone(arena: None) -> None:
    hit(10, 5000, 20), drain()
    assert score("ann") == 30
    assert Foreseeing.told == ["ahead of 3", *["inside, 1"] * 4]  # the built-in rule's points are refused as well
    assert statuses() == ["succeeded", "failed", "succeeded"]


def test_an_event_that_is_recorded_already_takes_no_second_effect(arena: None) -> None:
    hit(1, event_id="first"), drain()
    hit(1, event_id="first"), hit(2, event_id="second"), drain()
    assert score("ann") == 3
    assert Execution.objects.count() == 2
    assert Foreseeing.told[-1] == "inside, 1"


def test_a_module_that_foresees_nothing_this_time_is_asked_inside(arena: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Foreseeing, "unit_of_work_ahead", lambda _self, _calls: None)
    hit(1, 0), drain()
    assert score("ann") == 2
    assert Foreseeing.told == ["inside, 2"]
