"""Whether a process has ended, told by an identity that is never used twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripting.processes import life

pytestmark = pytest.mark.skipif(not life.identity(), reason="this system does not tell of its processes")


def test_a_killed_process_is_known_to_have_ended_before_its_parent_takes_notice() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    one = life._identity(child.pid)
    assert not life.is_gone(one)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its number is not free yet
    assert life.is_gone(one)
    child.communicate()
    assert life.is_gone(one)


def test_another_process_of_the_same_number_is_not_taken_for_it() -> None:
    place, _, started = life.identity().rpartition("/")
    assert life.is_gone(f"{place}/{int(started) - 1}")


def test_a_process_that_proc_hides_or_does_not_tell_of_is_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = life._identity(os.getppid())
    monkeypatch.setattr(life, "_PROC", tmp_path)
    assert not life.is_gone(one)
    (tmp_path / str(os.getppid()) / "stat").mkdir(parents=True)  # what cannot be read
    assert not life.is_gone(one)


@pytest.mark.parametrize("one", ["", "2026-11-29T07:00:00Z", "worker.12ab", "other-boot/pid:[1]/1/1"])
def test_of_what_is_not_of_this_machine_nothing_is_known(one: str) -> None:
    assert not life.is_gone(one)
