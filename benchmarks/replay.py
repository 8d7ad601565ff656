"""Recorded decisions made again by a changed rule, report included, beside the bare warm runs of the same events.

Runs in a process of its own, with a Redis and a SQLite database of its own.
"""

from __future__ import annotations

import contextlib
import json
import resource
import secrets
import subprocess
import sys
import time
from typing import Any

from benchmarks.throughput import answers, stand, wait_until
from goby_site.paths import BASE_DIR

EVENTS = 10_000
FEW = 200
BATCH = 500
TARGET_SECONDS = 5.0
TARGET_FEW = 0.3
TARGET_MEMORY = 1.5


def measure() -> list[dict[str, Any]]:
    """Seconds for EVENTS and for the last FEW, and how memory grows from a tenth of the events to all."""
    with stand("") as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.replay"],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    found = json.loads(answer.stdout.splitlines()[-1])
    peer = {"unit": "s", "peer": "bare warm runs of the same events"}
    return [
        {
            "figure": f"replay of {EVENTS} decisions of damage_calculator, report included",
            "value": round(found["many"], 2),
            "peer_value": round(found["bare"], 2),
            "ratio": round(found["many"] / found["bare"], 2),
            "target": TARGET_SECONDS,
            "holds": found["many"] <= TARGET_SECONDS,
            **peer,
        },
        {
            "figure": f"replay of the last {FEW}",
            "value": round(found["few"], 3),
            "peer_value": round(found["bare"] * FEW / EVENTS, 3),
            "ratio": round(found["few"] / (found["bare"] * FEW / EVENTS), 2),
            "target": TARGET_FEW,
            "holds": found["few"] <= TARGET_FEW,
            **peer,
        },
        {
            "figure": f"peak memory of a replay of {EVENTS} decisions",
            "value": round(found["peak_many"] / 1024, 1),
            "unit": "MiB",
            "peer": f"of {EVENTS // 10} decisions",
            "peer_value": round(found["peak_few"] / 1024, 1),
            "ratio": round(found["peak_many"] / found["peak_few"], 2),
            "target": TARGET_MEMORY,
            "holds": found["peak_many"] / found["peak_few"] <= TARGET_MEMORY,
        },
    ]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    wait_until(answers, 10)
    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        call_command("sync_scripts")
    record(EVENTS)
    few = min(replayed(FEW) for _ in range(3))
    replayed(EVENTS // 10)
    peak_few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    many = replayed(EVENTS)
    peak_many = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"few": few, "many": many, "bare": bare(), "peak_few": peak_few, "peak_many": peak_many}))


def record(count: int) -> None:
    """Executions as the ledger writes them, of shots of every kind at every kind."""
    from scripting.bus.events import Event
    from scripting.engine import get_engine
    from scripting.execution.rows import execution_row
    from scripting.models import Execution
    from scripting.modules.topics import topics
    from scripting.storage.bulk_insert import insert_rows
    from wargame.kinds import KINDS

    engine, topic, kinds = get_engine(), topics.get("wargame.hit"), sorted(KINDS)
    for begin in range(0, count, BATCH):
        rows = []
        for number in range(begin, min(begin + BATCH, count)):
            payload = topic.validate(topic.example)
            for side, kind in (("attacker", kinds[number % len(kinds)]), ("target", kinds[number // 7 % len(kinds)])):
                data = KINDS[kind]
                payload[side] |= {"kind": kind, "attack": data.attack, "range": data.range, "armour": data.armour}
            event = Event(
                id=secrets.token_hex(8),
                topic=topic.name,
                payload=payload,
                subscribers=[("wargame", "damage_calculator")],
                key=str(number % 64),
                published_us=time.time_ns() // 1000,
            )
            rows.append(execution_row(engine.decide(event, "wargame", "damage_calculator"), "bench"))
        insert_rows(Execution, rows)


def replayed(count: int) -> float:
    """Seconds from the question to the report."""
    from scripting.evidence.corpus import Selection, resolve
    from scripting.evidence.replays import candidate_of, replay
    from scripting.models import Script

    script = Script.objects.get(module="wargame", name="damage_calculator")
    assert script.active_version is not None
    text = script.active_version.text.replace("CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.12")
    started = time.perf_counter()
    found = replay(resolve(script, Selection(last=count)), candidate_of(script, text, "python"))
    took = time.perf_counter() - started
    if found["same"] + found["changed"] != count or not found["changed"]:
        raise RuntimeError(f"of {count} decisions {found['same']} are the same and {found['changed']} changed")
    return took


def bare(events: int = EVENTS, times: int = 1) -> float:
    """Seconds for warm runs of each event's inputs, with nothing read, compared or reported."""
    from scripting.models import Execution
    from scripting.modules.installed import modules
    from scripting.registry.active import registry
    from scripting.runtime.host_calls import host_functions
    from scripting.runtime.pool import get_pool
    from scripting.supervisor.pool import RunRequest

    active = registry.resolve("wargame", "damage_calculator")
    functions = host_functions(modules.get("wargame"))
    rows = Execution.objects.order_by("-id").values_list("inputs", "seed", "clock_us")[:events]
    requests = [RunRequest(bytes(inputs), seed or 0, clock or 0, functions) for inputs, seed, clock in rows]
    pool = get_pool()
    pool.run(active.active.bundle, requests[0], active.limits)
    started = time.perf_counter()
    for request in requests * times:
        pool.run(active.active.bundle, request, active.limits)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
