"""More scripts in turn than sandboxes were once kept for: the cost of a run, the memory they take, and of one that comes back.

The cost is told in processor time, of all that take part: others on the machine count less.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import leave_out
from benchmarks.processes import _checked, _figure, _of_others, _pss
from benchmarks.values import script
from scripting.supervisor.pool import PoolConfig, SandboxPool
from scripting.types import Bundle, Source

IN_TURN = (8, 16, 32, 64, 200)
COMING_BACK = 24
KEPT = 16
TARGET_RATIO = 0.5
MOST_MIB = 8.0


def measure(rounds: int = 10) -> list[dict[str, Any]]:
    """Milliseconds of processor time a run, and MiB."""
    return [*in_turn(rounds), coming_back()]


def in_turn(rounds: int) -> list[dict[str, Any]]:
    """Scripts of 300 lines, one after the other, again and again, in a pool with as many places as memory has room for."""
    pool, bundles = SandboxPool(), _bundles(max(IN_TURN))
    figures = []
    try:
        for count in IN_TURN:
            _cost(pool, bundles[:count])  # compiled, as far as there is room
            started = time.perf_counter()
            spent = _cost(pool, bundles[:count] * rounds)
            rate = count * rounds / (time.perf_counter() - started)
            figures += [
                _figure(f"a run, {count} scripts in turn", spent, "ms", 1.0),
                _figure(f"{count} scripts in turn", rate, "runs/s", None),
            ]
        shares = [_pss(sandbox.pid) for sandbox in pool.stats().sandboxes]
        figures.append(
            _figure(f"an idle sandbox of 300 lines, one of {len(shares)}", statistics.median(shares), "MiB", MOST_MIB)
        )
    except OSError as error:
        leave_out("sandboxes in turn", f"Only Linux tells their cost, and only root: {error}")
    finally:
        pool.close()
    return figures


def coming_back(rounds: int = 2) -> dict[str, Any]:
    """A script that was pushed out, beside the first time that it was compiled: each run pushes one out."""
    pool, bundles = SandboxPool(PoolConfig(max_sandboxes=KEPT)), _bundles(COMING_BACK + KEPT)
    try:
        _cost(pool, bundles[:KEPT])
        first = _cost(pool, bundles[KEPT:])
        _cost(pool, bundles[:KEPT])
        back = _cost(pool, bundles[KEPT:] + bundles[: KEPT * rounds])
    finally:
        pool.close()
    return _figure(
        "a script that was pushed out comes back", back, "ms", TARGET_RATIO, "its first run, compiled", first
    )


def _bundles(count: int) -> list[Bundle]:
    text = script()
    return [Bundle(Source("bench/rules", "python", f"{text}# {number}\n")) for number in range(count)]


def _cost(pool: SandboxPool, bundles: Sequence[Bundle]) -> float:
    """Milliseconds of processor time that a run of these takes: ours, the light parent's, and that of sandboxes."""
    before, began = _of_sandboxes(pool), time.process_time()
    for bundle in bundles:
        _checked(pool, bundle)
    return (time.process_time() - began + _of_sandboxes(pool) - before) * 1000 / len(bundles)


def _of_sandboxes(pool: SandboxPool) -> float:
    """Processor seconds of the light parent, of its sandboxes that have ended, and of those there are."""
    stats = pool.stats()
    if stats.parent_pid is None:
        return 0.0
    texts = (Path(f"/proc/{each.pid}/stat").read_text(encoding="utf-8") for each in stats.sandboxes)
    alive = sum(sum(map(int, text.rpartition(")")[2].split()[11:13])) for text in texts)
    return _of_others(pool)[0] + alive / os.sysconf("SC_CLK_TCK")
