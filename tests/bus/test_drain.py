"""One drain of one stream: order, batches, redelivery, faults and whose they are."""

from __future__ import annotations

import pytest
import redis
from pytest_django.fixtures import Settings

from scripting.bus import deciding, streams
from scripting.bus.drain import Drain, DrainResult
from scripting.bus.lease import Lease
from tests.bus.desk import STREAM, Desk, put


def test_events_are_decided_in_order_and_committed_together(redis_client: redis.Redis) -> None:
    put(*range(10))
    desk = Desk()
    assert desk.drain() is DrainResult.EMPTY
    assert desk.committed == [[str(n) for n in range(10)]]
    assert redis_client.xlen(STREAM.entries) == 0


def test_no_commit_holds_more_than_a_batch(settings: Settings) -> None:
    settings.SCRIPTING_BATCH = 4
    put(*range(10))
    desk = Desk()
    desk.drain()
    assert [len(batch) for batch in desk.committed] == [4, 4, 2]


def test_events_that_run_together_are_committed_in_order_with_those_that_do_not() -> None:
    put("a", "b", "c", "reader", "d", "e")
    desk = Desk(ahead=2, readers={"reader"})
    desk.drain()
    assert desk.rows == [["a", "b"], ["c"], [], ["d", "e"]]
    assert desk.committed == [["a", "b", "c"], ["reader", "d", "e"]]


def test_a_worker_that_is_to_end_takes_no_decision_of_a_row_once_one_has_taken_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deciding, "MAX_HELD_SECONDS", 0.0)
    put("a", "b", "c")
    desk = Desk(ahead=3, stop_after=1)
    assert desk.drain() is DrainResult.HANDED_OVER
    assert desk.committed == [["a"]]


def test_where_one_of_a_row_fails_each_runs_alone_and_once() -> None:
    put("a", "b", "c")
    desk = Desk(ahead=3, undecidable={"b"})
    desk.drain()
    assert (desk.events, [event for event, *_ in desk.abandoned]) == (["a", "c"], ["b"])


def test_what_is_held_is_committed_before_a_read() -> None:
    put("a", "b", "reader", "c")
    desk = Desk(readers={"reader"})
    desk.drain()
    assert desk.committed == [["a", "b"], ["reader", "c"]]


def test_a_stream_that_is_being_drained_is_left_alone() -> None:
    put("a")
    assert Lease.take(STREAM, "another") is not None
    desk = Desk()
    assert desk.drain() is DrainResult.TAKEN
    assert desk.decided == []


def test_when_the_time_is_up_the_rest_goes_to_a_new_job(redis_client: redis.Redis) -> None:
    put("a", "b")
    desk = Desk()
    assert desk.drain(seconds=0) is DrainResult.HANDED_OVER
    ((stream, job),) = desk.enqueued
    assert (stream, redis_client.get(STREAM.flag)) == (STREAM, job.encode())
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b"]


def test_a_worker_that_is_to_end_commits_what_it_has_and_leaves_the_rest(redis_client: redis.Redis) -> None:
    put(*range(10))
    desk = Desk(stop_after=3)
    assert desk.drain() is DrainResult.HANDED_OVER
    assert desk.events == ["0", "1", "2"]
    assert redis_client.xlen(STREAM.entries) == 7
    desk.stop_after = None
    desk.drain()
    assert desk.events == [str(n) for n in range(10)]
    assert len(desk.decided) == 10


def test_a_lingering_drain_takes_what_comes_meanwhile() -> None:
    put("a")
    desk = Desk()
    desk.before_commit = lambda: put("late") if len(desk.committed) == 0 else None
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "late"]


def test_a_drain_does_not_linger_while_another_job_waits(redis_client: redis.Redis) -> None:
    redis_client.rpush(streams.queue_key(), "another stream's")
    put("a")
    lease = Lease.take(STREAM, "tester")
    assert lease is not None
    drain = Drain(lease, Desk().parts())
    assert drain.step()
    assert not drain.step()
    assert drain.jobs_waiting == 1
    assert drain._is_over()


def test_an_event_that_cannot_be_decided_is_abandoned_after_three_deliveries() -> None:
    put("a", "bad", "b")
    desk = Desk(undecidable={"bad"})
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b"]
    ((event, deliveries, why),) = desk.abandoned
    assert (event, deliveries) == ("bad", 3)
    assert "bad cannot be decided" in why


