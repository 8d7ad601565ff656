"""Events published at a steady pace → recorded: how long each takes, beside a bare stream of Redis whose reader commits a row.

Two workers of the stack's kind; who publishes hears of each outcome as who waits for one does, told after its commit. Each event is due at
its moment, whatever became of those before it: what is late counts from when it was due.
"""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import leave_out
from benchmarks.throughput import GAMES, TOPIC, begin, processes, stand, wait_until
from goby_site.paths import BASE_DIR

RATE = 500
SECONDS = float(os.environ.get("BENCH_RECORDED_SECONDS", "10"))
WARM_SECONDS = 3
TARGET_P99_MS, TARGET_IN_MEDIANS = 10.0, 3.0
PEER = "a bare stream of Redis, whose reader commits a row"
BARE, TOLD = "bench:bare", "bench:told"


def measure() -> Iterator[dict[str, Any]]:
    """Milliseconds from due to told, the median and the slowest of a hundred."""
    with stand("") as environment:
        command = [sys.executable, "-m", "benchmarks.recorded", "measure"]
        found = subprocess.run(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, check=True)
    ours, bare = json.loads(found.stdout.splitlines()[-1])
    if ours["rate"] < 0.9 * RATE:
        leave_out("the pace of events", f"{ours['rate']:.0f} of {RATE} a second were reached")
    told = f"event published → recorded, {RATE}/s"
    yield figure(f"{told}, p50", ours["p50"], bare["p50"], None)
    yield figure(f"{told}, p99", ours["p99"], bare["p99"], TARGET_P99_MS)
    in_medians = figure(
        f"{told}, p99 in medians", ours["p99"] / ours["p50"], bare["p99"] / bare["p50"], TARGET_IN_MEDIANS
    )
    yield in_medians | {"unit": "x", "peer": f"{PEER}, in its own"}


def figure(name: str, value: float, peer: float, most: float | None) -> dict[str, Any]:
    return {
        "figure": name,
        "value": round(value, 2),
        "unit": "ms",
        "peer": PEER,
        "peer_value": round(peer, 2),
        "ratio": round(value / peer, 2),
        "target": None if most is None else f"<= {most}",
        "holds": None if most is None else value <= most,
    }


# -- in processes of their own -------------------------------------------------------------------------------------------


def main() -> None:
    begin()
    from scripting.processes.startup import prepare_to_serve

    prepare_to_serve()
    with processes([sys.executable, "manage.py", "run_worker"]):
        ours = paced(*events())
    with processes([sys.executable, "-m", "benchmarks.recorded", "bare"], 1):
        bare = paced(*bare_stream())
    print(json.dumps([ours, bare]))


def events() -> tuple[Callable[[int], str], Callable[[], Iterable[str]]]:
    """Publishes an event, and hears whose outcome was told."""
    from msgspec.structs import replace

    from scripting.bus import publishing
    from scripting.bus.settled import Inbox, new_inbox
    from scripting.modules.topics import topics

    name, payload = new_inbox(), topics.get(TOPIC).example
    inbox = Inbox(name)

    def send(number: int) -> str:
        event = replace(publishing.make_event(TOPIC, payload, key=f"game-{number % GAMES}"), inbox=name)
        publishing.send([event])
        return event.id

    def hear() -> Iterable[str]:
        return [each if isinstance(each, str) else each.event_id for each in inbox.hear(0.2)]

    return send, hear


def bare_stream() -> tuple[Callable[[int], str], Callable[[], Iterable[str]]]:
    from scripting.storage.redis_client import redis_client

    client = redis_client()
    heard: Any = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    heard.subscribe(TOLD)

    def send(number: int) -> str:
        client.xadd(BARE, {"e": b"x" * 400, "id": str(number)})
        return str(number)

    def hear() -> Iterable[str]:
        message = heard.get_message(timeout=0.2)
        return [] if message is None else message["data"].decode().split()

    return send, hear


def bare() -> None:
    """The reader of the bare stream: a transaction for what is there, then it tells."""
    import django

    django.setup()
    from scripting.storage.redis_client import redis_client

    client: Any = redis_client()
    database = sqlite3.connect(Path(os.environ["GOBY_VAR"]) / "bare.sqlite3", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE event (id TEXT, body BLOB)"
    )
    while True:
        for _, entries in client.xread({BARE: "0-0"}, count=64, block=1000):
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO event VALUES (?, ?)", [(each[b"id"], each[b"e"]) for _, each in entries])
            database.execute("COMMIT")
            client.xdel(BARE, *[entry for entry, _ in entries])
            client.publish(TOLD, b" ".join(each[b"id"] for _, each in entries))


def paced(send: Callable[[int], str], hear: Callable[[], Iterable[str]]) -> dict[str, float]:
    """Send at RATE, warmed up, and hear of all: the rate reached, ms of p50 and p99."""
    told: dict[str, float] = {}
    due: dict[str, float] = {}
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            for each in hear():
                told[each] = time.perf_counter()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    time.sleep(0.5)  # it has subscribed
    spent = 0.0
    for number_of in (WARM_SECONDS * RATE, round(SECONDS * RATE)):  # at one pace: both workers are warm by then
        wait_until(lambda: due.keys() <= told.keys(), 60)
        due.clear()
        told.clear()
        gc.collect()
        begun = time.perf_counter()
        for number in range(number_of):
            moment = begun + number / RATE
            time.sleep(max(0.0, moment - time.perf_counter()))
            due[send(number)] = moment
        spent = time.perf_counter() - begun
    wait_until(lambda: due.keys() <= told.keys(), 60)
    over.set()
    listener.join()
    cuts = statistics.quantiles([told[each] - moment for each, moment in due.items()], n=100)
    return {"rate": len(due) / spent, "p50": 1e3 * cuts[49], "p99": 1e3 * cuts[98]}


if __name__ == "__main__":
    {"measure": main, "bare": bare}[sys.argv[1]]()
