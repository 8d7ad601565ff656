"""A worker's other threads do their work of each second while its main thread waits for events."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from scripting.bus.drain import Drain, DrainResult
from scripting.bus.lease import Lease
from scripting.workers import gaps
from scripting.workers.gaps import Gaps
from tests.bus.desk import STREAM, Desk, put


def test_a_step_begins_at_once_while_the_main_thread_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "MOST_SECONDS", 600.0)
    of_worker = Gaps()
    of_worker.wait()
    of_worker.works()
    with of_worker.rest():
        of_worker.wait()
    of_worker.rests()
    of_worker.wait()


def test_a_step_of_a_worker_that_is_always_busy_is_done_all_the_same() -> None:
    of_worker = Gaps()
    of_worker.works()
    began = time.monotonic()
    of_worker.wait()
    assert time.monotonic() - began >= 0.9 * gaps.MOST_SECONDS


@pytest.mark.usefixtures("redis_client")
def test_a_drain_leaves_others_the_gaps_between_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "MOST_SECONDS", 600.0)
    of_worker, desk = Gaps(), Desk()
    began_behind: list[int] = []

    def step() -> None:
        of_worker.wait()
        began_behind.append(len(desk.decided))

    other = threading.Thread(target=step)

    def decided(event: str) -> None:
        if event == "0":
            other.start()
        time.sleep(0.01)
        assert not began_behind

    desk.before_decision = decided
    put(*range(5))
    of_worker.works()
    lease = Lease.take(STREAM, "tester")
    assert lease is not None
    assert Drain(lease, replace(desk.parts(), gap=of_worker.rest), seconds=60).run() is DrainResult.EMPTY
    other.join(60)
    assert began_behind == [5]
