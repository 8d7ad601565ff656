"""SQLite's checkpoints, by which the write-ahead log goes into the database file, out of the way of a commit that processes wait for.

SQLite has the commit that makes the log long enough do it, and wait for the disk twice: some milliseconds on a quiet machine, many on a
busy one.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from urllib.parse import quote

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting.storage.turns import database_file

logger = logging.getLogger(__name__)

MOST_PAGES = 8000
"""Of a log that is longer than this a commit makes the checkpoint all the same."""
AFTER = 16
"""Commits of this process that put it off, until the process makes one by the way: other people's commits may not come for long."""
LATER_SECONDS = 0.5

_lock = threading.Lock()
_owed = 0


@contextlib.contextmanager
def put_off(using: str) -> Iterator[None]:
    """Around a transaction, and what is done on its commit: leave the checkpoint to the next commit of anybody else."""
    connection = connections[using]
    file = database_file(using)
    pages = _pages(connection) if file else 0
    if not pages:  # none: no commit is to make one, since another program copies the log
        yield
        return
    own = connection.connection
    own.execute(f"PRAGMA wal_autocheckpoint = {max(pages, MOST_PAGES)}")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):  # it may have been closed
            own.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        _owe(file)


def _pages(connection: BaseDatabaseWrapper) -> int:
    """Of a log that is longer than this a commit makes the checkpoint."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        [(pages,)] = connection.connection.execute("PRAGMA wal_autocheckpoint").fetchall()
    return int(pages)


def _owe(file: str) -> None:
    global _owed
    with _lock:
        _owed += 1
        is_due = _owed >= AFTER
        if is_due:
            _owed = 0
    if is_due:
        later = threading.Timer(LATER_SECONDS, checkpoint, [file])
        later.name, later.daemon = "checkpoint", True
        later.start()


def checkpoint(file: str) -> None:
    """Write what is in the log of the database `file` into it, as far as nobody reads there; others read and write meanwhile. Never fails."""
    try:
        # On a connection of its own: a request may have closed the one before, and its thread may be gone.
        with contextlib.closing(sqlite3.connect(f"file:{quote(file)}?mode=rw", uri=True)) as connection:
            connection.execute("PRAGMA schema_version").fetchall()  # it has to read before it knows of the log
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error as error:
        logger.debug("no checkpoint of %s: %s", file, error)
