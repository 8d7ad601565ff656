"""Of a topic that keeps the latest, the older waiting events of a key are superseded: only where that is sure, and no trace is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
import pytest
import redis

from scripting.bus import dead_letters, respread, streams
from scripting.bus.drain import DrainResult
from scripting.bus.drain_parts import Parts
from scripting.bus.events import Event
from scripting.bus.lease import Lease
from scripting.bus.streams import Stream
from tests.bus.desk import Desk, event


class Counter(Desk):
    """A desk that writes `old<new` for what is superseded."""

    def supersede(self, event: Event, module: str, script: str, newer: str, deliveries: int) -> str:
        return f"{event.id}<{newer}"

    def recorded(self, events: set[str]) -> set[str]:
        return events & {decided.partition("<")[0] for decided in self.events}

    def parts(self) -> Parts[str]:
        return replace(super().parts(), supersede=self.supersede, recorded=self.recorded)


def state(number: object, key: str = "k", scripts: Sequence[str] = ("scorer",)) -> Event:
    subscribers = [("arena", script) for script in scripts]
    return msgspec.structs.replace(event(number, key), latest=True, subscribers=subscribers)


def put(*events: Event) -> None:
    streams.append_by_key([("arena", one.key, one.id, one.encode(), one.group("arena")) for one in events])


def drained(desk: Desk | None = None) -> list[str]:
    desk = desk or Counter()
    for found in streams.conditions():
        assert desk.drain(found.stream) is DrainResult.EMPTY
    return desk.events


@pytest.fixture(autouse=True)
def nothing_is_left(redis_client: redis.Redis) -> Iterator[None]:
    yield
    assert redis_client.keys("*:latest") == []


def test_of_those_that_wait_the_latest_of_a_key_runs_and_others_in_between_run_in_their_order() -> None:
    put(state(1), state(2), event(3), state(4, "other"), state(5, ""), state(6, ""), state(7))
    found = drained()
    assert [each for each in found if each[0] in "1237"] == ["1<7", "2<7", "3", "7"]
    assert sorted(each for each in found if each[0] in "456") == ["4", "5", "6"]


def test_an_event_supersedes_those_alone_that_were_for_the_same_scripts() -> None:
    put(state(1, scripts=["alarm"]), state(2), state(3, scripts=["alarm", "scorer"]), state(4))
    assert drained()[:3] == ["1", "2<4", "3"]


def test_what_is_sent_again_under_the_same_id_supersedes_nothing_that_came_after_it() -> None:
    desk = Counter()
    put(state(1), state(2), state(1))
    assert drained(desk)[:2] == ["1", "2"]
    put(state(3), state(2))
    assert "3" in drained(desk)


def test_a_newer_one_that_left_the_stream_for_the_dead_letters_supersedes_nothing_and_runs_when_put_back() -> None:
    put(state(1), state(2))
    stream = Stream.of("arena", "k", "")
    lease = Lease.take(stream, "tester")
    assert lease is not None
    entry, envelope = lease.read(10).entries[1]
    lease.set_aside(entry, envelope, "for a test")
    lease.hand_over()
    assert drained() == ["1"]
    put(state(3))
    [letter] = dead_letters.newest()
    assert dead_letters.put_back(letter)
    assert drained() == ["3", "2"]


@pytest.mark.parametrize("others", [6, 1])
def test_the_latest_stays_the_latest_while_keys_are_spread_anew(others: int) -> None:
    keys = [f"unit-{number}" for number in range(12)]
    put(*(state(f"{turn}-{key}", key) for turn in range(3) for key in keys))
    assert respread.respread("arena", others, step=7) is not None
    put(*(state(f"3-{key}", key) for key in keys[:6]))
    found = drained()
    last = {key: 3 if key in keys[:6] else 2 for key in keys}
    wanted = {f"{turn}-{key}<{last[key]}-{key}" for key in keys for turn in range(last[key])}
    assert set(found) == wanted | {f"{last[key]}-{key}" for key in keys}


def test_where_the_database_cannot_tell_every_event_runs() -> None:
    class Doubtful(Counter):
        def recorded(self, events: set[str]) -> set[str]:
            raise ValueError("no answer")

    put(state(1), state(2))
    assert drained(Doubtful()) == ["1", "2"]


def test_a_worker_of_the_last_release_runs_them_all() -> None:
    put(state(1), state(2))
    assert drained(Desk()) == ["1", "2"]
