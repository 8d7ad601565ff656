"""Spare time: what processors have left, and work that takes it alone."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from scripting.storage import spare_time
from scripting.storage.spare_time import SpareTime, in_spare_time


@pytest.fixture
def stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the machine's; nothing has been used yet."""
    file = tmp_path / "stat"
    file.write_text("cpu  0 0 0 0 0 0 0 0 0 0\n")
    monkeypatch.setattr(spare_time, "STAT", str(file))
    return file


def test_it_is_told_of_the_time_since_the_last_look_alone(stat: Path) -> None:
    spare = SpareTime()
    stat.write_text("cpu  60 0 0 40 0 0 0 0 0 0\ncpu0 60 0 0 40 0 0 0 0 0 0\n")
    assert spare.is_enough()
    stat.write_text("cpu  150 0 0 50 0 0 0 0 0 0\n")
    assert not spare.is_enough()  # a tenth of what passed meanwhile


def test_time_that_the_host_took_and_waits_for_the_disk_are_not_spare_and_guests_are_counted_once(stat: Path) -> None:
    spare = SpareTime()
    stat.write_text("cpu  0 0 0 20 40 0 0 40 0 0\n")
    assert not spare.is_enough()
    stat.write_text("cpu  60 0 0 50 40 0 0 40 60 0\n")
    assert spare.is_enough()


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu  a b c d\n", "cpu  1 2\n"])
def test_where_nothing_is_known_there_is_none(stat: Path, text: str) -> None:
    stat.write_text(text)
    assert not SpareTime().is_enough()
    stat.unlink()
    assert not SpareTime().is_enough()


def test_this_machine_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_time, "ENOUGH", -1.0)
    spare = SpareTime()
    time.sleep(0.1)  # it counts in hundredths of a second
    assert spare.is_enough()


def test_work_in_spare_time_is_done_when_it_returns_and_leaves_the_caller_as_it_was() -> None:
    found: list[tuple[int, int]] = []
    in_spare_time(lambda: found.append((threading.get_ident(), os.sched_getscheduler(0))))
    [(thread, policy)] = found
    assert thread != threading.get_ident()
    assert policy == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
