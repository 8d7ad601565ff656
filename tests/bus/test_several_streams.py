"""One drain with several streams of a module: read and committed together, each with a lease of its own."""

from __future__ import annotations

import dataclasses
import time

import pytest
import redis

from scripting.bus import drain, sharing, streams
from scripting.bus.drain import Drain, DrainResult
from scripting.bus.lease import Lease
from scripting.bus.streams import Stream
from tests.bus.desk import STREAM, Desk, put

OTHER = Stream("arena", 1)


def of_both(desk: Desk, seconds: float = 60) -> Drain[str]:
    """A drain of STREAM, to which the job of OTHER is offered."""
    jobs = [OTHER]
    lease = Lease.take(STREAM, "tester")
    assert lease is not None
    parts = dataclasses.replace(desk.parts(), take_job=lambda: jobs.pop() if jobs else None)
    return Drain(lease, parts, seconds=seconds)


@pytest.fixture(autouse=True)
def a_job_waits(redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    redis_client.rpush(streams.queue_key(), "drain-arena-1-0")
    monkeypatch.setattr(sharing, "SLICE_SECONDS", 60.0)
    monkeypatch.setattr(sharing, "SLOW_SECONDS", 60.0)


def test_a_stream_whose_job_waits_is_drained_along_and_committed_in_the_same_batch() -> None:
    put("a")
    put("b", stream=OTHER)
    desk = Desk()
    desk.before_decision = lambda event: (put("c"), put("d", stream=OTHER)) if event == "a" else None
    assert of_both(desk).run() is DrainResult.EMPTY
    assert desk.committed == [["a"], ["c", "b", "d"]]
    assert [condition.length for condition in streams.conditions()] == [0, 0]
    assert not any(condition.leased or condition.flag for condition in streams.conditions())


def test_who_loses_one_of_two_streams_commits_nothing_of_it_and_goes_on_with_the_other(
    redis_client: redis.Redis,
) -> None:
    put("a")
    put("b", stream=OTHER)
    desk = Desk()
    lost: list[str] = []

    def take_over(event: str) -> None:
        if event == "b" and not lost:
            lost.append(event)
            redis_client.set(OTHER.lease, "somebody else")
            drained.leases[-1]._sure_until = 0.0  # as when it has been stopped for long
            put("c")

    desk.before_decision = take_over
    drained = of_both(desk)
    assert drained.run() is DrainResult.EMPTY
    assert desk.events == ["a", "c"]
    assert redis_client.xlen(OTHER.entries) == 1
    assert redis_client.get(OTHER.lease) == b"somebody else"


def test_a_slow_script_keeps_no_other_stream_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a")
    put("b", stream=OTHER)
    desk = Desk()

    def slow(event: str) -> None:
        if event == "a":
            put("slow")
        if event == "slow":
            monkeypatch.setattr(sharing, "SLOW_SECONDS", 0.0)

    desk.before_decision = slow
    assert of_both(desk).run() is DrainResult.EMPTY
    assert desk.events == ["a", "slow"]
    [(left, _)] = desk.enqueued
    assert left == OTHER  # with the event that waits in it, for another worker
    [condition] = [condition for condition in streams.conditions() if condition.stream == OTHER]
    assert (condition.length, condition.leased) == (1, False)


def test_a_busy_drain_offers_one_of_its_streams_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(sharing, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(drain.Drain, "_is_others_turn", lambda _drain: False)
    put("a")
    put("b", stream=OTHER)
    desk = Desk()
    desk.before_decision = lambda event: put("c") if event == "b" else None
    of_both(desk).run()
    assert [stream for stream, _ in desk.enqueued] == [STREAM]
    assert desk.events == ["a", "b"]


def test_a_drain_that_was_not_busy_for_long_keeps_its_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(sharing, "BUSY_SECONDS", 60.0)
    monkeypatch.setattr(drain.Drain, "_is_others_turn", lambda _drain: False)
    put("a")
    put("b", stream=OTHER)
    desk = Desk()
    desk.before_decision = lambda event: put("c") if event == "b" else None
    of_both(desk).run()
    assert desk.events == ["a", "b", "c"]
    assert desk.enqueued == []


def test_a_drain_that_lingers_ends_at_once_for_a_job_that_is_not_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drain, "LINGER_SECONDS", 20.0)
    monkeypatch.setattr(drain, "LINGER_STEP", 19.0)
    put("a")
    lease = Lease.take(STREAM, "tester")
    assert lease is not None
    begun = time.monotonic()
    assert Drain(lease, Desk().parts(), seconds=30).run() is DrainResult.EMPTY
    assert time.monotonic() - begun < 18
