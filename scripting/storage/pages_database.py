"""The replica from which pages may read (SCRIPTING_PAGES_DATABASE): how far it is behind, and a router that reads there where it was asked to.

Nothing of ours is ever written there, and whoever does not ask reads the database that is written.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from scripting import clock
from scripting.conf import conf

APP = "scripting"
SPARED_SECONDS = 5.0
"""A replica that is unavailable is not tried again for so long: each page would wait for it."""

_reading: ContextVar[str] = ContextVar("reading", default="")


class PagesRouter:
    """For DATABASE_ROUTERS, before those of the site; `configure` adds it."""

    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        return _reading.get() or None if model._meta.app_label == APP else None

    def db_for_write(self, model: Any, instance: Any = None, **_hints: Any) -> str | None:
        """A row that was read from the replica is saved where all are."""
        replica = conf.SCRIPTING_PAGES_DATABASE
        return DEFAULT_DB_ALIAS if replica and instance is not None and instance._state.db == replica else None

    def allow_relation(self, one: Any, other: Any, **_hints: Any) -> bool | None:
        both = {DEFAULT_DB_ALIAS, conf.SCRIPTING_PAGES_DATABASE}
        return True if both >= {one._state.db, other._state.db} else None

    def allow_migrate(self, db: str, _app: str, **_hints: Any) -> bool | None:
        return False if db == conf.SCRIPTING_PAGES_DATABASE else None


@contextlib.contextmanager
def reading_from(alias: str) -> Iterator[None]:
    """Within it our tables are read in the database of this alias; empty: where they are written."""
    token = _reading.set(alias)
    try:
        yield
    finally:
        _reading.reset(token)


@dataclass(frozen=True)
class Source:
    """Where a page reads."""

    alias: str = ""
    """Empty: where all is written."""
    as_of: datetime | None = None
    """Every change up to then is seen."""
    behind: float = 0.0
    """Seconds."""
    instead: str = ""
    """Why the replica is not read, though there is one."""


PRIMARY = Source()
_spared_until = float("-inf")
_written: deque[tuple[float, int]] = deque(maxlen=64)
"""Moments (monotonic seconds), and how far the log of the database had been written then. Several threads add to it."""


def choose() -> Source:
    """The replica, where it answers and is not too far behind."""
    alias = conf.SCRIPTING_PAGES_DATABASE
    if not alias:
        return PRIMARY
    if time.monotonic() < _spared_until:
        return Source(instead=UNAVAILABLE)
    try:
        behind = _behind(alias)
    except (DatabaseError, InterfaceError):
        return unavailable()
    if behind > conf.SCRIPTING_PAGES_MAX_LAG:
        return Source(instead=f"The replica for pages is {behind:.0f} s behind, so this page reads the main database.")
    return Source(alias, datetime.fromtimestamp(clock.seconds() - behind, UTC), behind)


UNAVAILABLE = "The replica for pages is unavailable, so this page reads the main database."


def unavailable() -> Source:
    """Read the main database for some seconds, without asking the replica."""
    global _spared_until
    _spared_until = time.monotonic() + SPARED_SECONDS
    with contextlib.suppress(DatabaseError, InterfaceError):
        connections[conf.SCRIPTING_PAGES_DATABASE].close()
    return Source(instead=UNAVAILABLE)


def _behind(alias: str) -> float:
    """Seconds by which the replica is behind at the most: it has all that the main database's log held then. Raises database errors."""
    replica, now = connections[alias], time.monotonic()
    if replica.vendor != "postgresql":
        return 0.0
    written = None
    with contextlib.suppress(DatabaseError, InterfaceError):  # pages that need nothing else go on without it
        written = _asked(DEFAULT_DB_ALIAS, "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint")[0]
        _written.append((now, written))
    replayed, last = _asked(
        alias,
        "SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, "
        "extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float",
    )
    if replayed is None:  # it is no replica, but a database that is written
        return 0.0
    seen = [now - at for at, reached in tuple(_written) if reached <= replayed]
    return max(0.0, min([*seen, float("inf") if last is None else last]))


def _asked(alias: str, query: str) -> tuple[Any, ...]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return tuple(cursor.fetchone())
