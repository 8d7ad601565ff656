"""Values for a time while workers are killed at random: every event runs on the values that the schedule says for its moment."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from scripting.bus import publishing
from scripting.models import Execution, KnobSchedule, Script
from scripting.registry import schedules
from scripting.registry.active import registry
from scripting.registry.bundles import bundle_for
from scripting.types import Source
from tests.support.arena import make_script
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import MARSHAL

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone, pytest.mark.slow]

TEXT = f"PACE = 1  # knob 0..9: how fast they run\n{MARSHAL}"
EACH = 0.04
"""Seconds from one event to the next, at the least: a busy machine has longer ones."""
LATE = round(2 / EACH)
"""Events within two seconds, the documented bound while a worker lives (docs/knobs.md); on a busy machine all takes longer, they too."""
BEFORE, DURING, AFTER = 1.5, 9.0, 3.0
"""Seconds of the test. What a killed worker leaves behind another has within seven."""


def digest(script: Script, values: dict[str, int]) -> str:
    return bundle_for(Source(str(script), "python", TEXT), values).digest


def test_every_event_runs_on_the_values_of_its_moment_although_workers_are_killed(tmp_path: Path) -> None:
    script = make_script(TEXT, "marshal", "track")
    registry.forget()
    plain, festive = digest(script, {}), digest(script, {"PACE": 5})
    dice, names, workers = random.Random(4), count(), []

    def start() -> None:
        workers.append(WorkerProcess(tmp_path, f"worker-{next(names)}"))

    try:
        for _ in range(2):
            start()
        for worker in workers:
            worker.takes_jobs()
        now = datetime.now(UTC)
        begins, ends = now + timedelta(seconds=BEFORE), now + timedelta(seconds=BEFORE + DURING)
        planned = schedules.plan(script, {"PACE": 5}, begins, ends, actor=None, reason="a festival")
        laps, deaths = count(1), [now + timedelta(seconds=dice.random()), ends - timedelta(seconds=dice.random())]
        behind = 0  # events published since the end
        while datetime.now(UTC) < ends + timedelta(seconds=AFTER) or behind <= LATE:
            behind += datetime.now(UTC) >= ends
            publishing.publish("track.lap", {"lap": next(laps), "seconds": 0.0, "turns": 0}, key="ada")
            time.sleep(EACH)
            if deaths and datetime.now(UTC) > deaths[0]:
                del deaths[0]
                workers.pop(dice.randrange(len(workers))).kill()
                start()
        wait_for(lambda: publishing.backlog().events == 0, what="all are decided")
    finally:
        for worker in workers:
            worker.kill()
    planned.refresh_from_db()
    assert planned.state == KnobSchedule.State.OVER
    ran = list(Execution.objects.order_by("started_at").values_list("started_at", "bundle_digest"))
    assert len(ran) == next(laps) - 1
    assert {at for at, found in ran if found not in (plain, festive)} == set()
    during, after = ([found for at, found in ran if begins <= at < ends], [found for at, found in ran if at >= ends])
    assert {found for at, found in ran if at < begins} <= {plain}
    assert (festive in during, plain in after) == (True, True)
    assert set(during[LATE:]) <= {festive}
    assert set(after[LATE:]) <= {plain}
