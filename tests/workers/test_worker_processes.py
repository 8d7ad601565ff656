"""Real workers, killed, stopped and cut off: nothing is lost, nothing happens twice, and the order of each key holds."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection

from scripting.bus import publishing, streams
from scripting.bus.publishing import Message
from scripting.bus.respread import respread
from scripting.models import Execution
from tests.support.processes import alive as process_alive
from tests.support.processes import own_processes, processes_of
from tests.support.redis import RedisServer
from tests.support.stack import idle_seconds_until
from tests.workers.outages import database_away, standby, stop_outside_a_transaction
from tests.workers.processes import OWN_PARENT, WorkerProcess, alive, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]

RUNNERS = [f"runner-{number}" for number in range(12)]


def publish(count: int, first: int = 1, seconds: float = 0.0, turns: int = 0) -> None:
    """Laps `first`… of every runner, interleaved; see track.Lap for what makes them slow."""
    publishing.publish_many(
        Message("track.lap", {"lap": lap, "seconds": seconds, "turns": turns}, key=runner)
        for lap in range(first, first + count)
        for runner in RUNNERS
    )


def done(count: int) -> bool:
    return Execution.objects.count() >= count * len(RUNNERS) and publishing.backlog().events == 0


def assert_each_once_and_in_order(count: int) -> None:
    assert laps() == {runner: list(range(1, count + 1)) for runner in RUNNERS}
    assert set(Execution.objects.values_list("status", flat=True)) == {"succeeded"}
    assert Execution.objects.count() == count * len(RUNNERS)
    assert publishing.backlog().dead_letters == 0


def test_workers_killed_one_after_the_other_lose_and_double_nothing_while_the_number_of_streams_changes(
    tmp_path: Path,
) -> None:
    publish(40, seconds=0.004)
    same = {"SCRIPTING_MAX_SHARDS": "4"}  # the test changes it, not a worker
    for victim in range(3):
        with (
            WorkerProcess(tmp_path, f"victim-{victim}", **same, **OWN_PARENT) as worker,
            WorkerProcess(tmp_path, f"peer-{victim}", **same) as peer,
        ):
            worker.takes_jobs(), peer.takes_jobs()
            before = Execution.objects.count()
            wait_for(lambda before=before: Execution.objects.count() > before + 20, what="no progress")
            # It gives up, to be tried again, where a drain does not hand over soon.
            wait_for(lambda number=(16, 3, 8)[victim]: respread("track", number, step=9), what="the number stays")
            worker.kill(), peer.kill()
            wait_for(lambda worker=worker: worker.leaves_nothing(), what="a sandbox outlived its worker")
        assert victim or not done(40), "the first two are killed in the middle of their work"
    with WorkerProcess(tmp_path, "heir").takes_jobs():
        wait_for(lambda: done(40))
    assert_each_once_and_in_order(40)


def test_a_dead_workers_events_run_elsewhere_within_ten_seconds(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, "victim").takes_jobs() as victim:
        publish(2, seconds=0.02)
        wait_for(lambda: Execution.objects.exists())
        with WorkerProcess(tmp_path, "heir").takes_jobs():
            victim.kill()
            assert idle_seconds_until(lambda: done(2)) < 10
            wait_for(lambda: not alive("victim"))
    assert_each_once_and_in_order(2)


def test_a_worker_that_was_stopped_for_long_commits_nothing_late(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, "sleeper").takes_jobs() as sleeper:
        publish(30, turns=200_000)
        wait_for(lambda: Execution.objects.count() > 10)
        stop_outside_a_transaction(sleeper.signal)
        while not any(condition.leased for condition in streams.conditions()):
            sleeper.signal(signal.SIGCONT)  # between two drains it has nothing that could be taken over
            stop_outside_a_transaction(sleeper.signal)
        with WorkerProcess(tmp_path, "heir").takes_jobs():
            wait_for(lambda: done(30))
            sleeper.signal(signal.SIGCONT)
            wait_for(lambda: sleeper.said("was taken over"))
            publish(5, first=31)
            wait_for(lambda: done(35))
            assert sleeper.process.poll() is None
    assert_each_once_and_in_order(35)


@pytest.mark.once
def test_workers_outlive_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    with WorkerProcess(tmp_path, "one").takes_jobs() as one, WorkerProcess(tmp_path, "two").takes_jobs() as two:
        publish(30, seconds=0.004)
        wait_for(lambda: Execution.objects.count() > 20)
        redis_server.kill()
        wait_for(lambda: one.said("waits for Redis") or two.said("waits for Redis"))
        redis_server.start()
        wait_for(lambda: done(30))
        publish(2, first=31)
        wait_for(lambda: done(32))
        assert one.process.poll() is None
        assert two.process.poll() is None
    assert_each_once_and_in_order(32)


def test_workers_outlive_the_database_and_blame_no_event_for_it(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, "one").takes_jobs() as one:
        publish(10, seconds=0.004)
        wait_for(lambda: Execution.objects.count() > 5)
        with database_away():
            publish(10, first=11)
            wait_for(lambda: one.said("the database is unavailable"))
            time.sleep(7)  # long enough for more than three tries, and for each thread to look by itself
            log = one.log.read_text()
        wait_for(lambda: done(20))
        assert one.process.poll() is None
    assert log.count("the database is unavailable, events wait") == 1, log
    assert not [word for word in ("sweep not finished", "messages of alerts wait", "Traceback") if word in log], log
    assert_each_once_and_in_order(20)


def assert_all_wait(worker: WorkerProcess, count: int) -> None:
    """For more than three tries; the log has one word of it and no traceback."""
    wait_for(lambda: worker.said("the database is unavailable, events wait"))
    time.sleep(3)
    assert publishing.backlog().dead_letters == 0
    assert Execution.objects.count() <= count
    assert not Execution.objects.exclude(status="succeeded").exists()
    log = worker.log.read_text()
    assert log.count("the database is unavailable") == 1, log
    assert "Traceback" not in log, log


@pytest.mark.parametrize("pragma", ["query_only = ON;", "max_page_count = {pages};"], ids=["read-only", "full"])
def test_events_wait_for_a_file_that_takes_no_writes(pragma: str, tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a file is SQLite's")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # no page is free
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    publish(6)
    with WorkerProcess(tmp_path, "one", TRACK_PRAGMA=f"PRAGMA {pragma.format(pages=pages + 2)}") as one:
        assert_all_wait(one, 6 * len(RUNNERS) - 1)
    with WorkerProcess(tmp_path, "heir").takes_jobs():
        wait_for(lambda: done(6))
    assert_each_once_and_in_order(6)


def test_events_wait_for_a_server_that_can_only_be_read(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a server is PostgreSQL's")
    with WorkerProcess(tmp_path, "one").takes_jobs() as one:
        publish(2)
        wait_for(lambda: done(2))
        with standby():
            publish(4, first=3)
            assert_all_wait(one, 2 * len(RUNNERS))
        wait_for(lambda: done(6))
        wait_for(lambda: one.said("the database is available again after"))
    assert_each_once_and_in_order(6)


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_asked_to_end_finishes_what_it_has_and_leaves_the_rest(tmp_path: Path, number: signal.Signals) -> None:
    with WorkerProcess(tmp_path, "one", **OWN_PARENT).takes_jobs() as one:
        publish(20, seconds=0.01)
        wait_for(lambda: Execution.objects.count() > 5)
        one.signal(number)
        assert one.process.wait(60) == 0
        assert one.leaves_nothing()
    assert not alive("one")
    left = publishing.backlog().events
    assert left > 0
    assert left + Execution.objects.count() == 20 * len(RUNNERS)
    assert all(not condition.leased for condition in streams.conditions())
    with WorkerProcess(tmp_path, "two", "--burst") as two:
        assert two.process.wait(60) == 0
    assert_each_once_and_in_order(20)
    assert set(Execution.objects.values_list("deliveries", flat=True)) == {1}


@pytest.mark.once
def test_a_worker_as_process_1_of_a_container_takes_jobs_and_ends_warmly(tmp_path: Path) -> None:
    publish(2)
    with WorkerProcess(tmp_path, "one", under=own_processes()).takes_jobs() as one:
        wait_for(lambda: done(2))
        (first,) = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
        family = processes_of(one.process.pid)
        os.kill(int(first), signal.SIGTERM)
        assert one.process.wait(60) == 0
        assert one.said("has ended")
        assert not any(process_alive(pid) for pid in family)
    assert_each_once_and_in_order(2)


@pytest.mark.once
def test_an_idle_worker_ends_at_once(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, "one").takes_jobs() as one:
        one.signal(signal.SIGTERM)
        assert one.process.wait(30) == 0


@pytest.mark.once
def test_a_worker_ends_when_asked_while_redis_is_away(tmp_path: Path, redis_server: RedisServer) -> None:
    with WorkerProcess(tmp_path, "one").takes_jobs() as one:
        redis_server.kill()
        wait_for(lambda: one.said("waits for Redis"))
        one.signal(signal.SIGTERM)
        assert one.process.wait(60) == 0


@pytest.mark.once
def test_a_worker_started_before_redis_waits_for_it(tmp_path: Path, redis_server: RedisServer) -> None:
    publish(1)
    redis_server.kill()
    with WorkerProcess(tmp_path, "early") as early:
        wait_for(lambda: early.said("waits for Redis"))
        redis_server.start()
        wait_for(lambda: done(1))
    assert_each_once_and_in_order(1)


@pytest.mark.once
def test_sandboxes_stay_warm_from_job_to_job(tmp_path: Path) -> None:
    numbers = itertools.count(1)
    with WorkerProcess(tmp_path, "one", **OWN_PARENT).takes_jobs() as one:

        def family_after_a_job() -> set[int]:
            lap = next(numbers)
            publish(1, first=lap)
            wait_for(lambda: done(lap))
            wait_for(lambda: not any(state.leased for state in streams.conditions()), what="the drains do not end")
            return one.members()

        def all_stay() -> bool:
            before, after = family_after_a_job(), family_after_a_job()
            return len(before) > 1 and before <= after

        # Not at once: a small sandbox takes the place of the one that compiled, when the worker has time for it.
        wait_for(all_stay, what="each job begins with sandboxes of its own")
