"""A script's run beside the same in plain CPython, in one process and in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def beside_cpython(
    figure: str, ours: Callable[[], Any], peer: Callable[[], Any], rounds: int, target: float
) -> dict[str, Any]:
    """Milliseconds of processor time of the quickest of `rounds` runs of each. Raises AssertionError where their results differ."""
    assert ours() == peer(), figure
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for kept, run in zip(times, (ours, peer), strict=True):
            started = time.process_time()
            run()
            kept.append((time.process_time() - started) * 1000)
    value, peer_value = map(min, times)
    return {
        "figure": figure,
        "value": round(value, 3),
        "unit": "ms",
        "peer": "the same in plain CPython",
        "peer_value": round(peer_value, 3),
        "ratio": round(value / peer_value, 3),
        "target": target,
        "holds": value / peer_value <= target,
    }
