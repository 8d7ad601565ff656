"""The worker class, one step at a time in this process."""

from __future__ import annotations

import signal

import pytest
import redis
from rq import Worker

from scripting.bus import drain_queue, publishing
from scripting.models import Execution
from scripting.workers import drain_job, heartbeat
from scripting.workers.worker import NoAlarm, ScriptWorker
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
