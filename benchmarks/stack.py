"""`make run` the second time in a folder: seconds to its first page, processor time until then, and its memory while only the battle goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import leave_out
from benchmarks.processes import _pss
from goby_site.paths import BASE_DIR
from tests.support.processes import free_port, processes_of

FIRST_PAGE_SECONDS = 5.0
IDLE_MIB = 300.0
PATIENCE = 180.0
SETTLED_SECONDS = 20.0


def measure() -> list[dict[str, Any]]:
    """On a folder of data of its own."""
    with tempfile.TemporaryDirectory(prefix="gb-") as folder:
        with _running(Path(folder)):
            pass
        with _running(Path(folder)) as (leader, seconds):
            members = processes_of(leader)
            spent = sum(map(_cpu_seconds, members))
            time.sleep(SETTLED_SECONDS)
            members = processes_of(leader)
            try:
                shares = [_pss(pid) for pid in members]
            except OSError as error:
                leave_out("the memory of the stack", f"Only Linux tells it, and only root: {error}")
                shares = []
    figures = [
        _figure("second `make run` to its first page", seconds, "s", FIRST_PAGE_SECONDS),
        _figure("processor time of that start", spent, "CPU s", None),
    ]
    if shares:
        figures.append(_figure(f"the idle stack, {len(shares)} processes", sum(shares), "MiB (PSS)", IDLE_MIB))
    return figures


@contextmanager
def _running(folder: Path) -> Iterator[tuple[int, float]]:
    """The stack once it says where it is: its process id, and the seconds until then. Raises TimeoutError."""
    log = folder / "said"
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    environment |= {"GOBY_VAR": str(folder / "var"), "PORT": str(free_port()), "GOBY_DEMO": "true"}
    started = time.monotonic()
    with log.open("wb") as output:
        stack = subprocess.Popen(
            ["make", "--no-print-directory", "run"],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while "Goby is at" not in (said := log.read_text(encoding="utf-8")):
            if stack.poll() is not None or time.monotonic() > started + PATIENCE:
                raise TimeoutError(f"the stack does not start: {said}")
            time.sleep(0.02)
        yield stack.pid, time.monotonic() - started
    finally:
        if stack.poll() is None:
            os.killpg(stack.pid, signal.SIGINT)
            stack.wait(60)


def _cpu_seconds(pid: int) -> float:
    """Of a process and its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _figure(figure: str, value: float, unit: str, target: float | None) -> dict[str, Any]:
    return {
        "figure": figure,
        "value": round(value, 2),
        "unit": unit,
        "peer": None,
        "peer_value": None,
        "ratio": None,
        "target": target if target is None else f"<= {target:g}",
        "holds": None if target is None else value <= target,
    }
