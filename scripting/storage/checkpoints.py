"""SQLite's checkpoints, by which the write-ahead log goes into the database file, out of the way of a commit that processes wait for.

SQLite has the commit that makes the log long enough do it, and wait for the disk twice: some milliseconds on a quiet machine, many on a
busy one.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting.storage.turns import database_file

logger = logging.getLogger(__name__)

MOST_PAGES = 32_000
"""Of a log that is longer than this a commit makes the checkpoint all the same."""
AFTER = 16
"""Commits of this process that put it off, until the process makes one by the way: other people's commits may not come for long."""
LATER_SECONDS = 0.5

ROUNDS = 6
"""Of a checkpoint, while commits come in between: each finds less to write."""

BUSY_SECONDS, IDLE_SECONDS = 0.2, 1.0
"""Between two looks of a worker whether the log has grown, while it does and while it does not. Checkpoints once a second would have more to write
each, and commits wait while the disk takes it: the slowest of a thousand events then took 30 ms, not 15."""

_lock = threading.Lock()
_owed = 0


class Checkpoints:
    """A thread that makes them beside the commits of workers, of which else one in a few hundred waits for the disk, and events wait for it.

    Of the workers of a database one makes them for all; the next one begins when it has ended.

    It is a thread of ordinary priority. In Linux' idle class it would be in nobody's way while processors have time, but whoever waits for
    Python's lock waits for it too, and while others keep the processors busy that took up to 0.2 s. For a process of that class, which has
    no such lock, the slowest commits beside it still waited for up to 0.07 s.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._stopping = threading.Event()
        self._right: int | None = None

    def start(self) -> None:
        """Begin, if it is a SQLite database."""
        if file := database_file(connections[self._using]):
            threading.Thread(target=self._run, args=[file], name="checkpoints", daemon=True).start()

    def stop(self) -> None:
        """Make no further one."""
        self._stopping.set()

    def _run(self, file: str) -> None:
        seconds, before = IDLE_SECONDS, 0
        makes: bool | None = None
        log = Log(file)
        try:
            while not self._stopping.wait(seconds):
                written = _written(Path(f"{file}-wal"))
                if written == before or not self._has_right(file):
                    seconds = IDLE_SECONDS
                    log.close()  # when it is written again the file may be another one
                    continue
                seconds, before = BUSY_SECONDS, written
                if makes is None:
                    makes = self._are_to_be_made()
                if makes:
                    log.write()
        finally:
            log.close()
            if self._right is not None:
                os.close(self._right)

    def _has_right(self, file: str) -> bool:
        """Whether this is the thread that makes them: it is until it ends, or its process does."""
        if self._right is None:
            self._right = locked(f"{file}.checkpoints")
        return self._right is not None

    def _are_to_be_made(self) -> bool | None:
        """Whether a commit would make them; None where the database does not answer now."""
        connection = connections[self._using]  # this thread's own
        try:
            return bool(_pages(connection))
        except DatabaseError:
            return None
        finally:
            connection.close()


def locked(file: str) -> int | None:
    """The lock of this name, which goes with its descriptor; None where another has it or there can be none."""
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _written(log: Path) -> int:
    """When the log was written last, in nanoseconds; 0 where there is none."""
    try:
        return log.stat().st_mtime_ns
    except OSError:
        return 0


@contextlib.contextmanager
def put_off(using: str) -> Iterator[None]:
    """Around a transaction, and what is done on its commit: leave the checkpoint to the next commit of anybody else."""
    connection = connections[using]
    file = database_file(connection)
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


class Log:
    """The log of the database `file`, by a connection that stays open from one checkpoint to the next: to open one takes as long as to write a short log."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def write(self) -> None:
        """Write what is in the log into the database, as far as nobody reads there; others read and write meanwhile. Never fails.

        Goes on until no commit has come in between, if it can: the next one then begins the log anew, and none has to wait for the disk for that.
        """
        try:
            connection = self._connection = self._connection or self._opened()
            before = 0
            for _ in range(ROUNDS):
                [(_, pages, _)] = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # of the log by now
                if pages == before:
                    break
                before = pages
        except sqlite3.Error as error:
            logger.debug("no checkpoint of %s: %s", self._file, error)
            self.close()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(self._file)}?mode=rw", uri=True)
        try:
            connection.execute("PRAGMA schema_version").fetchall()  # it has to read before it knows of the log
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Let go of the database; the next `write` opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def checkpoint(file: str) -> None:
    """Write what is in the log of the database `file` into it, see `Log.write`."""
    # On a connection of its own: a request may have closed the one before, and its thread may be gone.
    with contextlib.closing(Log(file)) as log:
        log.write()
