"""How cost grows: one series for each thing that there can be more of. Each point is a figure; docs/performance.md has the plots.

The peer of a point is the first point of its series. Executions are filled in as in benchmarks.history, up to BENCH_GROWTH_ROWS (10⁶;
10⁷ takes ten minutes). What waits for the machine's cores grows no further than these.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.throughput import answers, processes, stand, wait_until
from goby_site.paths import BASE_DIR

SECONDS = 1.0
"""Of each point that counts runs."""
PARTS = 5
"""Of those seconds: the best of them is the figure. Of times it is the quickest quarter: how cost grows is to be told, not who else is here."""
ENOUGH = 20
"""Runs at the least."""
CONCURRENT = (1, 2, 4, 8, 16, 32, 64)
INPUT_BYTES = (1_000, 10_000, 100_000, 1_000_000)
LINES = (10, 100, 300, 1000, 2000, 5000)
SCRIPTS = (1, 10, 16, 30, 100, 300, 1000)
EXECUTIONS = tuple(
    rows for rows in (10**4, 10**5, 10**6, 10**7) if rows <= int(os.environ.get("BENCH_GROWTH_ROWS", "1000000"))
)
WORKERS = (1, 2, 4, 8)
KEYS = (1, 4, 16, 64, 512, 4096)
EVENTS = int(os.environ.get("BENCH_GROWTH_EVENTS", "4000"))
PAGES = {
    "executions, all": "list of executions",
    "executions, all, deep": "page deep in it",
    "one execution": "one execution",
}

Point = tuple[float, float]
"""How many there are, and the value."""


def measure() -> Iterator[dict[str, Any]]:
    yield from series("concurrent scripts", "runs/s", concurrent())
    yield from series("bytes of input", "µs a run", inputs())
    yield from series("lines of a new version", "ms to check, compile and run", lines())
    yield from series("scripts in turn", "µs a run", scripts())
    yield from executions()
    yield from series("workers, events that wait 50 ms", "events/s", workers())
    yield from series("keys", "events/s", keys())


def series(name: str, unit: str, points: Iterator[Point]) -> Iterator[dict[str, Any]]:
    first: Point | None = None
    for x, value in points:
        first = first or (x, value)
        yield {
            "figure": f"{x:,.0f} {name}",
            "value": round(value, 2),
            "unit": unit,
            "peer": f"{first[0]:,.0f}",
            "peer_value": round(first[1], 2),
            "ratio": round(value / first[1], 2),
            "target": None,
            "holds": None,
            "point": {"series": name, "x": x},
        }


def concurrent() -> Iterator[Point]:
    """So many threads that run one script each at the same time, each in a warm sandbox."""
    from scripting.supervisor.pool import PoolConfig, SandboxPool

    for count in CONCURRENT:
        pool = SandboxPool(PoolConfig(max_sandboxes=count, runs_per_sandbox=1_000_000))
        runs, over = [0] * count, threading.Event()

        def loop(number: int, run: Callable[[], None], runs: list[int] = runs, over: threading.Event = over) -> None:
            while not over.is_set():
                run()
                runs[number] += 1

        try:
            each = [_run(pool, _rule(number), {"n": number}) for number in range(count)]
            for run in each:
                run()
            threads = [threading.Thread(target=loop, args=(number, run)) for number, run in enumerate(each)]
            for thread in threads:
                thread.start()
            rates = []
            for _ in range(PARTS):
                started, before = time.perf_counter(), sum(runs)
                time.sleep(SECONDS / PARTS)
                rates.append((sum(runs) - before) / (time.perf_counter() - started))
            over.set()
            for thread in threads:
                thread.join()
        finally:
            pool.close()
        yield count, max(rates)


def inputs() -> Iterator[Point]:
    from scripting.supervisor.pool import PoolConfig, SandboxPool

    pool = SandboxPool(PoolConfig(max_sandboxes=1, runs_per_sandbox=1_000_000))
    record = {"id": "harbour-armour-1", "side": "red", "health": 96, "attack": 36}
    try:
        for size in INPUT_BYTES:
            units = [record] * max(1, size // 55)  # bytes of a record as it is sent
            yield size, _timed(_run(pool, "result = len(units)\n", {"units": units}))
    finally:
        pool.close()


def lines() -> Iterator[Point]:
    from scripting.supervisor.pool import PoolConfig, SandboxPool
    from scripting.types import SecurityLimits

    pool = SandboxPool(PoolConfig(max_sandboxes=1))
    rule = "def rule_{n}(unit):\n    if unit > {n}:\n        return unit - {n}\n    return unit\n\n"
    try:
        for count in LINES:
            text = "".join(rule.format(n=n) for n in range((count - 2) // 5))
            took = []
            for number in range(6):
                bundle = _bundle(f"n = {number}\n{text}result = {{'n': n}}\n")
                started = time.perf_counter()
                report = pool.check(bundle, SecurityLimits())
                assert report.ok, report
                _run(pool, bundle, {})()
                took.append(time.perf_counter() - started)
            yield count, min(took[1:]) * 1e3
    finally:
        pool.close()


def scripts() -> Iterator[Point]:
    """Each in its turn: more than there are warm places begin anew each time."""
    from scripting.supervisor.pool import PoolConfig, SandboxPool

    for count in SCRIPTS:
        pool = SandboxPool(PoolConfig())
        try:
            each = [_run(pool, _rule(number), {"n": number}) for number in range(count)]
            for run in each[: pool.config.max_sandboxes + 1]:
                run()
            begun = time.perf_counter()
            took: list[float] = []
            while len(took) < ENOUGH or (len(took) < 10 * ENOUGH and time.perf_counter() - begun < SECONDS):
                started = time.perf_counter()
                each[(len(took) + pool.config.max_sandboxes + 1) % count]()
                took.append(time.perf_counter() - started)
        finally:
            pool.close()
        yield count, _quick(took) * 1e6


def executions() -> Iterator[dict[str, Any]]:
    """Pages over a long history on SQLite, in processes as benchmarks.history has them."""
    from benchmarks.history import _Site

    found: dict[str, list[Point]] = {name: [] for name in PAGES}
    for count in EXECUTIONS:
        site = _Site("sqlite", count)
        try:
            site.ready()
            for name, points in found.items():
                took = [site.ask(name)[1] for _ in range(12)]
                points.append((count, _quick(took[2:])))
        finally:
            site.end()
    for name, points in found.items():
        yield from series(f"executions: {PAGES[name]}", "ms", iter(points))


def workers() -> Iterator[Point]:
    from benchmarks.workers import measured

    for count in WORKERS:
        yield count, measured(count)[0]


def keys() -> Iterator[Point]:
    """Events of two workers, spread over so many keys."""
    with stand("") as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth"],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    yield from json.loads(answer.stdout.splitlines()[-1])


def _bundle(text: str) -> Any:
    from scripting.types import Bundle, Source

    return Bundle(Source("bench/rules", "python", text))


def _rule(number: int) -> str:
    return f"total = {number}\nfor each in range(100):\n    total += each\nresult = {{'total': total}}\n"


def _run(pool: Any, text: Any, values: dict[str, Any]) -> Callable[[], None]:
    from scripting.sandbox.protocol import encode_value
    from scripting.supervisor.pool import RunRequest
    from scripting.types import SecurityLimits

    bundle = _bundle(text) if isinstance(text, str) else text
    request, limits = RunRequest(encode_value(values), 1, 1_700_000_000_000_000), SecurityLimits()

    def run() -> None:
        outcome = pool.run(bundle, request, limits)
        assert outcome.error is None, outcome.error

    return run


def _timed(run: Callable[[], None], rounds: int = 3 * ENOUGH) -> float:
    """Microseconds."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        took.append(time.perf_counter() - started)
    return _quick(took[5:]) * 1e6


def _quick(times: list[float]) -> float:
    return statistics.quantiles(times, n=4)[0]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    from benchmarks._aside import set_up

    set_up()
    wait_until(answers, 10)
    found = []
    with processes([sys.executable, "manage.py", "run_worker"]):
        _publish(1280, 64)
        for count in KEYS:
            _idle()
            time.sleep(0.5)
            started = time.perf_counter()
            _publish(EVENTS, count)
            _idle()
            found.append((count, EVENTS / (time.perf_counter() - started)))
    print(json.dumps(found))


def _idle() -> None:
    from scripting.bus import publishing

    wait_until(lambda: publishing.backlog().events == 0, 120)


def _publish(count: int, keys: int) -> None:
    from benchmarks.throughput import TOPIC
    from scripting.bus import publishing
    from scripting.bus.publishing import Message
    from scripting.modules.topics import topics

    example = topics.get(TOPIC).example
    publishing.publish_many(Message(TOPIC, example, key=f"game-{number % keys}") for number in range(count))


if __name__ == "__main__":
    main()
