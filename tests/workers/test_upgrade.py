"""What an older release left in Redis when it was stopped: its drain jobs name a function that is no longer there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rq.registry import FailedJobRegistry

from scripting.bus import drain_queue, publishing, streams
from scripting.models import Execution
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone, pytest.mark.timeout(300)]

OLD_NAME = "scripting.jobs.drain"


def publish_as_before(runner: str, lap: int) -> None:
    """Publish a lap as the older release did: only the name of the job differs."""
    event = publishing.make_event("track.lap", {"lap": lap}, key=runner)
    for stream, job in streams.append([(streams.Stream.of("track", event.key, event.id), event.encode())]):
        drain_queue.drain_queue().enqueue_call(OLD_NAME, args=(stream.module, stream.shard), job_id=job, timeout=60)


def test_events_whose_drain_job_has_an_old_name_run_once_and_in_order_within_ten_seconds(tmp_path: Path) -> None:
    for lap in (1, 2, 3):
        for runner in ("ann", "bob", "cem"):
            publish_as_before(runner, lap)
    assert {job.func_name for job in drain_queue.drain_queue().get_jobs()} == {OLD_NAME}
    with WorkerProcess(tmp_path, "upgraded").takes_jobs() as worker:
        began = time.monotonic()
        wait_for(lambda: Execution.objects.count() == 9 and publishing.backlog().events == 0, 60)
        assert time.monotonic() - began < 10
        assert laps() == {runner: [1, 2, 3] for runner in ("ann", "bob", "cem")}
        assert worker.said("had no live drain and gets one")
        assert FailedJobRegistry(queue=drain_queue.drain_queue()).get_job_ids() == [], (
            "none is left for people to wonder at"
        )
