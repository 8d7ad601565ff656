"""Real workers that keep the schedules are killed at random moments: each due time runs exactly once all the same."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from scripting.models import Execution, Schedule, ScheduleRun
from scripting.schedules import keeping
from scripting.schedules.turning import owner
from tests.support.arena import make_script
from tests.support.stack import idle_seconds_until
from tests.workers.conftest import track
from tests.workers.processes import WorkerProcess, wait_for

__all__ = ["track"]

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]


def test_each_second_of_a_schedule_runs_once_while_its_workers_are_killed(tmp_path: Path) -> None:
    tick = make_script("result = {'lap': message['metadata']['due']}", "tick", "track")
    schedule = keeping.create(
        actor=None, reason="for a test", name="each second", seconds=1, script=tick, missed="all", most=100,
        overlap="queue", payload={"broken": False, "seconds": 0.0},
    )  # fmt: skip
    dice = random.Random(14)
    # SQLite tries kills at several moments; another database shows with one of each kind that they leave nothing half done.
    for number in range(3 if connection.vendor == "sqlite" else 1):
        with WorkerProcess(tmp_path, f"one-{number}") as one, WorkerProcess(tmp_path, f"two-{number}") as two:
            one.takes_jobs(), two.takes_jobs()
            wait_for(lambda: owner() != "", what="nobody keeps the schedules")
            time.sleep(dice.uniform(0.2, 1.5))
            victim, heir = (one, two) if owner().startswith(f"one-{number}") else (two, one)
            victim.kill()
            ran = ScheduleRun.objects.count()
            assert idle_seconds_until(lambda ran=ran: ScheduleRun.objects.count() > ran, what="nobody took over") < 10
            # An event whose worker died three times would be set aside: what this death met is decided before the next.
            wait_for(lambda ran=ran: Execution.objects.count() >= ran, what="an event waits")
            time.sleep(dice.uniform(0, 1))
            heir.kill()
    with WorkerProcess(tmp_path, "last").takes_jobs():
        wait_for(lambda: owner().startswith("last"), what="nobody keeps the schedules")
        wait_for(lambda: (datetime.now(UTC) - Schedule.objects.get().settled_until).total_seconds() < 2)
        keeping.pause(schedule.pk, actor=None, reason="enough")
        wait_for(lambda: Execution.objects.count() == ScheduleRun.objects.count(), what="an event is lost")
    runs = ScheduleRun.objects.order_by("due_at")
    until = Schedule.objects.get().settled_until
    assert [run.due_at for run in runs] == list(keeping.cadence_of(schedule).between(schedule.settled_until, until))
    assert {(run.state, run.left_out) for run in runs} == {("published", 0)}
    # On a slow machine one may be in hand at all three of the kills that it takes to be given up.
    assert set(Execution.objects.values_list("status", flat=True)) <= {"succeeded", "abandoned"}
    assert sorted(Execution.objects.values_list("event_id", flat=True)) == sorted(run.event_id for run in runs)
    assert Group.objects.count() == Execution.objects.filter(status="succeeded").count() > 0
