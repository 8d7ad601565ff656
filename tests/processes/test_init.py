"""As process 1 of a container: no zombies, signals arrive, the exit status is the work's own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR
from scripting.processes.init import leave_process_1
from tests.support.processes import own_processes
from tests.support.stack import wait_until

OPENING = """
import os, signal, subprocess, sys, time
from pathlib import Path
from scripting.processes.init import leave_process_1
leave_process_1()
"""
ORPHANS = """
subprocess.run(["sh", "-c", "true & true & true &"])
def others():
    return [path for path in Path("/proc").glob("[0-9]*") if int(path.name) not in (1, os.getpid())]
until = time.monotonic() + 20
while others() and time.monotonic() < until:
    time.sleep(0.01)
print(os.getpid() != 1, os.getppid() == 1, bool(others()))
"""


def started(body: str) -> subprocess.Popen[str]:
    command = [*own_processes(), sys.executable, "-c", OPENING + body]
    return subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)


def test_orphans_leave_no_zombies() -> None:
    process = started(ORPHANS)
    assert process.communicate(timeout=60)[0].split() == ["True", "True", "False"]
    assert process.returncode == 0


@pytest.mark.parametrize(("end", "status"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), 9)", 137)])
def test_process_1_ends_as_the_work_does(end: str, status: int) -> None:
    process = started(end)
    process.communicate(timeout=60)
    assert process.returncode == status


def test_a_signal_to_process_1_reaches_the_work() -> None:
    process = started(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\nprint('ready', flush=True)\ntime.sleep(60)"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (first,) = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    signal_sent = subprocess.run(["kill", "-TERM", str(first)], check=False)
    assert signal_sent.returncode == 0
    wait_until(lambda: process.poll() is not None)
    assert process.returncode == 3


def test_any_other_process_goes_on_as_it_is() -> None:
    leave_process_1()
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL
