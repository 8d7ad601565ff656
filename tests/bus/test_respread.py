"""The number of streams changes while events wait and are published: order per key holds, nothing is lost."""

from __future__ import annotations

import itertools
from collections import defaultdict

import msgspec
import pytest
import redis

from scripting.bus import respread, spread, streams
from scripting.bus.drain import DrainResult
from scripting.bus.events import Event
from scripting.bus.lease import Lease
from scripting.bus.spread import Spread
from scripting.bus.streams import Stream
from scripting.processes import members
from scripting.processes.members import Membership
from scripting.storage.lua import together
from scripting.storage.redis_client import redis_client
from scripting.workers.spreading import FEWER_SECONDS, Spreading, wanted
from tests.bus.desk import Desk, event

KEYS = [f"game-{number}" for number in range(16)] + ["", "Ærøskøbing 🎲", "k" * 128]


class Publisher:
    """Publishes numbers in turn, each under the next key."""

    def __init__(self) -> None:
        self.numbers = itertools.count()

    def publish(self, count: int) -> None:
        events = [event(number, KEYS[number % len(KEYS)]) for number in itertools.islice(self.numbers, count)]
        streams.append_by_key([("arena", one.key, one.id, one.encode(), one.group("arena")) for one in events])


def waiting() -> dict[Stream, list[Event]]:
    return {
        found.stream: [Event.decode(f[b"e"]) for _, f in redis_client().xrange(found.stream.entries)]
        for found in streams.conditions()
    }


def assert_in_order(count: int) -> None:
    """Each event waits once, and those of a key in one stream, where a publisher would put them, in their order."""
    by_key = defaultdict(list)
    for stream, events in waiting().items():
        for one in events:
            assert stream == Stream.of("arena", one.key, one.id)
            by_key[one.key or one.id].append(int(one.id))
    assert sorted(itertools.chain(*by_key.values())) == list(range(count))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


def dies_after(steps: int) -> None:
    """A process that changes the number dies after so many steps, and its leases run out."""
    left = iter(range(steps))
    respread.respread("arena", 6, stopping=lambda: next(left, None) is None, step=7)
    for left_behind in redis_client().keys("goby:lease:*"):
        redis_client().delete(left_behind)


@pytest.mark.parametrize("number", [16, 6, 2, 1])
def test_events_that_wait_go_to_their_new_streams_in_order(number: int) -> None:
    publisher = Publisher()
    publisher.publish(100)
    done = respread.respread("arena", number, step=7)
    assert done is not None
    assert (done.before, done.after) == (4, number)
    jobs = {condition.stream for condition in streams.conditions() if condition.queued}
    assert jobs == {stream for stream, events in waiting().items() if events}
    publisher.publish(50)
    assert_in_order(150)


def test_a_change_whose_process_dies_is_finished_by_another_and_nobody_drains_until_then() -> None:
    publisher = Publisher()
    publisher.publish(100)
    dies_after(3)
    for steps in (1, 2, 0):
        publisher.publish(20)
        assert [Lease.take(stream, "tester") for stream in waiting()] == [None] * len(waiting())
        dies_after(steps)
    assert spread.everywhere() == {"arena": Spread(4, becomes=6)}
    done = respread.respread("arena", 4)  # another number is for later: half of the way is gone
    assert done is not None
    assert done.after == 6
    assert_in_order(160)
    desk = Desk()
    for stream in list(waiting()):
        assert desk.drain(stream) is DrainResult.EMPTY
    assert sorted(map(int, desk.events)) == list(range(160))


def test_a_drain_hands_over_to_a_change_at_its_next_read() -> None:
    Publisher().publish(600)
    stream = Stream.of("arena", KEYS[0], "")
    desk = Desk()
    desk.before_commit = lambda: redis_client().hset(spread.changes_key(), "arena", 8)
    assert desk.drain(stream) is DrainResult.HANDED_OVER
    assert desk.drain(stream) is DrainResult.TAKEN
    assert respread.respread("arena", 8) is not None
    desk.before_commit = lambda: None
    for one in list(waiting()):
        assert desk.drain(one) is DrainResult.EMPTY
    assert sorted(map(int, desk.events)) == list(range(600))


def test_a_change_gives_up_where_a_drain_does_not_hand_over() -> None:
    Publisher().publish(20)
    lease = Lease.take(Stream("arena", 1), "tester")
    assert lease is not None
    waits = iter([False, False, True])
    assert respread.respread("arena", 8, stopping=lambda: next(waits), pause=lambda _seconds: None) is None
    assert spread.everywhere() == {"arena": Spread(4)}
    assert not any(found.leased for found in streams.conditions() if found.stream != lease.stream)
    assert len(lease.read(1).entries) == 1


