"""The cost of an event along its path, and `engine.execute()` beside the run alone: on one core, in a process of its own.

The worker's part is played here, so nothing waits for another process but the sandbox, Redis and SQLite. What commits is the rest
of a drain: reading the batch, writing the executions, telling Redis.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks._aside import measured_aside, set_up
from benchmarks.throughput import TOPIC

BATCH = 64
ROUNDS = 15
EXECUTE_RATIO = 4.0


def measure() -> list[dict[str, Any]]:
    """Microseconds an event, of batches of BATCH; of execute() a run."""
    found = measured_aside("path")
    whole = found["publish"] + found["drain"]
    steps = {
        "publish": found["publish"],
        "decide, the exchange with the sandbox included": found["decide"],
        "read the batch, commit, tell Redis": max(0.0, found["drain"] - found["decide"]),
    }
    peer = "the whole path"
    return [
        *(_row(f"an event, {BATCH} at once: {name}", value, peer, whole) for name, value in steps.items()),
        _row(f"an event, {BATCH} at once: the exchange alone", found["run"], peer, whole),
        _row(
            "engine.execute() of damage_calculator, its Execution committed",
            found["execute"],
            "the run alone",
            found["alone"],
            EXECUTE_RATIO,
        ),
    ]


def _row(figure: str, value: float, peer: str, peer_value: float, most: float | None = None) -> dict[str, Any]:
    ratio = value / peer_value
    return {
        "figure": figure,
        "value": round(value, 1),
        "unit": "µs",
        "peer": peer,
        "peer_value": round(peer_value, 1),
        "ratio": round(ratio, 2),
        "target": None if most is None else f"<= {most:g} x peer",
        "holds": None if most is None else ratio <= most,
    }


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    from benchmarks.warm_run import on_one_core

    with on_one_core():
        set_up()
        print(json.dumps(event() | executed()))


def event() -> dict[str, float]:
    """Median of rounds in turn: publish and drain a batch, decide as many events, run the script alone."""
    from benchmarks.receipts import events
    from scripting.bus import publishing
    from scripting.bus.deciding import MOST_AHEAD
    from scripting.bus.publishing import Message
    from scripting.bus.streams import Stream
    from scripting.engine import get_engine
    from scripting.modules.topics import topics
    from scripting.workers import drain_job

    payload = topics.get(TOPIC).example
    stream = Stream.of("wargame", "game-1", "")
    made = events(BATCH)

    def publish() -> None:
        publishing.publish_many(Message(TOPIC, payload, key="game-1") for _ in range(BATCH))

    def drain() -> None:
        while publishing.backlog().events:
            drain_job.drain_once(stream)

    def decide() -> None:
        left = list(made)
        while left:  # as a drain does it
            row = left[:MOST_AHEAD]
            ran = drain_job.run_ahead(row, "wargame", "event_processor", lambda: None)
            for decision in ran:
                decision()
            if not ran:
                get_engine().decide(row[0], "wargame", "event_processor")
            del left[: max(1, len(ran))]

    run = warm_run("event_processor", {"topic": TOPIC, "message": {"topic": TOPIC, "payload": payload}})
    parts = {"publish": publish, "drain": drain, "decide": decide, "run": lambda: [run() for _ in range(BATCH)]}
    return in_turn(parts, BATCH)


def executed() -> dict[str, float]:
    """The same run with and without its execution."""
    from benchmarks.warm_run import CONTEXT
    from scripting.engine import get_engine
    from scripting.types import ExecutionRequest, ScriptInput

    request = ExecutionRequest("wargame", "damage_calculator", ScriptInput(context=CONTEXT))

    def execute() -> None:
        output = get_engine().execute(request)
        assert output.error is None, output.error

    return in_turn({"execute": execute, "alone": warm_run("damage_calculator", CONTEXT)}, 1, ROUNDS * 20)


def warm_run(name: str, context: dict[str, Any]) -> Callable[[], None]:
    """The run alone: what the engine asks of its own pool."""
    from goby_site.paths import BASE_DIR
    from scripting.runtime.pool import get_pool
    from scripting.sandbox.protocol import encode_value
    from scripting.supervisor.pool import RunRequest
    from scripting.types import Bundle, SecurityLimits, Source

    text = (BASE_DIR / "wargame" / "scripts" / f"{name}.py").read_text(encoding="utf-8")
    bundle = Bundle(Source(f"wargame/{name}", "python", text))
    request = RunRequest(encode_value(context), 1, time.time_ns() // 1000)
    pool = get_pool()

    def run() -> None:
        outcome = pool.run(bundle, request, SecurityLimits())
        assert outcome.error is None, outcome.error

    return run


def in_turn(parts: dict[str, Callable[[], Any]], each: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Median µs of each part, of rounds in which all have their turn."""
    took: dict[str, list[float]] = {name: [] for name in parts}
    for turn in range(rounds + 2):
        for name, part in parts.items():
            started = time.perf_counter()
            part()
            if turn >= 2:
                took[name].append((time.perf_counter() - started) / each * 1e6)
    return {name: statistics.median(times) for name, times in took.items()}


if __name__ == "__main__":
    main()
