"""Evidence jobs run in a worker of their own, beside the events, and outlive the workers that die in them."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from rq import Worker

from scripting.bus import drain_queue, evidence_jobs, publishing
from scripting.processes.members import everyone
from scripting.workers import heartbeat
from scripting.workers.evidence_worker import EvidenceWorker
from scripting.workers.worker import ScriptWorker
from tests.workers.evidence_tasks import FAIL, FAILED, NOTE, WAIT, notes
from tests.workers.processes import WorkerProcess, wait_for

pytestmark = pytest.mark.usefixtures("track")


@pytest.mark.slow
def test_no_worker_takes_the_jobs_of_the_other_kind() -> None:
    evidence_jobs.enqueue(NOTE, "a", job_id="a")
    assert not ScriptWorker("live").work_once(None)
    publishing.publish("track.lap", {"lap": 1}, key="ann")
    evidence = EvidenceWorker("eve")
    assert evidence.work_once(None)
    assert not evidence.work_once(None)
    assert (notes(), drain_queue.drain_queue().count) == (["a 0"], 1)
    assert ScriptWorker("live").work_once(None)


def test_a_job_that_waits_is_not_enqueued_twice_and_one_that_ended_may_come_again() -> None:
    assert evidence_jobs.enqueue(NOTE, "a", job_id="a")
    assert not evidence_jobs.enqueue(NOTE, "a", job_id="a")
    worker = EvidenceWorker("eve")
    assert worker.work_once(None)
    assert not evidence_jobs.is_pending("a")
    assert evidence_jobs.enqueue(NOTE, "a", job_id="a")
    assert worker.work_once(None)
    assert notes() == ["a 0", "a 1"]


def test_whoever_named_a_function_for_it_hears_that_the_job_failed() -> None:
    evidence_jobs.enqueue(FAIL, "a", job_id="a", failed=FAILED)
    assert EvidenceWorker("eve").work_once(None)
    assert notes() == ["a failed: ZeroDivisionError: the bug"]


def test_an_evidence_worker_is_listed_as_what_it_is() -> None:
    assert not evidence_jobs.is_served()
    worker = EvidenceWorker("eve")
    worker.listener.start()
    worker._register()
    try:
        assert evidence_jobs.is_served()
        assert [process.kind for process in everyone()] == ["evidence"]
        assert heartbeat.live_workers() == [], "no event waits for it"
        assert heartbeat.live_workers("evidence") == [worker.name]
        assert [each.name for each in Worker.all(evidence_jobs.evidence_queue().connection)] == [worker.name]
    finally:
        worker._leave()
    assert heartbeat.live_workers("evidence") == []
    assert not evidence_jobs.is_served()


def test_a_worker_whose_heartbeat_came_late_keeps_its_job(redis_client: Any) -> None:
    evidence_jobs.enqueue(NOTE, "a", job_id="a")
    job = evidence_jobs.evidence_queue().get_jobs()[0]
    evidence_jobs.evidence_queue().remove(job)
    evidence_jobs.take(job)
    redis_client.delete(evidence_jobs._lease("a"))  # what becomes of it after LEASE_SECONDS without a heartbeat
    evidence_jobs.renew("a")
    assert evidence_jobs.begin_orphans_anew() == []
    assert evidence_jobs.is_pending("a")
    evidence_jobs.leave("a")
    evidence_jobs.renew("a")
    assert not evidence_jobs.is_pending("a"), "what is over is not held"


@pytest.mark.once
@pytest.mark.alone
def test_a_job_whose_worker_is_killed_begins_anew_and_is_given_up_after_three(tmp_path: Path) -> None:
    evidence_jobs.enqueue(WAIT, "a", job_id="a", failed=FAILED)
    for death in range(evidence_jobs.DEATHS):
        with WorkerProcess(tmp_path, f"eve{death}", "--evidence").takes_jobs() as worker:
            wait_for(lambda expected=death: len(notes()) > expected, what="the job began")  # type: ignore[misc]
            assert evidence_jobs.is_pending("a")
            worker.kill()
    with WorkerProcess(tmp_path, "last", "--evidence").takes_jobs() as worker:
        wait_for(lambda: "failed" in notes()[-1], what="the job is given up")
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(60) == 0
    assert notes() == ["a 0", "a 1", "a 2", "a failed: 3 workers died in it, the last one just now"]


@pytest.mark.once
@pytest.mark.alone
def test_a_worker_that_is_asked_to_end_lets_its_job_end_and_runs_at_a_low_priority(tmp_path: Path) -> None:
    evidence_jobs.enqueue(WAIT, "a", job_id="a")
    with WorkerProcess(tmp_path, "eve", "--evidence").takes_jobs() as worker:
        wait_for(notes, what="the job began")
        assert int(Path(f"/proc/{worker.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[16]) >= 10
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(60) == 0
    assert not evidence_jobs.is_pending("a")
