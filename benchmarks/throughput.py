"""Events per second published → executed → committed by two workers over 64 battles, beside other task queues on empty tasks.

Twice: the board, which changes nothing, and shots, which cost units their health. In a process of its own with a Redis and a
database of its own: SQLite, and PostgreSQL where it can be had. What is compared is measured in turn, since a machine may be at half its
speed a minute later: events and shots in ROUNDS, one database right after the other, then the peers, which use a Redis of the same kind.
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
ROUNDS = 2
EVENTS = int(os.environ.get("BENCH_EVENTS", "20000"))
"""In each round."""
SHOTS = 40
"""In each battle, half of them by each side: no army is routed by so many."""
TIMES = 3
"""In each round so many times, each in fresh battles behind those before: with what follows about as many events as the others."""
TOPIC = "wargame.state.update"
TARGET = 5000
MAIN_JOB_RATIO = 0.5
POSTGRES_RATIO = 0.9


def measure() -> Iterator[dict[str, Any]]:
    """Ours on each database, and on SQLite beside each peer."""
    with postgres("throughput on PostgreSQL") as url:
        on_postgres = measured("ours", url) if url else None
    rates, peers = measured("ours", ""), measured("peers", "")  # what is compared with the most stands in the middle
    yield from figures("SQLite", rates, peers)
    if on_postgres:
        yield from figures("PostgreSQL", on_postgres, {})
        yield row(plain("PostgreSQL"), on_postgres["events"], ("the same on SQLite", rates["events"]), POSTGRES_RATIO)


def measured(whose: str, database_url: str) -> dict[str, float]:
    """Events a second, of what `ours` does or of each peer."""
    with stand(database_url) as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.throughput", whose],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def plain(database: str) -> str:
    return f"events published, executed and committed ({database}, {WORKERS} workers, {GAMES} games)"


def figures(database: str, rates: dict[str, float], peers: dict[str, float]) -> list[dict[str, Any]]:
    events = rates["events"]
    return [
        row(plain(database), events, None, TARGET),
        *(
            row(plain(database), events, (f"{name}, empty tasks, {WORKERS} workers", rate), _queues.PEERS[name][2])
            for name, rate in peers.items()
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
    print(json.dumps(ours() if sys.argv[1] == "ours" else _queues.rates(wait_until)))


def ours() -> dict[str, float]:
    """Of workers that are warm, from the first publish until the last execution is committed."""
    from scripting.bus.publishing import publish_many
    from scripting.models import Execution
    from wargame.models import BattleLogEntry, Game

    rounds = [[battles() for _ in range(TIMES)] for _ in range(ROUNDS)]
    counts, took = {"events": 0, "shots": 0}, {"events": 0.0, "shots": 0.0}
    with processes([sys.executable, "manage.py", "run_worker"]):
        publish(20 * GAMES)  # compiled, connected and warm
        wait_until(lambda: Execution.objects.count() == 20 * GAMES, 60)
        seconds(partial(publish_many, shots_of(rounds[0][0], 2)))
        for fresh in rounds:
            shots = [shot for armies in fresh for shot in shots_of(armies, SHOTS)]
            for name, send in (("events", partial(publish, EVENTS)), ("shots", partial(publish_many, shots))):
                before = Execution.objects.count()
                took[name] += seconds(send)
                counts[name] += Execution.objects.count() - before
    hits = BattleLogEntry.objects.filter(kind__in=("damage", "chain")).count()
    if hits < ROUNDS * TIMES * GAMES * SHOTS / 4 or Execution.objects.exclude(status="succeeded").exists():
        raise RuntimeError(f"{hits} hits by {ROUNDS * TIMES * GAMES * SHOTS} shots, or an execution did not succeed")
    if over := Game.objects.exclude(status=Game.Status.RUNNING).count():
        raise RuntimeError(f"{over} battles are over")
    if counts["events"] != ROUNDS * EVENTS:
        raise RuntimeError(f"{counts['events']} executions, not {ROUNDS * EVENTS}")
    return {name: counts[name] / took[name] for name in counts}


def seconds(send: Callable[[], object]) -> float:
    from scripting.bus import publishing

    wait_until(lambda: publishing.backlog().events == 0, 10)
    time.sleep(0.5)  # the drains end: what follows pays for its own jobs
    started = time.perf_counter()
    send()
    wait_until(lambda: publishing.backlog().events == 0, 300)
    return time.perf_counter() - started


def battles() -> list[Any]:
    """Fresh armies, for each game."""
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
