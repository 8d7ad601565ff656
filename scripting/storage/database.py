"""Whether the database takes writes: what its errors mean, a proof by writing, and a word for the log at the beginning and the end."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time

import redis
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, router, transaction
from django.db.migrations.loader import MigrationLoader

from scripting.models import OutboxEvent
from scripting.storage.redis_client import briefly, key, redis_client

logger = logging.getLogger(__name__)

_SQLITE = frozenset({3, 5, 6, 7, 8, 10, 11, 13, 14, 15, 26})
"""PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB."""
_POSTGRESQL = ("08", "25006", "53", "57P", "58", "XX")
"""Beginnings of codes: connection lost, read-only, no resources (a full disk), shutting down, system error, damaged."""
_NO_TABLE = ("42P01", "42703")
"""PostgreSQL has no such table, no such column."""
_NO_TABLE_WORDS = ("no such table", "no such column", "has no column named")
"""SQLite says the same in its messages alone: it has no code for it."""
_PROOF_BYTES = 32 << 10
"""More than the room that is left in a page: what is written must find new ones."""
_FLAG_MS = 5_000
"""How long a refusal that one process met counts for all."""
_SAY_SECONDS = 60.0
QUIET_SECONDS = 3.0
"""Without a failure until an outage is taken to be over."""


def refuses(error: BaseException | None) -> bool:
    """Whether the error says of the database, not of what was to be written, that nothing can be written now."""
    while error is not None:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _SQLITE:
            return True
        state = getattr(error, "sqlstate", None)
        if state is not None and state.startswith(_POSTGRESQL):
            return True
        error = error.__cause__
    return False


def is_unavailable(error: BaseException | None) -> bool:
    """Whether a request failed since the database refuses work, or cannot be reached: then asking again later helps."""
    while error is not None:
        if refuses(error):
            return True
        if isinstance(error, (OperationalError, InterfaceError)) and not _is_answer(error.__cause__):
            return True
        error = error.__cause__
    return False


def is_about_tables(error: BaseException | None) -> bool:
    """Whether the error says that a table or a column is not there."""
    while error is not None:
        if getattr(error, "sqlstate", None) in _NO_TABLE:
            return True
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR and any(
            w in str(error) for w in _NO_TABLE_WORDS
        ):
            return True
        error = error.__cause__
    return False


def _is_answer(error: BaseException | None) -> bool:
    """Whether a driver's error is what a database said; without a code nothing answered."""
    return any(getattr(error, code, None) is not None for code in ("sqlite_errorcode", "sqlstate"))


def close_dead_connections() -> None:
    """Close this thread's connections that died while it waited, and keep the others: the next statement opens a new one."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
            connection.close()


def prove_write() -> None:
    """Write some pages and take them back. Raises database errors."""
    alias = router.db_for_write(OutboxEvent)
    with transaction.atomic(using=alias):
        OutboxEvent.objects.using(alias).create(topic="readiness", envelope=os.urandom(_PROOF_BYTES))
        transaction.set_rollback(True, using=alias)


def lacking_migrations() -> list[str]:
    """Names of the newest migrations that this code has and the database has not. A database that is ahead lacks none."""
    loader = MigrationLoader(connections[DEFAULT_DB_ALIAS])
    return [f"{app}.{name}" for app, name in loader.graph.leaf_nodes() if (app, name) not in loader.applied_migrations]


def refused_lately() -> bool:
    """Whether some process met a refusal within the last seconds. Raises redis.RedisError."""
    return bool(redis_client().exists(_flag()))


def _flag() -> str:
    return key("storage", "refused")


class Outage:
    """One for each thing that may be unavailable: the log tells of its beginning, then counts, then of its end."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._failures = 0
        self._began = self._said = self._failed = 0.0
        self._lock = threading.Lock()

    def note(self, error: BaseException | str) -> None:
        """It failed again."""
        with self._lock:
            now = time.monotonic()
            self._failures += 1
            self._failed = now
            failures, is_first = self._failures, self._failures == 1
            is_due = is_first or now - self._said > _SAY_SECONDS
            if is_first:
                self._began = now
            if is_due:
                self._said = now
        if is_first:
            logger.warning("%s is unavailable, events wait: %s", self.what, error)
        elif is_due:
            logger.warning(
                "%s is unavailable still, %d failures in %.0f s: %s", self.what, failures, now - self._began, error
            )

    def over(self) -> bool:
        """It works, perhaps again: a full disk may take a little now and then, so that this is told after some seconds only.

        Whether nothing is left to be told.
        """
        if not self._failures:
            return True
        if time.monotonic() - self._failed < QUIET_SECONDS:
            return False
        with self._lock:
            failures, self._failures = self._failures, 0
            seconds = time.monotonic() - self._began
        if failures:
            logger.warning("%s is available again after %d failures in %.0f s", self.what, failures, seconds)
        return True


class DatabaseOutage(Outage):
    """Tells the other processes too, which may not write much."""

    def note_here(self, error: BaseException | str) -> None:
        """It failed again for this process, which may be the only one that does not reach it."""
        super().note(error)

    def note(self, error: BaseException | str) -> None:
        self.note_here(error)
        with contextlib.suppress(redis.RedisError), briefly():
            redis_client().set(_flag(), "1", px=_FLAG_MS)


outage = DatabaseOutage("the database")
