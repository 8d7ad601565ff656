"""Outages of a test's database, and a worker that is stopped by a signal: what tests and drills do to running workers."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from django.db import connection


def open_transactions() -> int:
    """Those of others in this database, as PostgreSQL tells them."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND {others}")
        return int(cursor.fetchone()[0])


def stop_outside_a_transaction(signal_it: Callable[[int], None]) -> None:
    """The locks stay with whoever is stopped in a transaction, and nobody could go on."""
    while True:
        signal_it(signal.SIGSTOP)
        if connection.vendor == "postgresql":
            if not open_transactions():
                return
            signal_it(signal.SIGCONT)
            continue
        try:
            with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0.3)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.rollback()
                return
        except sqlite3.OperationalError:
            signal_it(signal.SIGCONT)


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody else can write: SQLite's lock is held; PostgreSQL throws everybody out and lets nobody in."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    name = connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid != pg_backend_pid()",
            [name],
        )
        connection.close()
        try:
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@contextmanager
def standby() -> Iterator[None]:
    """PostgreSQL takes no writes, as after a failover to a server that is not promoted yet."""
    name = connection.settings_dict["NAME"]
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid != pg_backend_pid()"
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        cursor.execute(others, [name])
        try:
            yield
        finally:
            connection.close()
            cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            cursor.execute(others, [name])
