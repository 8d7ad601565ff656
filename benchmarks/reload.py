"""How soon a change runs everywhere: from a published or saved text until the last of all processes has acknowledged it.

Four workers, the web process, the watcher and the one that publishes, on a database and a Redis of their own. Afterwards 250
changes are published while 5 000 events run, and no run may be on a version older than its worker had acknowledged.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.throughput import begin, stand, wait_until
from goby_site.paths import BASE_DIR

WORKERS = 4
REPEATS = 1
CHANGES = int(os.environ.get("BENCH_CHANGES", "100"))
RACE_CHANGES = int(os.environ.get("BENCH_RACE_CHANGES", "250"))
RACE_RUNS = int(os.environ.get("BENCH_RACE_RUNS", "5000"))
SCRIPT = ("wargame", "damage_calculator")
TOPIC = "wargame.hit"
NAME = "/".join(SCRIPT)
PAUSE_SECONDS = 0.06
"""Between two changes: the sandboxes of the last one have been made ready by then, as they are when a person changes things."""
TARGETS_MS = {"publish a text unseen": 40, "publish a text checked": 25, "published": 25, "file saved": 100}
"""The first two count from the call of publish: of a text that must be compiled in a sandbox first, which takes what the text takes,
and of one whose check passed while it was written, as the workbench has it. `published` counts from the activation in both."""


def measure() -> list[dict[str, Any]]:
    """Publish and save, p50 and p99 in milliseconds, and how many runs were on an old version."""
    with stand("") as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.reload"],
            cwd=BASE_DIR,
            env=environment | {"SCRIPTING_SCRIPTS_DIR": str(Path(environment["GOBY_VAR"]) / "scripts")},
            stdout=subprocess.PIPE,
            check=True,
        )
    seen = json.loads(answer.stdout.splitlines()[-1])
    floor = quantile(seen["pubsub"], 0.99)
    figures = []
    for what, target in TARGETS_MS.items():
        for part in (0.5, 0.99):
            value = quantile(seen[what], part)
            is_held = part > 0.5 and target is not None
            figures.append(
                {
                    "figure": f"{what} → {seen['processes']} processes have acknowledged, p{part * 100:.0f} of {len(seen[what])}",
                    "value": round(value, 1),
                    "unit": "ms",
                    "peer": f"bare Redis publish → {seen['processes']} subscribers, p99",
                    "peer_value": round(floor, 2),
                    "ratio": round(value / floor, 1),
                    "target": f"<= {target}" if is_held else None,
                    "holds": value <= target if is_held else None,
                }
            )
    old, runs = seen["race"]
    figures.append(
        {
            "figure": f"runs on a version older than acknowledged, during {RACE_CHANGES} changes",
            "value": old,
            "unit": "runs",
            "peer": "all runs",
            "peer_value": runs,
            "ratio": None,
            "target": "0",
            "holds": old == 0 and runs >= RACE_RUNS,
        }
    )
    return figures


def quantile(values: list[float], part: float) -> float:
    """The value that `part` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


# -- in the process of its own -------------------------------------------------------------------------------------------


