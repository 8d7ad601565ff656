"""Sandboxes as processes: one for each run beside a bare fork, one from the reserve, the first run of a new text, an idle one's memory.

The cost of processes is told in processor time, of all that take part: others on the machine count less. A bare fork and ours come in
turn on one core, as in warm_run.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import leave_out
from benchmarks.values import script
from benchmarks.warm_run import CONTEXT, SCRIPT, on_one_core
from scripting.sandbox.protocol import encode_value
from scripting.supervisor.channel import Channel
from scripting.supervisor.fork_server import ParentClient, kill, release
from scripting.supervisor.pool import PoolConfig, RunRequest, SandboxPool
from scripting.types import Bundle, SecurityLimits, Source

TARGET_RATIO = 2.0
RESERVE_MS = 0.5
FIRST_RUN_MS = 15.0
IDLE_MIB = 3.0
_IDLE = 8
_RUNS = 70
_REQUEST = RunRequest(encode_value(CONTEXT), 1, 1_700_000_000_000_000)


def measure(rounds: int = 40) -> list[dict[str, Any]]:
    """Each in milliseconds but the last, which is MiB."""
    return [process_per_run(rounds), reserve(rounds), first_run(rounds), *idle_memory()]


def process_per_run(rounds: int) -> dict[str, Any]:
    """One process for each run, taken leave of, beside a fork that compiles and runs the same text and ends."""
    pool = SandboxPool(PoolConfig(process_per_run=True, reserve=0))
    bundle = Bundle(Source("wargame/damage_calculator", "python", SCRIPT.read_text(encoding="utf-8")))
    totals = [0.0, 0.0]
    runs: tuple[Callable[[], object], ...] = (lambda: _checked(pool, bundle), _bare_fork)
    try:
        with on_one_core():
            for run in runs:
                run()
            before = _of_others(pool)
            for _ in range(rounds):
                for which, run in enumerate(runs):
                    started = time.process_time()
                    run()
                    totals[which] += time.process_time() - started
            ours, bare = (
                (total + after - earlier) * 1000 / rounds
                for total, after, earlier in zip(totals, _of_others(pool), before, strict=True)
            )
    finally:
        pool.close()
    return _figure("a process for each run", ours, "ms", TARGET_RATIO, "bare fork that runs the same text", bare)


def _of_others(pool: SandboxPool) -> tuple[float, float]:
    """Processor seconds so far of the light parent with its sandboxes that have ended, and of our own forks that have."""
    stat = Path(f"/proc/{pool.stats().parent_pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK"), used.ru_utime + used.ru_stime


def reserve(rounds: int) -> dict[str, Any]:
    """A sandbox that was forked and locked down ahead of need, until it has said so."""
    parent = ParentClient(PoolConfig().python, 1)
    times = []
    try:
        for _ in range(rounds + 1):
            started = time.perf_counter()
            handle = parent.fork()
            Channel(handle.socket).receive(10.0, time.monotonic() + 10, 1 << 20)
            times.append((time.perf_counter() - started) * 1000)
            kill(handle)
            parent.reap(handle.pid)
            release(handle)
            parent.replenish()
            time.sleep(0.02)
    finally:
        parent.close()
    return _figure("a sandbox from the reserve", statistics.median(times[1:]), "ms", RESERVE_MS)


def first_run(rounds: int) -> dict[str, Any]:
    """A new version of 300 lines: checked, compiled and run."""
    text, pool = script(), SandboxPool(PoolConfig(max_sandboxes=1))

    def run(number: int) -> None:
        bundle = Bundle(Source("bench/rules", "python", text.replace("# more", f"# more {number}")))
        report = pool.check(bundle, SecurityLimits())
        assert report.ok, report
        _checked(pool, bundle)

    try:
        run(0)
        started, before = time.process_time(), _of_others(pool)[0]
        for number in range(1, rounds + 1):
            run(number)
        spent = (time.process_time() - started + _of_others(pool)[0] - before) * 1000 / rounds
    finally:
        pool.close()
    return _figure("first run of a new version of 300 lines", spent, "ms", FIRST_RUN_MS)


def idle_memory() -> list[dict[str, Any]]:
    """A sandbox's share of memory (PSS), with a few others of the same parent beside it, after some runs."""
    pool = SandboxPool(PoolConfig(max_sandboxes=_IDLE))
    try:
        for number in range(_IDLE):
            text = SCRIPT.read_text(encoding="utf-8") + f"# {number}\n"
            for _ in range(_RUNS):  # so many that the one which compiled has made room for one which got the code
                _checked(pool, Bundle(Source("wargame/damage_calculator", "python", text)))
        shares = [_pss(sandbox.pid) for sandbox in pool.stats().sandboxes]
    except OSError as error:
        leave_out("the memory of an idle sandbox", f"Only Linux tells it, and only root: {error}")
        return []
    finally:
        pool.close()
    return [_figure(f"an idle sandbox, one of {_IDLE}", statistics.median(shares), "MiB", IDLE_MIB)]


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _checked(pool: SandboxPool, bundle: Bundle) -> None:
    outcome = pool.run(bundle, _REQUEST, SecurityLimits())
    assert outcome.error is None, outcome.error


def _bare_fork() -> None:
    """A fork that gets the inputs, compiles and runs the text, answers and ends."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            decode, encode = msgspec.msgpack.Decoder().decode, msgspec.msgpack.Encoder().encode
            inputs = theirs.recv(1 << 16)
            namespace = {"get_context": lambda: decode(inputs), "rand": lambda: 0.5, **decode(inputs)}
            exec(compile(SCRIPT.read_text(encoding="utf-8"), "script", "exec"), namespace)
            theirs.send(encode(namespace["result"]))
        finally:
            os._exit(0)
    theirs.close()
    ours.send(_REQUEST.inputs)
    assert ours.recv(1 << 16)
    os.waitpid(pid, 0)
    ours.close()


def _figure(
    figure: str, value: float, unit: str, target: float | None, peer: str | None = None, peer_value: float | None = None
) -> dict[str, Any]:
    ratio = None if peer_value is None else value / peer_value
    return {
        "figure": figure,
        "value": round(value, 2),
        "unit": unit,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 2),
        "ratio": None if ratio is None else round(ratio, 2),
        "target": target,
        "holds": None if target is None else (value if ratio is None else ratio) <= target,
    }


if __name__ == "__main__":
    for each in measure():
        print(each)
