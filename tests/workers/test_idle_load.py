"""An idle process costs Redis and the database next to nothing: counts of what it asks, never times."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
import redis
from django.db import connection

from tests.support.member import Member
from tests.support.redis import commands_within
from tests.support.stack import wait_until
from tests.workers.processes import WorkerProcess

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]

SECONDS = 5.0
WINDOWS = 3
COMMANDS = 3.0
"""The most commands that an idle process may send to Redis in a second."""
STATEMENTS = 2.0
"""The most statements in a second of all processes: one of them looks for what waits in the database, once, and seldom for alerts."""


def lines(told: Path) -> list[str]:
    return told.read_text().splitlines() if told.exists() else []


def connections_of_others() -> int:
    """To this database, as PostgreSQL counts them; elsewhere they cost nobody anything."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_idle_processes_ask_redis_and_the_database_little(tmp_path: Path, redis_client: redis.Redis) -> None:
    told = {name: tmp_path / f"{name}.sql" for name in ("one", "two", "web")}
    settings = {"DJANGO_SETTINGS_MODULE": "tests.workers.settings"}
    with (
        WorkerProcess(tmp_path, "one", TRACK_STATEMENTS=str(told["one"])).takes_jobs(),
        WorkerProcess(tmp_path, "two", TRACK_STATEMENTS=str(told["two"])).takes_jobs(),
        Member(tmp_path, "web", **settings, TRACK_STATEMENTS=str(told["web"])),
    ):
        wait_until(lambda: redis_client.exists("goby:generation:mark"), 60, "nobody sweeps")
        time.sleep(2.5)  # what each does once at its start
        for _ in range(WINDOWS):
            before = {name: len(lines(path)) for name, path in told.items()}
            commands = commands_within(SECONDS, redis_client)
            asked = {name: lines(path)[before[name] :] for name, path in told.items()}
            if sum(map(len, asked.values())) <= STATEMENTS * SECONDS:
                break  # else a slow machine was not through with it: who never rests is never idle
        connected = connections_of_others()
    listing = "\n".join(sorted(commands))
    assert len(commands) <= len(told) * COMMANDS * SECONDS, listing
    assert connected <= 1, "the one that sweeps keeps its own"
    assert not asked["web"]
    often = Counter(statement for each in asked.values() for statement in each).most_common(5)
    assert sum(map(len, asked.values())) <= STATEMENTS * SECONDS, often
