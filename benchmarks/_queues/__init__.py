"""Empty tasks of other task queues on a Redis of the same kind, as many worker processes as ours: tasks a second.

The tasks wait already when the clock starts: what sending them costs is not counted for a peer, as it is for us. Each module of
this package has its COMMAND of worker processes, `send(count)`, and `left()`: tasks that are not done.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import leave_out
from goby_site.paths import BASE_DIR

WORKERS = 2
PEERS = {
    "huey": ("of_huey", 12000, 1.5),
    "dramatiq": ("of_dramatiq", 4000, 8),
    "Celery": ("of_celery", 2000, 8),
    "RQ's simple worker": ("of_rq_simple", 1500, None),
    "RQ's stock worker": ("of_rq", 400, 60),
}
"""Name → module, tasks, and how many times as many events a second we are to reach; None: no target."""
WARM = 50


def rates(wait_until: Callable[[Callable[[], bool], float], None]) -> dict[str, float]:
    """Tasks a second of each peer that is installed."""
    found = {}
    for name, (module, count, _) in PEERS.items():
        try:
            peer = importlib.import_module(f"{__name__}.{module}")
        except ImportError as missing:
            leave_out(f"empty tasks of {name}", f"It comes with the bench extra, pip install -e '.[bench]': {missing}")
            continue
        # In a group of their own, so that they can be halted together.
        started = [
            subprocess.Popen(
                command, cwd=BASE_DIR, stdout=sys.stderr, stderr=subprocess.DEVNULL, start_new_session=True
            )
            for command in peer.COMMANDS
        ]
        try:
            peer.send(WARM)
            wait_until(partial(_is_done, peer), 60)
            time.sleep(1)
            _signal(started, signal.SIGSTOP)
            peer.send(count)
            begun = time.perf_counter()
            _signal(started, signal.SIGCONT)
            wait_until(partial(_is_done, peer), 120)
            found[name] = count / (time.perf_counter() - begun)
        finally:
            _signal(started, signal.SIGCONT)
            for process in started:
                process.terminate()
            for process in started:
                process.wait(30)
    return found


def _is_done(peer: Any) -> bool:
    return bool(peer.left() == 0)


def _signal(processes: list[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, number)
