"""The worker class, one step at a time in this process."""

from __future__ import annotations

import signal
import threading

import pytest
import redis
from django.db import connections
from rq import Worker

from scripting.bus import drain, drain_queue, publishing, streams
from scripting.bus.streams import Stream
from scripting.conf import conf
from scripting.models import Execution
from scripting.workers import drain_job, heartbeat
from scripting.workers.worker import NoAlarm, ScriptWorker
from tests.support.stack import wait_until
from tests.workers.track import laps

pytestmark = pytest.mark.usefixtures("track")


def test_a_step_without_a_job_says_so() -> None:
    assert not ScriptWorker("one").work_once(None)


def test_a_step_runs_one_drain_job_through_rq() -> None:
    publishing.publish("track.lap", {"lap": 1}, key="ann")
    (job,) = drain_queue.drain_queue().get_jobs()
    assert ScriptWorker("one").work_once(None)
    assert laps() == {"ann": [1]}
    assert job.get_status().value == "finished"
    assert job.return_value() == "empty"
    assert drain_queue.drain_queue().count == 0


def test_a_worker_is_listed_by_rq_and_by_us_until_it_ends() -> None:
    worker = ScriptWorker("one")
    worker.listener.start()
    worker._register()
    connection = drain_queue.drain_queue().connection
    assert [w.name for w in Worker.all(connection)] == heartbeat.live_workers() == [worker.name]
    worker._leave()
    assert Worker.all(connection) == []
    assert heartbeat.live_workers() == []


def test_a_worker_gives_a_redis_that_is_gone_up_before_it_would_end_itself_as_stuck() -> None:
    told = ScriptWorker("one").connection.connection_pool.connection_kwargs
    tries = told["retry"].get_retries() + 1
    assert told["socket_timeout"] + tries * tries * told["socket_connect_timeout"] < conf.SCRIPTING_JOB_TIMEOUT


def test_no_alarm_can_land_in_an_exchange() -> None:
    assert ScriptWorker.death_penalty_class is NoAlarm
    before = signal.getsignal(signal.SIGALRM)
    with NoAlarm(1, TimeoutError):
        assert signal.getsignal(signal.SIGALRM) is before


def test_executions_name_the_worker_that_ran_them() -> None:
    publishing.publish("track.lap", {"lap": 1}, key="ann")
    worker = ScriptWorker("east")
    drain_job.worker = worker.liveness
    try:
        worker.work_once(None)
    finally:
        drain_job.worker = None
    assert Execution.objects.get().worker == worker.name
    assert worker.name.startswith("east.")


def test_a_worker_can_be_made_while_redis_is_away(redis_server: object) -> None:
    redis_server.kill()  # type: ignore[attr-defined]
    worker = ScriptWorker("one")
    with pytest.raises(redis.ConnectionError):
        worker.work_once(None)


def test_one_job_drains_the_streams_whose_jobs_wait_too() -> None:
    keys = ["ann", "ben", "cid", "dot", "eve", "fay"]
    for key in keys:
        publishing.publish("track.lap", {"lap": 1}, key=key)
    waiting = drain_queue.drain_queue().get_jobs()
    assert len(waiting) > 1
    assert ScriptWorker("one").work_once(None)
    assert laps() == {key: [1] for key in keys}
    assert [job.get_status().value for job in waiting[:1]] == ["finished"]
    connection = drain_queue.drain_queue().connection
    assert not connection.exists(*(f"rq:job:{job.id}" for job in waiting[1:])), "what was taken is gone from RQ"


def test_jobs_of_another_kind_are_left_to_rq() -> None:
    publishing.publish("track.lap", {"lap": 1}, key="ann")
    other = drain_queue.drain_queue().enqueue("builtins.print", "hello")
    assert ScriptWorker("one").work_once(None)
    assert other.get_status().value == "queued"
    assert ScriptWorker("one").work_once(None)
    assert other.get_status().value == "finished"


def test_a_drain_that_lingers_takes_another_streams_job_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "LINGER_SECONDS", 100.0)
    monkeypatch.setattr(drain, "LINGER_STEP", 90.0)
    publishing.publish("track.lap", {"lap": 1}, key="ann")
    worker = ScriptWorker("one")
    drain_job.worker = worker.liveness

    def run() -> None:
        worker.work_once(None)
        connections.close_all()  # else its own would be open when the database is to go

    running = threading.Thread(target=run)
    running.start()
    try:
        wait_until(lambda: laps().get("ann") == [1])
        other = next(key for key in "bcdefg" if Stream.of("track", key, "") != Stream.of("track", "ann", ""))
        publishing.publish("track.lap", {"lap": 1}, key=other)
        wait_until(lambda: laps().get(other) == [1], 60)
    finally:
        worker.liveness.stopping.set()
        streams.call()
        running.join(30)
        drain_job.worker = None
