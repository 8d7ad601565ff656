"""Events per second published → executed → committed by two workers over 64 battles, beside other task queues on empty tasks.

Twice: the board, which changes nothing, and shots, which cost units their health. In a process of its own with a Redis and a
database of its own: SQLite, and PostgreSQL where it can be had. The peers use the same Redis, a moment later.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import _queues
from benchmarks._databases import postgres
from goby_site.paths import BASE_DIR
from goby_site.stack.redis_server import redis_config, redis_server_binary

WORKERS = _queues.WORKERS
GAMES = 64
EVENTS = int(os.environ.get("BENCH_EVENTS", "20000"))
SHOTS = 40
"""For each battle, half of them by each side: no army is routed by so many."""
TOPIC = "wargame.state.update"
TARGET = 5000
MAIN_JOB_RATIO = 0.5
POSTGRES_RATIO = 0.9


def measure() -> Iterator[dict[str, Any]]:
    """Ours on each database, and on SQLite beside each peer."""
    rates = measured("SQLite", "")
    yield from figures("SQLite", rates)
    with postgres("throughput on PostgreSQL") as url:
        if url:
            on_postgres = measured("PostgreSQL", url)
            yield from figures("PostgreSQL", on_postgres)
            peer = ("the same on SQLite", rates["events"])
            yield row(plain("PostgreSQL"), on_postgres["events"], peer, POSTGRES_RATIO)


def measured(database: str, url: str) -> dict[str, Any]:
    with stand(url) as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.throughput", *([] if url else ["peers"])],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def plain(database: str) -> str:
    return f"events published, executed and committed ({database}, {WORKERS} workers, {GAMES} games)"


def figures(database: str, rates: dict[str, Any]) -> list[dict[str, Any]]:
    events = rates["events"]
    return [
        row(plain(database), events, None, TARGET),
        *(
            row(plain(database), events, (f"{name}, empty tasks, {WORKERS} workers", rate), _queues.PEERS[name][2])
            for name, rate in rates["peers"].items()
        ),
        row(
            f"shots down to the health that units lost, all events ({database}, {WORKERS} workers, {GAMES} battles)",
            rates["shots"],
            ("events that change nothing", events),
            MAIN_JOB_RATIO,
        ),
    ]


def row(figure: str, value: float, peer: tuple[str, float] | None, least: float | None) -> dict[str, Any]:
    ratio = value / peer[1] if peer else None
    return {
        "figure": figure,
        "value": round(value),
        "unit": "events/s",
        "peer": peer and peer[0],
        "peer_value": peer and round(peer[1]),
        "ratio": None if ratio is None else round(ratio, 2),
        "target": None if least is None else f">= {least:g}{' x peer' if peer else ''}",
        "holds": None if least is None else (value if ratio is None else ratio) >= least,
    }


@contextlib.contextmanager
def stand(database_url: str) -> Iterator[dict[str, str]]:
    """The environment of a Goby with a Redis of its own, as the stack configures it."""
    folder = Path(tempfile.mkdtemp(prefix="gb-"))
    socket = folder / "redis.sock"
    (folder / "redis.conf").write_text(redis_config(folder, socket))
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([redis_server_binary(), folder / "redis.conf"], stdout=log, stderr=log)
    try:
        yield os.environ | {
            "GOBY_VAR": str(folder),
            "REDIS_URL": f"unix://{socket}?db=0",
            "DATABASE_URL": database_url or f"sqlite:///{folder}/goby.sqlite3",
            "DJANGO_SETTINGS_MODULE": "goby_site.settings",
            "LOG_LEVEL": "WARNING",
        }
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


# -- in the process of its own -------------------------------------------------------------------------------------------


def begin() -> None:
    """In a process of its own: Django, with the stand's database migrated and the game's scripts taken in."""
    import django

    django.setup()
    from django.core.management import call_command

    wait_until(answers, 10)
    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        call_command("sync_scripts")


def main() -> None:
    begin()
    print(json.dumps(ours() | {"peers": _queues.rates(wait_until) if "peers" in sys.argv else {}}))


def ours() -> dict[str, float]:
    """Of workers that are warm, from the first publish until the last execution is committed."""
    from scripting.bus.publishing import publish_many
    from scripting.models import Execution
    from wargame.models import BattleLogEntry

    armies = battles()
    with processes([sys.executable, "manage.py", "run_worker"]):
        publish(20 * GAMES)  # compiled, connected and warm
        wait_until(lambda: Execution.objects.count() == 20 * GAMES, 60)
        events = EVENTS / seconds(lambda: publish(EVENTS))
        succeeded = Execution.objects.filter(status="succeeded").count()
        if succeeded != EVENTS + 20 * GAMES:
            raise RuntimeError(f"{succeeded} executions succeeded, not {EVENTS + 20 * GAMES}")
        seconds(partial(publish_many, shots_of(armies, 2)))
        before, shots = Execution.objects.count(), shots_of(armies, SHOTS)
        took = seconds(partial(publish_many, shots))
        shots_rate = (Execution.objects.count() - before) / took
    hits = BattleLogEntry.objects.filter(kind__in=("damage", "chain")).count()
    if hits < GAMES * SHOTS / 4 or Execution.objects.exclude(status="succeeded").exists():
        raise RuntimeError(f"{hits} hits by {GAMES * SHOTS} shots, or an execution failed")
    return {"events": events, "shots": shots_rate}


def seconds(send: Callable[[], object]) -> float:
    from scripting.bus import publishing

    wait_until(lambda: publishing.backlog().events == 0, 10)
    time.sleep(0.5)  # the drains end: what follows pays for its own jobs
    started = time.perf_counter()
    send()
    wait_until(lambda: publishing.backlog().events == 0, 300)
    return time.perf_counter() - started


def battles() -> list[Any]:
    """Fresh armies."""
    from wargame import rows
    from wargame.battle import start_battle

    return [rows.read(start_battle(seed=number, demo=False)).battle for number in range(GAMES)]


def shots_of(armies: list[Any], count: int) -> list[Any]:
    """So many shots in each battle, of every unit at every other of the other side, each battle's in its order: made before the clock starts."""
    from scripting.bus.publishing import Message
    from wargame.play.payloads import shot

    messages = []
    for number in range(count):
        for battle in armies:
            sides = [[unit for unit in battle.units.values() if unit.side == side] for side in battle.sides]
            ours, theirs = sides if number % 2 else reversed(sides)
            payload = shot(battle, ours[number // 2 % len(ours)], theirs[number // 3 % len(theirs)])
            payload |= {
                "distance": 1 + number % 3,
                "screening": 0,
            }  # as if they had met: from where they start, most miss
            messages.append(Message("wargame.attack", payload, key=payload["gameID"]))
    return messages


def publish(count: int) -> None:
    from scripting.bus import publishing
    from scripting.bus.publishing import Message
    from scripting.modules.topics import topics

    payload = topics.get(TOPIC).example
    publishing.publish_many(Message(TOPIC, payload, key=f"game-{number % GAMES}") for number in range(count))


@contextlib.contextmanager
def processes(command: list[str], count: int = WORKERS) -> Iterator[None]:
    """So many of them, ended behind the block."""
    started = [subprocess.Popen(command, cwd=BASE_DIR, stdout=sys.stderr) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {seconds} s")
        time.sleep(0.02)


def answers() -> bool:
    import redis

    from scripting.storage.redis_client import redis_client

    try:
        return bool(redis_client().ping())
    except redis.ConnectionError:
        return False


if __name__ == "__main__":
    main()
