"""The way straight to SQLite's driver, for statements of ours that are asked again and again: it spares each the steps of Django's cursor."""

from __future__ import annotations

import sqlite3

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper


def driver(connection: BaseDatabaseWrapper) -> sqlite3.Connection | None:
    """The driver's own connection, for use within its `wrap_database_errors`; None where statements go by Django's cursor.

    Only in a transaction, which looks after all that a cursor of Django's would look after, and where nobody listens to those: no log of
    statements, no tracing. Statements are written as the driver takes them (`?`).
    """
    if connection.vendor != "sqlite" or not connection.in_atomic_block or is_heard(connection):
        return None
    connection.validate_no_broken_transaction()
    return connection.connection  # type: ignore[no-any-return]


def is_heard(connection: BaseDatabaseWrapper) -> bool:
    """Whether somebody listens to the statements that go by Django's cursor: its `queries_logged`, without the detour to the setting."""
    debug = object.__getattribute__(settings, "_wrapped").DEBUG
    return bool(connection.execute_wrappers or connection.force_debug_cursor or debug)


def as_driver_takes_it(sql: str) -> str:
    """A statement as Django writes it, `%s` for each parameter, as SQLite's driver takes it. It holds no text of its own."""
    return sql.replace("%s", "?")
