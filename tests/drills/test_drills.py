"""The short form of each drill that shows what no other test does, and the command that runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from tests.drills.__main__ import listing
from tests.drills.catalogue import DRILLS
from tests.drills.memory import Memory
from tests.support.stack import wait_until
from tests.workers.processes import OwnProcess


def drill(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.drills", *arguments]
    environment = os.environ | {"GOBY_VAR": str(folder)}
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.once
def test_the_list_names_every_drill_with_what_it_takes() -> None:
    lines = listing().splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(DRILLS)
    assert all("needs: " in line for line in lines)


GROWS = """
import time
from tests.workers import stacks
def grow_without_a_bound():
    kept = b"x" * 60_000_000
    time.sleep(300)
stacks.listen()
grow_without_a_bound()
"""


@pytest.mark.once
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory a process held")
def test_a_process_that_grows_too_large_is_told_with_its_stacks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with OwnProcess(tmp_path / "worker.log", "-c", GROWS) as process:
        with Memory({"worker": process}, most_mb=50) as memory:
            wait_until(lambda: process.said("grow_without_a_bound"), 60, "no stacks")
        process.kill()
        memory.look()
    assert list(memory.too_large) == ["worker"]
    assert 60 < memory.peaks["worker"] < 200
    assert "in grow_without_a_bound" in capfd.readouterr().err


@pytest.mark.e2e
def test_a_short_soak_keeps_every_promise(tmp_path: Path) -> None:
    done = drill(tmp_path, "soak", "short")
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    told = json.loads((tmp_path / "drills" / "soak.json").read_text())
    assert told["holds"]
    found = {each["what"]: each["value"] for each in told["results"]}
    assert found["faults injected"] >= 2
    assert found["processes left"] == 0
    assert found["no process held more than 600 MB"] == "yes"