def main() -> None:
    begin()
    from scripting.hot_reload.listener import listening
    from scripting.processes.startup import prepare_to_serve

    prepare_to_serve()  # as a web process, which publishes what people write
    with running(), listening("publisher"):
        count = WORKERS + 3
        wait_until(lambda: len(acknowledged(1)) == count, 60)
        feed(200)  # every worker has the script warm
        wait_until(idle, 60)
        seen = {
            "processes": count,
            **published_all(count),
            "file saved": [saved(number, count) for number in range(2 * CHANGES + 2, 3 * CHANGES + 2)],
            "pubsub": [bare_publish(count) for _ in range(CHANGES)],
            "race": race(3 * CHANGES + 2),
        }
    print(json.dumps(seen))


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Workers, web and watcher, ended behind the block."""
    from tests.support.processes import free_port

    web = ["-m", "uvicorn", "goby_site.asgi:application", "--port", str(free_port()), "--lifespan", "on"]
    commands = [web, ["manage.py", "watch_scripts"], *[["manage.py", "run_worker"]] * WORKERS]
    started = [
        subprocess.Popen([sys.executable, *command], cwd=BASE_DIR, stdout=sys.stderr, stderr=sys.stderr)
        for command in commands
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def feed(count: int) -> None:
    """Events that run the script."""
    from scripting.bus.publishing import Message, publish_many
    from scripting.modules.topics import topics

    example = topics.get(TOPIC).example
    publish_many(Message(TOPIC, example, key=f"game-{number % 64}") for number in range(count))


def acknowledged(number: int) -> list[float]:
    """When each process acknowledged version `number`, seconds since 1970."""
    from scripting.processes.members import everyone

    loaded = [process.loaded.get(NAME) for process in everyone([NAME])]
    return [version.at for version in loaded if version is not None and version.number == number]


def idle() -> bool:
    from scripting.bus.publishing import backlog

    return backlog().events == 0


def text(number: int) -> str:
    default = BASE_DIR / "wargame" / "scripts" / f"{SCRIPT[1]}.py"
    return f"{default.read_text()}\n# change {number}\n"


def published_all(count: int) -> dict[str, list[float]]:
    """Milliseconds to the last acknowledgement: from the call of publish, and from the activation in it."""
    from scripting.models import Script
    from scripting.registry import publishing

    unseen: list[float] = []
    checked: list[float] = []
    active = []
    script = Script.objects.get(module=SCRIPT[0], name=SCRIPT[1])
    for number in range(2, 2 * CHANGES + 2):
        if number % 2:
            publishing.check(*SCRIPT, "python", text(number))
            time.sleep(PAUSE_SECONDS)
        began = time.time()
        activation = publishing.publish(
            script, "python", text(number), actor=None, reason="to measure", base=script.active_version
        )
        took = last(number, count, began)
        (checked if number % 2 else unseen).append(took)
        active.append(took - (activation.created_at.timestamp() - began) * 1000)
    return {"publish a text unseen": unseen, "publish a text checked": checked, "published": active}


def saved(number: int, count: int) -> float:
    """Milliseconds from the renaming that ends a save to the last acknowledgement."""
    folder = Path(os.environ["SCRIPTING_SCRIPTS_DIR"]) / SCRIPT[0]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{SCRIPT[1]}.py"
    temporary = folder / f".{SCRIPT[1]}.py.tmp"
    temporary.write_text(text(number))
    began = time.time()
    temporary.replace(file)
    return last(number, count, began)


def last(number: int, count: int, began: float) -> float:
    wait_until(lambda: len(acknowledged(number)) == count, 20)
    took = (max(acknowledged(number)) - began) * 1000
    time.sleep(PAUSE_SECONDS)
    return took


def bare_publish(count: int) -> float:
    """Milliseconds for one message of Redis to reach as many subscribers, all in this process."""
    from scripting.storage.redis_client import redis_client

    client = redis_client()
    subscribers = [
        client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        for _ in range(count)
    ]
    for subscriber in subscribers:
        subscriber.subscribe("bare")
        subscriber.get_message(timeout=0.01)
    began = time.perf_counter()
    client.publish("bare", b"x" * 200)
    for subscriber in subscribers:
        while subscriber.get_message(timeout=1) is None:
            pass
    took = (time.perf_counter() - began) * 1000
    for subscriber in subscribers:
        subscriber.close()
    return took


def race(first: int) -> tuple[int, int]:
    """(runs on a version older than their worker had acknowledged before they began, all runs)."""
    from scripting.models import Execution, Script
    from scripting.processes.members import everyone
    from scripting.registry import publishing

    before = Execution.objects.count()
    told: dict[str, list[tuple[float, int]]] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.003):
            for process in everyone([NAME]):
                loaded = process.loaded[NAME]
                heard = told.setdefault(process.name, [])
                if not heard or heard[-1][1] != loaded.number:
                    heard.append((loaded.at, loaded.number))

    watcher = threading.Thread(target=watch)
    watcher.start()
    script = Script.objects.get(module=SCRIPT[0], name=SCRIPT[1])
    sent = 0
    for index in range(RACE_CHANGES):
        due = RACE_RUNS * (index + 1) // RACE_CHANGES
        feed(due - sent)
        sent = due
        publishing.publish(
            script, "python", text(first + index), actor=None, reason="to race", base=script.active_version
        )
    wait_until(idle, 120)
    over.set()
    watcher.join()
    rows = Execution.objects.order_by("pk").values_list("worker", "started_at", "version__number", "role")[before:]
    old = 0
    for worker, started, number, role in rows:
        heard = told[worker.rsplit(".", 1)[0]]
        floor = max((version for at, version in heard if at <= started.timestamp()), default=0)
        old += role == "primary" and number < floor
    return old, len(rows)


if __name__ == "__main__":
    main()
