"""Upgrades under way: what an older release left in Redis, and migrations of the next release under processes of this one."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from rq.registry import FailedJobRegistry

from scripting.bus import drain_queue, publishing
from scripting.models import Execution
from tests.support.stack import idle_seconds_until
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.releases import OLD_NAME, next_release, publish_as_before
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]


def test_events_whose_drain_job_has_an_old_name_run_once_and_in_order_within_ten_seconds(tmp_path: Path) -> None:
    for lap in (1, 2, 3):
        for runner in ("ann", "bob", "cem"):
            publish_as_before(runner, lap)
    assert {job.func_name for job in drain_queue.drain_queue().get_jobs()} == {OLD_NAME}
    with WorkerProcess(tmp_path, "upgraded").takes_jobs() as worker:
        assert idle_seconds_until(lambda: Execution.objects.count() == 9 and publishing.backlog().events == 0) < 10
        assert laps() == {runner: [1, 2, 3] for runner in ("ann", "bob", "cem")}
        assert worker.said("had no live drain and gets one")
        assert FailedJobRegistry(queue=drain_queue.drain_queue()).get_job_ids() == [], (
            "none is left for people to wonder at"
        )


def test_a_worker_of_the_last_release_runs_on_while_the_next_one_migrates_and_loses_nothing(tmp_path: Path) -> None:
    def publish(lap: int) -> None:
        publishing.publish_many([publishing.Message("track.lap", {"lap": lap}, key=runner) for runner in "abc"])

    def has_run(number: int) -> bool:
        return Execution.objects.count() == number and publishing.backlog().events == 0

    with WorkerProcess(tmp_path, "older").takes_jobs() as worker:
        publish(1)
        wait_for(lambda: has_run(3), 60)
        publish(2)  # and runs while the tables are changed
        with next_release():
            publish(3)
            wait_for(lambda: has_run(9), 60)
            assert laps() == {runner: [1, 2, 3] for runner in "abc"}
            with connection.cursor() as cursor:
                cursor.execute("SELECT DISTINCT of_next_release FROM scripting_execution")
                assert cursor.fetchall() == [("new",)], "the database wrote what the older worker does not know"
                assert "of_the_next_release" in connection.introspection.get_constraints(cursor, "scripting_execution")
        assert not worker.said("Traceback")
