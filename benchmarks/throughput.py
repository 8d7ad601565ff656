"""Events per second published → executed → committed by two workers over 64 games, beside RQ's stock worker on an empty job.

Runs in a process of its own with a Redis and a database of its own: SQLite, and PostgreSQL where BENCH_POSTGRES_URL names an
empty database that may be written to.
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
from pathlib import Path
from typing import Any

from benchmarks import leave_out
from goby_site.paths import BASE_DIR
from goby_site.stack.redis_server import redis_config, redis_server_binary

WORKERS = 2
GAMES = 64
EVENTS = int(os.environ.get("BENCH_EVENTS", "20000"))
EMPTY_JOBS = 500
TOPIC = "wargame.state.update"
TARGET = 5000
TARGET_RATIO = 15


def measure() -> list[dict[str, Any]]:
    """One figure for each database."""
    postgres = os.environ.get("BENCH_POSTGRES_URL", "")
    if not postgres:
        leave_out("throughput on PostgreSQL", "Set BENCH_POSTGRES_URL to an empty database that may be written to.")
    return [figure("SQLite", ""), *([figure("PostgreSQL", postgres)] if postgres else [])]


def figure(database: str, url: str) -> dict[str, Any]:
    with stand(url) as environment:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.throughput"],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    rates = json.loads(answer.stdout.splitlines()[-1])
    ratio = rates["events"] / rates["jobs"]
    return {
        "figure": f"events published, executed and committed ({database}, {WORKERS} workers, {GAMES} games)",
        "value": round(rates["events"]),
        "unit": "events/s",
        "peer": f"RQ's stock worker, empty job, {WORKERS} workers",
        "peer_value": round(rates["jobs"]),
        "ratio": round(ratio, 1),
        "target": f">= {TARGET}, >= {TARGET_RATIO} x peer",
        "holds": rates["events"] >= TARGET and ratio >= TARGET_RATIO,
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


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    wait_until(answers, 10)
    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        call_command("sync_scripts")
    print(json.dumps({"events": events_per_second(), "jobs": empty_jobs_per_second()}))


def events_per_second() -> float:
    """From the first publish until the last execution is committed, with workers that are warm."""
    from scripting.bus import publishing
    from scripting.models import Execution

    with processes([sys.executable, "manage.py", "run_worker"]):
        publish(20 * GAMES)  # compiled, connected and warm
        wait_until(lambda: Execution.objects.count() == 20 * GAMES, 60)
        wait_until(lambda: publishing.backlog().events == 0, 10)
        time.sleep(0.5)  # the drains end: what follows pays for its own jobs
        started = time.perf_counter()
        publish(EVENTS)
        wait_until(lambda: publishing.backlog().events == 0, 300)
        took = time.perf_counter() - started
    succeeded = Execution.objects.filter(status="succeeded").count()
    if succeeded != EVENTS + 20 * GAMES:
        raise RuntimeError(f"{succeeded} executions succeeded, not {EVENTS + 20 * GAMES}")
    return EVENTS / took


def publish(count: int) -> None:
    from scripting.bus import publishing
    from scripting.bus.publishing import Message
    from scripting.modules.topics import topics

    payload = topics.get(TOPIC).example
    publishing.publish_many(Message(TOPIC, payload, key=f"game-{number % GAMES}") for number in range(count))


def empty_jobs_per_second() -> float:
    """The same road with RQ alone: enqueue, fork, run nothing, record."""
    import django_rq
    from rq import Queue
    from rq.registry import FinishedJobRegistry

    queue = Queue("empty", connection=django_rq.get_connection("default"))
    command = [sys.executable, "-m", "rq.cli", "worker", "--quiet", "--url", os.environ["REDIS_URL"], "empty"]
    finished = FinishedJobRegistry(queue=queue)
    with processes(command):
        for _ in range(20):
            queue.enqueue("os.getpid")
        wait_until(lambda: finished.get_job_count() == 20, 60)
        started = time.perf_counter()
        for _ in range(EMPTY_JOBS):
            queue.enqueue("os.getpid")
        wait_until(lambda: finished.get_job_count() == EMPTY_JOBS + 20, 120)
        return EMPTY_JOBS / (time.perf_counter() - started)


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
