"""SQLite's checkpoints: no commit that processes wait for makes one, and none is forgotten."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from scripting.models import OutboxEvent
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.storage import checkpoints
from scripting.storage.checkpoints import Log, locked, put_off
from tests.support.arena import arena_registered, make_script
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MORE_THAN_A_LOG = 6 << 20
"""Bytes of more than a thousand pages, from which on a commit makes the checkpoint here."""


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The database, with nothing in its log, of which a commit makes the checkpoint from SQLite's usual length on."""
    if connection.vendor != "sqlite":
        pytest.skip("other databases make their checkpoints in a process of their own")
    monkeypatch.setattr(checkpoints, "_owed", 0)  # by what this process published in the tests before
    for thread in threading.enumerate():
        if thread.name == "checkpoint":
            thread.join()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(pages,)] = cursor.execute("PRAGMA wal_autocheckpoint").fetchall()
    until(1000)
    yield Path(connection.settings_dict["NAME"])
    until(pages)


def until(pages: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint = {pages}")


def written_at(file: Path) -> int:
    return file.stat().st_mtime_ns


def await_checkpoint(file: Path, before: int) -> None:
    """Until the database was written at another time than `before`."""
    wait_until(lambda: written_at(file) != before, 30, "nobody made the checkpoint", every=0.01)


def fill() -> None:
    OutboxEvent.objects.create(topic="checkpoint", envelope=os.urandom(MORE_THAN_A_LOG))


def test_a_commit_that_puts_it_off_writes_to_the_log_alone_and_another_one_makes_it(file: Path) -> None:
    before = written_at(file)
    with put_off("default"):
        fill()
    assert written_at(file) == before
    until = time.monotonic() + 30
    OutboxEvent.objects.create(topic="checkpoint", envelope=b"small")
    while written_at(file) == before:  # the first one may come while somebody reads
        assert time.monotonic() < until, "no commit made the checkpoint"
        time.sleep(0.02)
        OutboxEvent.objects.create(topic="checkpoint", envelope=b"small")


def test_publishing_makes_no_checkpoint(file: Path) -> None:
    with arena_registered():
        script = make_script("result = 1")
        until(0)
        fill()
        until(1000)
        before = written_at(file)
        publishing.publish(script, "python", "result = 2", actor=None, reason="for a test", base=AnyBase)
    assert written_at(file) == before


def test_a_process_that_put_off_several_makes_one_a_moment_later(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LATER_SECONDS", 0.0)
    before = written_at(file)
    for number in range(checkpoints.AFTER):
        with put_off("default"):
            if number == 0:
                fill()
    await_checkpoint(file, before)


@pytest.fixture
def beside() -> Iterator[checkpoints.Checkpoints]:
    """The checkpoints that a worker makes beside its commits."""
    made = checkpoints.Checkpoints("default")
    yield made
    made.stop()
    for thread in threading.enumerate():
        if thread.name == "checkpoints":
            thread.join()


def test_a_worker_makes_them_beside_its_commits(
    file: Path, beside: checkpoints.Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "IDLE_SECONDS", 0.01)
    before = written_at(file)
    beside.start()
    with put_off("default"):
        fill()
    await_checkpoint(file, before)


def test_of_several_workers_one_makes_them_and_when_it_has_ended_another_does(
    file: Path, beside: checkpoints.Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "IDLE_SECONDS", 0.01)
    other = locked(f"{file}.checkpoints")
    assert other is not None
    before = written_at(file)
    beside.start()
    with put_off("default"):
        fill()
    time.sleep(0.5)
    assert written_at(file) == before
    os.close(other)
    await_checkpoint(file, before)
    assert locked(f"{file}.checkpoints") is None


def test_a_worker_makes_none_where_no_commit_is_to_make_one(
    file: Path, beside: checkpoints.Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "IDLE_SECONDS", 0.01)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "init_command", "PRAGMA wal_autocheckpoint = 0")
    until(0)
    before = written_at(file)
    beside.start()
    fill()
    time.sleep(0.5)
    assert written_at(file) == before


def test_a_database_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    checkpoints.checkpoint(str(tmp_path / "gone.sqlite3"))
    assert not list(tmp_path.iterdir())


def opened_logs(file: Path) -> set[Path]:
    """Descriptors of this process of the database's log; SQLite may keep those of the database itself for later."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()) == f"{file}-wal":
                found.add(descriptor)
    return found


def test_the_database_stays_open_from_one_checkpoint_to_the_next_until_it_is_let_go(tmp_path: Path) -> None:
    file = tmp_path / "game.sqlite3"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE event (body BLOB)")
    of_the_other, log = opened_logs(file), Log(str(file))
    log.write()
    opened = opened_logs(file)
    assert len(opened) == len(of_the_other) + 1
    before = written_at(file)
    other.execute("INSERT INTO event VALUES (?)", [os.urandom(100_000)])
    log.write()
    assert written_at(file) > before
    assert opened_logs(file) == opened
    log.close()
    assert opened_logs(file) == of_the_other
    log.close()
    other.close()


def test_after_a_checkpoint_that_failed_the_next_one_opens_the_database(tmp_path: Path) -> None:
    file = tmp_path / "game.sqlite3"
    log = Log(str(file))
    log.write()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE event (body BLOB)")
        before = written_at(file)
        log.write()
        assert written_at(file) > before
    log.close()


def test_a_worker_lets_the_database_go_when_nothing_is_written(
    file: Path, beside: checkpoints.Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who replaces the file meanwhile has the checkpoints of the new one made."""
    monkeypatch.setattr(checkpoints, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(checkpoints, "BUSY_SECONDS", 3.0)  # a busy machine looks late
    with put_off("default"):
        fill()
    before = written_at(file)
    of_others = opened_logs(file)  # once this thread has opened its own
    beside.start()
    await_checkpoint(file, before)
    time.sleep(0.1)  # it is made
    assert opened_logs(file) != of_others, "not by a connection that stays open"
    wait_until(lambda: opened_logs(file) == of_others, 30, "the connection was kept", every=0.01)


def test_where_no_commit_is_to_make_one_none_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is where a program copies the log to another place."""
    monkeypatch.setattr(checkpoints, "MOST_PAGES", 1000)
    monkeypatch.setattr(checkpoints, "_owed", checkpoints.AFTER - 1)
    monkeypatch.setattr(checkpoints, "LATER_SECONDS", 0.0)
    until(0)
    before = written_at(file)
    with put_off("default"):
        fill()
    time.sleep(0.5)
    assert written_at(file) == before


@pytest.mark.parametrize("times", [1, checkpoints.ROUNDS - 1])
def test_commits_that_come_meanwhile_are_written_too_so_that_the_next_one_begins_the_log_anew(
    file: Path, times: int
) -> None:
    """A commit after a reader has begun is beyond what a checkpoint can write until the reader ends, as is one that comes while it writes."""

    def salts() -> bytes:
        """Of the log's header: new ones when it is begun anew."""
        with Path(f"{file}-wal").open("rb") as opened:
            return opened.read(24)[16:]

    until(0)  # no commit makes one
    log, readers, rounds = Log(str(file)), [reader_of(file)], 0
    fill()
    log.write()  # it opens the database

    def round_begins(statement: str) -> None:
        nonlocal rounds
        rounds += 1
        if rounds <= times:
            readers.append(reader_of(file))
            OutboxEvent.objects.create(topic="checkpoint", envelope=b"small")
        readers.pop(0).close()

    assert log._connection is not None
    log._connection.set_trace_callback(round_begins)
    before = salts()
    log.write()
    assert rounds == times + 1
    log.close()
    assert salts() == before
    OutboxEvent.objects.create(topic="checkpoint", envelope=b"small")
    assert salts() != before


def reader_of(file: Path) -> sqlite3.Connection:
    """One that is reading, until it is closed."""
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("PRAGMA user_version").fetchall()
    return reader