def test_an_event_that_cannot_be_applied_takes_no_other_with_it() -> None:
    put("a", "bad", "b", "c")
    desk = Desk(inapplicable={"bad"})
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b", "c"]
    assert [(event, deliveries) for event, deliveries, _ in desk.abandoned] == [("bad", 3)]


def test_the_reader_is_not_blamed_for_a_flush_that_fails() -> None:
    put("bad", "reader")
    desk = Desk(readers={"reader"}, inapplicable={"bad"})
    desk.drain()
    assert desk.events == ["reader"]
    assert [event for event, _, _ in desk.abandoned] == ["bad"]


def test_a_database_that_is_away_costs_no_event_a_delivery() -> None:
    put("a", "b")
    desk = Desk()
    desk.away = lambda: desk.pauses < 10
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b"]
    assert desk.abandoned == []


def test_a_drain_does_not_outstay_its_time_waiting_for_the_database(redis_client: redis.Redis) -> None:
    put("a", "b")
    desk = Desk(away=lambda: True)
    assert desk.drain(seconds=0.05) is DrainResult.HANDED_OVER
    assert len(desk.enqueued) == 1
    assert redis_client.xlen(STREAM.entries) == 2
    desk.away = lambda: False
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b"]


class Killed(BaseException):
    """In place of SIGKILL: nothing catches it, nothing is tidied up."""


def test_what_a_dead_worker_had_in_hand_comes_first_and_one_by_one(redis_client: redis.Redis) -> None:
    put("a", "b", "c")
    desk = Desk(before_commit=kill)
    with pytest.raises(Killed):
        desk.drain()
    redis_client.delete(STREAM.lease)
    put("d", "e")
    desk.before_commit = lambda: None
    assert desk.drain() is DrainResult.EMPTY
    assert desk.committed == [["a"], ["b"], ["c"], ["d", "e"]]


def test_an_event_that_kills_its_worker_is_abandoned_and_its_neighbours_are_not(redis_client: redis.Redis) -> None:
    put("a", "killer", "b", "c")
    desk = Desk(before_decision=lambda event: kill() if event == "killer" else None)
    for _worker in range(3):
        with pytest.raises(Killed):
            desk.drain()
        redis_client.delete(STREAM.lease)
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b", "c"]
    ((event, deliveries, why),) = desk.abandoned
    assert (event, deliveries) == ("killer", 3)
    assert "its worker died" in why


def kill() -> None:
    raise Killed


def test_a_drain_whose_lease_was_taken_over_commits_nothing(redis_client: redis.Redis) -> None:
    put("a", "b")
    late = Desk()
    successor = Desk()

    def stopped_for_long() -> None:
        redis_client.delete(STREAM.lease)
        assert successor.drain() is DrainResult.EMPTY
        lease._sure_until = 0.0

    late.before_commit = stopped_for_long
    lease = Lease.take(STREAM, "late")
    assert lease is not None
    assert Drain(lease, late.parts()).run() is DrainResult.LOST
    assert late.committed == []
    assert successor.events == ["a", "b"]


def test_an_entry_that_is_no_envelope_is_set_aside_and_blocks_nothing(redis_client: redis.Redis) -> None:
    put("a")
    streams.append([(STREAM, b"\xff not an envelope")])
    put("b")
    desk = Desk()
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b"]
    ((_, letter),) = redis_client.xrange(streams.dead_letters_key())
    assert letter[b"e"] == b"\xff not an envelope"
    assert letter[b"stream"] == b"arena:0"
    assert b"no envelope" in letter[b"reason"]


def test_an_event_that_cannot_even_be_recorded_is_set_aside(redis_client: redis.Redis) -> None:
    put("a", "orphan", "b")
    desk = Desk(undecidable={"orphan"}, unknown={"orphan"})
    assert desk.drain() is DrainResult.EMPTY
    assert desk.events == ["a", "b"]
    ((_, letter),) = redis_client.xrange(streams.dead_letters_key())
    assert b"there is no script" in letter[b"reason"]


def test_redis_going_away_ends_the_drain_and_loses_nothing(redis_server: object, redis_client: redis.Redis) -> None:
    put("a", "b")
    desk = Desk()
    desk.before_commit = redis_server.kill  # type: ignore[attr-defined]
    with pytest.raises(redis.ConnectionError):
        desk.drain()
    redis_server.start()  # type: ignore[attr-defined]
    redis_client.delete(STREAM.lease)
    again = Desk()
    assert again.drain() is DrainResult.EMPTY
    assert again.events == ["a", "b"]