def test_one_process_at_a_time_changes_a_module() -> None:
    Publisher().publish(20)
    lease = Lease.take(Stream("arena", 1), "tester")
    assert lease is not None
    seen: list[object] = []
    respread.respread(
        "arena", 8, stopping=lambda: bool(seen), pause=lambda _s: seen.append(respread.respread("arena", 8))
    )
    assert seen == [None]
    assert lease.finish() or lease.hand_over()
    assert respread.respread("arena", 8) is not None


def test_what_a_dead_drain_had_in_hand_is_known_as_redelivered_in_its_new_stream() -> None:
    Publisher().publish(60)
    old = Stream.of("arena", KEYS[0], "")
    lease = Lease.take(old, "tester")
    assert lease is not None
    in_hand = {Event.decode(envelope).id for _, envelope in lease.read(10).entries}
    for entry, _ in lease.read(10).entries:
        lease.count_delivery(entry)
    redis_client().delete(old.lease)
    assert respread.respread("arena", 16) is not None
    found = set()
    for stream in waiting():
        if lease := Lease.take(stream, "tester"):
            for entry, envelope in lease.read(100).entries:
                delivered = redis_client().hget(stream.deliveries, entry.decode())
                if delivered:
                    assert (delivered, lease.redelivered_to is not None) == (b"1", True)
                    found.add(Event.decode(envelope).id)
    assert found == in_hand


def test_events_go_to_their_new_streams_whatever_their_payloads_hold() -> None:
    deep: object = 1
    for _ in range(30):
        deep = [{"of": deep}]
    values = [
        b"\xff",
        b"\x00" * 70_000,
        "é" * 300,
        deep,
        2**63 - 1,
        -(2**63),
        -200,
        1.5,
        None,
        True,
        list(range(70_000)),
    ]
    plain = event(0, "k")
    events = [
        msgspec.structs.replace(plain, id=str(number), key=key, payload={"value": value, "both": [value, {}]})
        for number, (value, key) in enumerate(itertools.product(values, ("ann", "", "k" * 128)))
    ]
    streams.append_by_key([("arena", one.key, one.id, one.encode(), one.group("arena")) for one in events])
    assert respread.respread("arena", 16) is not None
    assert_in_order(len(events))


def test_an_entry_that_is_no_event_stays_for_the_dead_letters() -> None:
    Publisher().publish(1)
    streams.append([(Stream("arena", 3), b"\xff no envelope")])
    assert respread.respread("arena", 2) is not None
    desk = Desk()
    desk.drain(Stream("arena", 3))
    assert redis_client().xlen(streams.dead_letters_key()) == 1


def test_a_site_of_before_keeps_its_number_until_it_is_changed(redis_client: redis.Redis, settings: object) -> None:
    for number in range(20):  # as an older release adds: no number is told
        one = event(number, KEYS[number % len(KEYS)])
        streams.append([(Stream.of("arena", one.key, one.id), one.encode())])
    assert redis_client.hgetall(spread.counts_key()) == {}
    publisher = Publisher()
    publisher.numbers = itertools.count(20)
    publisher.publish(20)
    settings.SCRIPTING_SHARDS = 16  # type: ignore[attr-defined] # a process with another setting
    publisher.publish(20)
    assert spread.everywhere() == {"arena": Spread(4)}
    assert_in_order(60)


# -- how many ------------------------------------------------------------------------------------------------------------


def test_streams_follow_the_workers_between_two_settings(settings: object) -> None:
    assert [wanted(workers, 0) for workers in (0, 1, 2, 16, 60, 1000)] == [4, 4, 4, 32, 128, 256]
    settings.SCRIPTING_MAX_SHARDS = 4  # type: ignore[attr-defined]
    assert wanted(60, 0) == 4


def test_a_process_of_an_older_release_keeps_the_number_that_it_goes_by() -> None:
    assert wanted(60, older=1) == 4
    now = Membership("worker")
    now.beat()
    assert together([members.mustering()], redis_client()) == [[1, 0]]
    redis_client().hdel(f"goby:process:{now.name}", members.KNOWS_SPREAD)
    assert together([members.mustering()], redis_client()) == [[1, 1]]
    now.leave()


def test_more_streams_come_at_once_and_fewer_after_a_minute() -> None:
    clock = iter([0.0, 1.0, 2.0, 3.0, 30.0, FEWER_SECONDS + 3.0, FEWER_SECONDS + 4.0])
    spreading = Spreading(clock=lambda: next(clock))
    assert spreading.due(8, 0, {"arena": Spread(4)}) == {}, "it is looked at twice"
    assert spreading.due(8, 0, {"arena": Spread(4)}) == {"arena": 16}
    assert spreading.due(1, 0, {"arena": Spread(16)}) == {}
    assert spreading.due(1, 0, {"arena": Spread(16)}) == {}
    assert spreading.due(1, 0, {"arena": Spread(16)}) == {}
    assert spreading.due(1, 0, {"arena": Spread(16), "other": Spread(16, becomes=32)}) == {"arena": 4, "other": 32}
    assert spreading.due(8, 1, {"arena": Spread(16)}) == {"arena": 4}, "one of an older release has come"
