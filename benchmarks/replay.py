"""Recorded decisions made again by a changed rule, report included, beside the bare warm runs of the same events.

Runs in a process of its own, with a Redis and a SQLite database of its own.
"""

from __future__ import annotations

import json
import resource
import secrets
import subprocess
import sys
import time
from typing import Any

from benchmarks._aside import measured_aside, set_up
from benchmarks.throughput import TOPIC, processes, wait_until
from goby_site.paths import BASE_DIR

EVENTS = 10_000
FEW = 200
BATCH = 500
LITTLE, MANY = 1000, 100_000
"""Executions between which memory must not grow."""
LIVE_RATE, LIVE_SECONDS = 100, 10
TARGET_SECONDS = 5.0
TARGET_RATE = 2000
TARGET_FEW = 0.3
TARGET_MEMORY = 1.5
TARGET_LIVE = 1.5


def measure() -> list[dict[str, Any]]:
    """Seconds, events per second and memory of replays; and how late live events are while one runs."""
    found = measured_aside("replay")
    peer = {"unit": "s", "peer": "bare warm runs of the same events"}
    rate, bare_rate = EVENTS / found["many"], EVENTS / found["bare"]
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
            "figure": "the same in decisions per second",
            "value": round(rate),
            "unit": "events/s",
            "peer": peer["peer"],
            "peer_value": round(bare_rate),
            "ratio": round(rate / bare_rate, 2),
            "target": TARGET_RATE,
            "holds": rate >= TARGET_RATE,
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
            "figure": f"peak memory of a replay of {MANY} decisions",
            "value": round(found["peak_many"] / 1024, 1),
            "unit": "MiB",
            "peer": f"of {LITTLE} decisions",
            "peer_value": round(found["peak_few"] / 1024, 1),
            "ratio": round(found["peak_many"] / found["peak_few"], 2),
            "target": TARGET_MEMORY,
            "holds": found["peak_many"] / found["peak_few"] <= TARGET_MEMORY,
        },
        {
            "figure": f"live events at {LIVE_RATE}/s beside a replay, p99 from published to decided",
            "value": round(found["beside"], 1),
            "unit": "ms",
            "peer": "without a replay",
            "peer_value": round(found["alone"], 1),
            "ratio": round(found["beside"] / found["alone"], 2),
            "target": TARGET_LIVE,
            "holds": found["beside"] / found["alone"] <= TARGET_LIVE,
        },
    ]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    set_up()
    record(EVENTS)
    few = min(replayed(FEW) for _ in range(3))
    replayed(LITTLE)
    peak_few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    many = replayed(EVENTS)
    bare_seconds = bare()
    copy(MANY - EVENTS)
    replayed(MANY)
    peak_many = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    alone, beside = live_beside_a_replay()
    print(
        json.dumps(
            {
                "few": few,
                "many": many,
                "bare": bare_seconds,
                "peak_few": peak_few,
                "peak_many": peak_many,
                "alone": alone,
                "beside": beside,
            }
        )
    )


def copy(count: int) -> None:
    """So many more executions, of the same events: what is decided of them does not matter to memory."""
    from scripting.models import Execution, uuid7
    from scripting.storage.bulk_insert import insert_rows

    fields = [field.attname for field in Execution._meta.concrete_fields]
    rows = list(Execution.objects.order_by("id").values(*fields)[:BATCH])
    for _ in range(0, count, BATCH):
        insert_rows(Execution, [row | {"id": uuid7(), "event_id": secrets.token_hex(8)} for row in rows])


def live_beside_a_replay() -> tuple[float, float]:
    """p99 in milliseconds of live events, without and with an evidence worker in the middle of a long replay."""
    with processes([sys.executable, "manage.py", "run_worker"]):
        latencies(2)  # compiled, connected and warm
        alone = latencies(LIVE_SECONDS)
        evidence = subprocess.Popen([sys.executable, "manage.py", "run_worker", "--evidence"], cwd=BASE_DIR, stdout=sys.stderr)  # fmt: skip
        try:
            job = long_replay()
            wait_until(lambda: type(job).objects.get(pk=job.pk).decided > 0, 60)
            beside = latencies(LIVE_SECONDS)
            if not type(job).objects.get(pk=job.pk).is_unfinished:
                raise RuntimeError("the replay was over before the live events were: record more")
        finally:
            evidence.terminate()
            evidence.wait(30)
    return alone, beside


def latencies(seconds: float) -> float:
    """The 99th percentile of events published at LIVE_RATE, from published to decided."""
    from scripting.bus import publishing
    from scripting.models import Execution
    from scripting.modules.topics import topics

    payload, ids, begun = topics.get(TOPIC).example, [], time.perf_counter()
    for number in range(int(LIVE_RATE * seconds)):
        time.sleep(max(0.0, begun + number / LIVE_RATE - time.perf_counter()))
        ids.append(publishing.publish(TOPIC, payload, key=f"game-{number % 64}"))
    wait_until(lambda: publishing.backlog().events == 0, 60)
    took = sorted(
        (finished - queued).total_seconds() * 1000
        for queued, finished in Execution.objects.filter(event_id__in=ids).values_list("queued_at", "finished_at")
        if queued is not None
    )
    return took[int(0.99 * len(took))]


def long_replay() -> Any:
    from scripting.evidence import jobs
    from scripting.evidence.corpus import Selection, resolve
    from scripting.models import ReplayJob, Script

    script = Script.objects.get(module="wargame", name="damage_calculator")
    report = jobs.ask(resolve(script, Selection(last=MANY)), changed(script), title="bench", chosen="bench")
    return ReplayJob.objects.get(pk=report.pk)


def changed(script: Any) -> Any:
    """A candidate that decides a few events otherwise."""
    from scripting.evidence.replays import candidate_of

    text = script.active_version.text.replace("CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.12")
    return candidate_of(script, text, "python")


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
    from scripting.evidence.replays import replay
    from scripting.models import Script

    script = Script.objects.get(module="wargame", name="damage_calculator")
    candidate = changed(script)
    started = time.perf_counter()
    found = replay(resolve(script, Selection(last=count)), candidate)
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
