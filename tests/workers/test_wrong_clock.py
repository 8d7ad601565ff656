"""A worker on a host whose clock is a year ahead deletes nothing, and what it records has the database's time."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from scripting.bus import publishing
from scripting.bus.publishing import Message
from scripting.models import Execution, ReceiptLink, RetentionMark, Script
from scripting.models.ids import time_of
from scripting.processes import members
from tests.insight.runs import write
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]

SOON = timedelta(minutes=1)


def test_a_worker_whose_clock_is_a_year_ahead_deletes_no_history(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    script = Script.objects.get(module="track")
    # Without inputs they are of no use for a replay: nothing but their age keeps them.
    before = set(write(script, 3, end=now - timedelta(days=1), status="failed", inputs=b""))
    with WorkerProcess(tmp_path, "ahead", PYTHONPATH=str(Path(__file__).parent / "year_ahead")) as worker:
        worker.takes_jobs()
        publishing.publish_many(
            Message("track.lap", {"lap": lap, "seconds": 0.0, "turns": 0}, key="a") for lap in (1, 2)
        )
        wait_for(lambda: Execution.objects.count() == len(before) + 2)
        if connection.vendor == "postgresql":
            wait_for(lambda: RetentionMark.objects.filter(part="clock").exists(), what="the retention had no turn")
        else:
            doubt = "the database's clock is 365 d ahead of Redis': no history is deleted"
            wait_for(lambda: worker.said(doubt), what="the retention had no turn")
            assert not RetentionMark.objects.filter(part="clock").exists()
        [process] = [process for process in members.everyone() if process.kind == "worker"]
        assert process.clock_words == "365 d ahead of"
        worker.signal(signal.SIGTERM)  # a turn of the retention that has begun ends before its worker does
        assert worker.process.wait(60) == 0
    assert before <= set(Execution.objects.values_list("pk", flat=True))
    if connection.vendor == "postgresql":
        assert worker.said("this host's clock is 365 d ahead of the database's")
        recorded = [(one.started_at, time_of(one.pk)) for one in Execution.objects.exclude(pk__in=before)]
        times = [at for pair in recorded for at in pair] + list(ReceiptLink.objects.values_list("made_at", flat=True))
        assert all(now - SOON < at < datetime.now(UTC) + SOON for at in times), times
    assert laps() == {"a": [1, 2]}
