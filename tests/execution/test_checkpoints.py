"""SQLite's checkpoints: no commit that processes wait for makes one, and none is forgotten."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.db import connection

from scripting.models import OutboxEvent
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from scripting.storage import checkpoints
from scripting.storage.checkpoints import put_off
from tests.support.arena import arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)

MORE_THAN_A_LOG = 6 << 20
"""Bytes of more pages than SQLite lets a log have before a commit makes the checkpoint."""


@pytest.fixture
def file() -> Path:
    """The database, with nothing in its log."""
    if connection.vendor != "sqlite":
        pytest.skip("other databases make their checkpoints in a process of their own")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(connection.settings_dict["NAME"])


def written_at(file: Path) -> int:
    return file.stat().st_mtime_ns


def fill() -> None:
    OutboxEvent.objects.create(topic="checkpoint", envelope=os.urandom(MORE_THAN_A_LOG))


def test_a_commit_that_puts_it_off_writes_to_the_log_alone_and_the_next_one_makes_it(file: Path) -> None:
    before = written_at(file)
    with put_off("default"):
        fill()
    assert written_at(file) == before
    OutboxEvent.objects.create(topic="checkpoint", envelope=b"small")
    assert written_at(file) > before


def test_publishing_makes_no_checkpoint(file: Path) -> None:
    with arena_registered():
        script = make_script("result = 1")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_autocheckpoint = 0")
            fill()
            cursor.execute("PRAGMA wal_autocheckpoint = 1000")
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
    until = time.monotonic() + 30
    while written_at(file) == before:
        assert time.monotonic() < until, "nobody made the checkpoint"
        time.sleep(0.01)


def test_a_database_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    checkpoints.checkpoint(str(tmp_path / "gone.sqlite3"))
    assert not list(tmp_path.iterdir())
