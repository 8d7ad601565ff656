"""Commands while the database is unavailable: each says which one, whose fault it is and what to do; an accepted event stays accepted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as site
from django.db import connection

from scripting.bus import streams
from scripting.bus.events import Event
from scripting.sources import sync
from scripting.storage.redis_client import redis_client
from tests.support.game import Game
from tests.support.redis import RedisServer
from tests.workers.outages import standby
from tests.workers.processes import wait_for

ROLL = '{"sides": 6}'


@pytest.fixture
def shipped(game: Game, transactional_db: None) -> Game:
    game.ship("dice")
    sync.sync()
    return game


def site_on(url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a site whose database is that one."""
    environment = {**os.environ, "DATABASE_URL": url, "GOBY_VAR": str(tmp_path / "var")}
    return environment | {"REDIS_URL": site.SCRIPTING_REDIS_URL, "DJANGO_SETTINGS_MODULE": "goby_site.settings"}


def of_nothing(url: str, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    environment = site_on(url, tmp_path)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone/site.sqlite3", "cannot be opened: its folder must be there"),
        ("damaged.sqlite3", "is damaged, or no database: put a backup in its place"),
        ("new.sqlite3", "migrations of this code"),
    ],
)
@pytest.mark.parametrize("arguments", [("list_scripts", "--json"), ("verify_receipts",)])
def test_a_database_that_is_none_is_told_by_its_name_with_what_to_do(
    name: str, words: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "damaged.sqlite3").write_text("no database at all\n" * 100)
    ran = of_nothing(f"sqlite:///{tmp_path / name}", tmp_path, *arguments)
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (1, "", False), ran.stderr
    assert f"the database {tmp_path / name} " in ran.stderr
    assert words in ran.stderr


@pytest.mark.once
@pytest.mark.slow
def test_a_server_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    ran = of_nothing("postgresql://me:opensesame@127.0.0.1:1/site", tmp_path, "list_scripts")
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
    assert "the database site at 127.0.0.1:1 does not answer: start it, or let DATABASE_URL name one" in ran.stderr
    assert "opensesame" not in ran.stderr


@pytest.mark.once
@pytest.mark.slow
def test_a_process_that_starts_without_its_database_tells_it_once(tmp_path: Path, redis_server: RedisServer) -> None:
    log = tmp_path / "log"
    environment = site_on(f"sqlite:///{tmp_path / 'gone' / 'site.sqlite3'}", tmp_path)
    with log.open("wb") as said:
        watcher = subprocess.Popen([sys.executable, "manage.py", "watch_scripts"], env=environment, stderr=said)
    try:
        wait_for(lambda: "unable to open database file" in log.read_text())
        time.sleep(2)
        assert watcher.poll() is None
    finally:
        watcher.terminate()
        watcher.wait(60)
    told = [line for line in log.read_text().splitlines() if "unable to open database file" in line]
    assert len(told) == 1, told
    assert "the database is unavailable, events wait" in told[0]


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no standby")
@pytest.mark.parametrize("arguments", [("publish_script", "chess_club/dice", "-m", "x", "--source"), ("sync_scripts",)])
def test_a_standby_is_told_as_one(shipped: Game, manage: Callable, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    text = shipped.ship("other", "result = {'points': 7}\n")
    with standby():
        ran = manage(*arguments, *([str(text)] if "--source" in arguments else []))
    assert (ran.code, ran.out, "Traceback" in ran.err) == (1, "", False), ran.err
    assert "takes no writes: let DATABASE_URL name the main server" in ran.err


@contextmanager
def thrown_out_while_it_looks_for_executions() -> Iterator[None]:
    """The server ends this process's connection once it asks what has run."""

    def throw_out() -> None:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND query LIKE '%%event_id%%'"
        with psycopg.connect(**parameters, autocommit=True) as own:
            while not over.wait(0.02) and not own.execute(others, [process]).fetchall():
                pass

    parameters = {name: connection.get_connection_params()[name] for name in ("dbname", "host", "port", "user")}
    with connection.cursor() as cursor:
        (process,) = cursor.execute("SELECT pg_backend_pid()").fetchone()
    over = threading.Event()
    thread = threading.Thread(target=throw_out)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        connection.close()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite loses no connection")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_event_that_was_accepted_is_told_with_its_id_though_the_database_goes_meanwhile(
    shipped: Game, manage: Callable, form: tuple[str, ...]
) -> None:
    """Exit code 1 would have its sender publish it a second time."""
    with thrown_out_while_it_looks_for_executions():
        ran = manage("publish_event", "chess_club.roll", ROLL, "--wait", "30", *form)
    assert ran.code == 0, ran.err
    said = ran.json["event"] if form else ran.out.strip()
    (condition,) = streams.conditions()
    ((_, fields),) = redis_client().xrange(condition.stream.entries)
    assert Event.decode(fields[b"e"]).id == said
    assert "the event was accepted; what has run of it is not known: the database" in ran.err


def test_what_redis_did_not_acknowledge_is_told_with_the_id_to_publish_it_again_under(
    shipped: Game, manage: Callable, redis_server: RedisServer, settings: Any
) -> None:
    settings.SCRIPTING_PUBLISH_SECONDS = 0.3
    with redis_server.frozen():
        ran = manage("publish_event", "chess_club.roll", ROLL, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "whether the event was accepted is not known" in ran.err
    found = re.search(r"`--id (\S+)`", ran.err)
    assert found
    again = manage("publish_event", "chess_club.roll", ROLL, "--json", "--id", found[1])
    assert (again.code, again.json["event"]) == (0, found[1])
