"""Measures the database's clock, so that `scripting.clock` tells its time: with new connections, and now and then where one is kept."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from scripting import clock
from scripting.models import Execution

logger = logging.getLogger(__name__)

EVERY_NS = 30 * 1_000_000_000
"""Between two measurements of a process."""
WORTH_TELLING = 5.0
"""Seconds that this host's clock is off, from which the log tells."""


def time_of_database() -> datetime:
    """Ask the database's clock; with SQLite that is this host's. Raises database errors."""
    connection = connections[router.db_for_write(Execution)]
    if connection.vendor != "postgresql":
        return datetime.fromtimestamp(time.time(), UTC)
    return datetime.fromtimestamp(_measure(connection) / 1e9, UTC)


def keep_up() -> None:
    """Measure anew where that is due, on the connection that there is; a database that does not answer is met elsewhere."""
    _if_due(connections[router.db_for_write(Execution)])


def _on_connection(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    if connection.alias == router.db_for_write(Execution):
        _if_due(connection)


connection_created.connect(_on_connection, dispatch_uid="scripting.database_clock")


def _if_due(connection: BaseDatabaseWrapper) -> None:
    before = clock.measured()
    if connection.vendor != "postgresql" or (before is not None and clock.steady_ns() - before.at_ns < EVERY_NS):
        return
    try:
        _measure(connection)
    except (DatabaseError, InterfaceError) as error:
        logger.debug("the database's clock is not known now: %s", error)
        return
    ahead = clock.ahead()
    if abs(ahead) >= WORTH_TELLING:
        level = logging.WARNING if before is None else logging.DEBUG
        logger.log(level, "this host's clock is %s the database's, whose time counts", off_by(ahead))


def _measure(connection: BaseDatabaseWrapper) -> int:
    asked = clock.steady_ns()
    with connection.cursor() as cursor:
        cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        (micros,) = cursor.fetchone()
    heard = clock.steady_ns()
    clock.learn(int(micros) * 1000, asked, heard)
    return int(micros) * 1000


def off_by(ahead: float) -> str:
    """In words: `3 d ahead of`, `12 s behind`."""
    size = abs(ahead)
    for name, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= 2 * length:
            return f"{size / length:.0f} {name} {'ahead of' if ahead > 0 else 'behind'}"
    return f"{size:.0f} s {'ahead of' if ahead > 0 else 'behind'}"
