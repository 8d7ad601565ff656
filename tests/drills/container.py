"""A container: the whole stack as process 1 of a name space of processes, with parts killed, until it is asked to end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.drills.catalogue import Result
from tests.support.processes import alive, children, own_name_space
from tests.support.stack import RunningStack, wait_until

PARTS = ("run_worker", "uvicorn", "watch_scripts", "redis-server", "valkey-server", "scripting.sandbox")
"""Words in the command lines of what is killed, one after the other."""


def run(seconds: float) -> Iterator[Result]:
    under = own_name_space()
    if under is None:
        yield Result("left out", "no name space of processes is to be had here")
        return
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder) / "var", under=under) as stack:
        wait_until(lambda: moment(stack)[1] > 3, 120, "no battle begins")
        killed = []
        for word in PARTS:
            victims = [pid for pid, command in stack.members().items() if word in command]
            if victims:
                os.kill(victims[-1], signal.SIGKILL)
                killed.append(word)
                time.sleep(max(1.0, seconds / len(PARTS)))
        wait_until(lambda: answers(stack), 120, "it does not serve any longer")
        before = moment(stack)
        try:
            wait_until(lambda: moment(stack) not in {before, (0, 0)}, 60)
        except TimeoutError:
            yield Result("the battle goes on", "no", False)
        else:
            yield Result("the battle goes on after each part was killed", ", ".join(killed), True)
        time.sleep(2)
        dead = unburied(set(stack.members()))
        yield Result("nobody is left dead and unburied", dead or 0, not dead)
        family = stack.members()
        began = time.monotonic()
        (first,) = children(stack.process.pid)
        os.kill(first, signal.SIGTERM)
        status = stack.process.wait(60)
        yield Result("SIGTERM ends it with status 0", status, status == 0)
        left = [command for pid, command in family.items() if alive(pid)]
        yield Result("processes of the container that are left", left or 0, not left)
        yield Result("processes in it", len(family))
        yield Result("SIGTERM → ended", f"{time.monotonic() - began:.1f} s")


def answers(stack: RunningStack) -> bool:
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def moment(stack: RunningStack) -> tuple[int, int]:
    """Battle and entry of its log that the page shows; (0, 0) while it does not answer."""
    try:
        with urllib.request.urlopen(f"{stack.url}/wargame/state/", timeout=10) as answer:
            state = json.load(answer)
    except OSError:
        return 0, 0
    return int(state.get("game") or 0), int(state.get("sequence") or 0)


def unburied(family: set[int]) -> list[int]:
    """Children of these that have ended, and whose end nobody has asked for."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if state == "Z" and int(parent) in family:
                    found.append(int(entry.name))
    return found
