"""A trial with values beside the lines, next to a plain one; and recorded executions repeated with values, which decide the same.

The second part runs in a process of its own, with a Redis and a SQLite database of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from goby_site.paths import BASE_DIR
from scripting.sandbox.protocol import encode_value
from scripting.supervisor.pool import PoolConfig, RunRequest, SandboxPool
from scripting.types import Bundle, SecurityLimits, Source

EXECUTIONS = 1_000
TARGET_RATIO = 3.0
_RULE = """
def rule_{n}(unit, strength):
    points = unit["attack"] * {n}
    for step in range(3):
        points += strength * step
        if points > 40:
            points -= step
    if unit["kind"] == "armour":
        points = points * 1.5
    else:
        points = points / 2
    notes.append(f"rule {n}: {{points:.1f}}")
    return round(points)
"""


def script() -> str:
    """A rule book of 300 lines, all of which run."""
    rules = "".join(_RULE.format(n=n) for n in range(1, 21))
    calls = "\n".join(f"total += rule_{n}(unit, total % 7)" for n in range(1, 21))
    text = f'notes = []\nunit = {{"kind": "armour", "attack": 36}}\ntotal = 0\n{rules}{calls}\n'
    return text + "# more\n" * (299 - text.count("\n")) + 'result = {"total": total, "notes": notes}\n'


def measure(rounds: int = 40) -> list[dict[str, Any]]:
    """Milliseconds of both kinds of trial, process and compiling included; and how many repetitions were identical."""
    plain, traced = _trials(rounds)
    from benchmarks.throughput import stand

    with stand("") as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.values"],
            cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
    identical = json.loads(answer.stdout.splitlines()[-1])["identical"]
    return [
        {
            "figure": "trial of a 300-line script with values",
            "value": round(traced * 1000, 1),
            "unit": "ms",
            "peer": "the same trial without",
            "peer_value": round(plain * 1000, 1),
            "ratio": round(traced / plain, 2),
            "target": TARGET_RATIO,
            "holds": traced / plain <= TARGET_RATIO,
        },
        {
            "figure": "recorded executions repeated with values, identical",
            "value": identical,
            "unit": "executions",
            "peer": "recorded",
            "peer_value": EXECUTIONS,
            "ratio": round(identical / EXECUTIONS, 4),
            "target": EXECUTIONS,
            "holds": identical == EXECUTIONS,
        },
    ]


def _trials(rounds: int) -> tuple[float, float]:
    """Median seconds of a plain trial and of one with values, in turn."""
    bundle = Bundle(Source("bench/rules", "python", script()))
    pool = SandboxPool(PoolConfig(max_sandboxes=2))
    times: dict[bool, list[float]] = {False: [], True: []}
    try:
        for _ in range(rounds):
            for traces, kept in times.items():
                request = RunRequest(encode_value({}), 1, 1_700_000_000_000_000, traces=traces)
                started = time.perf_counter()
                outcome = pool.run(bundle, request, SecurityLimits(), trial=True)
                kept.append(time.perf_counter() - started)
                assert outcome.error is None, outcome.error
                assert (outcome.trace is not None) == traces
    finally:
        pool.close()
    return statistics.median(times[False]), statistics.median(times[True])


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    from benchmarks.throughput import begin

    begin()
    from benchmarks.replay import record
    from scripting.execution.replay import replay
    from scripting.models import Execution

    record(EXECUTIONS)
    again = [replay(str(pk), traces=True) for pk in Execution.objects.order_by("id").values_list("pk", flat=True)]
    identical = sum(one.identical and one.attempt.outcome.trace is not None for one in again)
    print(json.dumps({"identical": identical}))


if __name__ == "__main__":
    main()
