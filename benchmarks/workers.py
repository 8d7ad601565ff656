"""Events per second of one module as workers are added, each event a wait of 50 ms, beside the same workers on four streams.

In a process of its own with a Redis and a SQLite database of its own. BENCH_WORKERS chooses the numbers of workers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks import leave_out
from benchmarks.throughput import GAMES, answers, processes, stand, wait_until
from goby_site.paths import BASE_DIR

COUNTS = [int(count) for count in os.environ.get("BENCH_WORKERS", "1,4,16").split(",")]
EVENTS_EACH = 60
"""Events for each worker: three seconds of waiting."""
FOUR = "4"


def measure() -> list[dict[str, Any]]:
    return [figure(count) for count in COUNTS]


def figure(count: int) -> dict[str, Any]:
    rate, busy, streams = measured(count)
    before, _, _ = measured(count, SCRIPTING_MAX_SHARDS=FOUR)
    if busy < count:
        leave_out("workers that had no event", f"{count - busy} of {count}")
    least = 0.6 * max(1.0, count / int(FOUR))
    return {
        "figure": f"events that wait 50 ms, {GAMES} keys, {count} workers on {streams} streams",
        "value": round(rate, 1),
        "unit": "events/s",
        "peer": f"the same on {FOUR} streams",
        "peer_value": round(before, 1),
        "ratio": round(rate / before, 2),
        "target": f">= {least:g} x peer, every worker busy",
        "holds": rate >= least * before and busy == count,
    }


def measured(count: int, **settings: str) -> tuple[float, int, int]:
    """Events per second, workers that ran any, and streams."""
    with stand("") as environment:
        environment |= {"DJANGO_SETTINGS_MODULE": "benchmarks._resting.settings", **settings}
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.workers", str(count)],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    rate, busy, streams = json.loads(answer.stdout.splitlines()[-1])
    return rate, busy, streams


def main(count: int) -> None:
    import contextlib

    import django

    django.setup()
    from django.core.management import call_command

    wait_until(answers, 10)
    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        call_command("sync_scripts")
    print(json.dumps(figures(count)))


def figures(count: int) -> tuple[float, int, int]:
    from scripting.bus import publishing, spread
    from scripting.models import Execution
    from scripting.workers import heartbeat
    from scripting.workers.spreading import wanted

    with processes([sys.executable, "manage.py", "run_worker"], count):
        publish(GAMES)
        wait_until(lambda: len(heartbeat.live_workers()) == count, 120)
        wait_until(lambda: spread.everywhere()["resting"].streams == wanted(count, 0), 30)
        wait_until(lambda: publishing.backlog().events == 0, 60)
        warm = set(Execution.objects.values_list("pk", flat=True))
        events = EVENTS_EACH * count
        started = time.perf_counter()
        publish(events)
        wait_until(lambda: publishing.backlog().events == 0, 120)
        took = time.perf_counter() - started
    rows = Execution.objects.exclude(pk__in=warm)
    if rows.filter(status="succeeded").count() != events:
        raise RuntimeError(f"{rows.count()} executions, not {events}")
    return events / took, rows.values("worker").distinct().count(), wanted(count, 0)


def publish(count: int) -> None:
    from scripting.bus import publishing
    from scripting.bus.publishing import Message

    publishing.publish_many(Message("resting.rest", {}, key=f"game-{number % GAMES}") for number in range(count))


if __name__ == "__main__":
    main(int(sys.argv[1]))
