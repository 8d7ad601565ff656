"""Empties the database after a test that committed: as Django's flush does, without making what is there already anew.

Django empties every table and then makes content types and permissions again, some 50 ms a test. Hardly a test touches those:
the two tables stay, and only where their rows are not those of the migrations does Django's own way run.

The connection stays too: a new one costs PostgreSQL 20 ms of computing, since it reads anew what each table is like.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, connections
from django.test import TransactionTestCase

KEPT = ("contenttypes.ContentType", "auth.Permission")


Rows = tuple[list[tuple[Any, ...]], ...]


def kept_rows() -> Rows:
    """The rows of the tables that stay."""
    found = []
    with connection.cursor() as cursor:  # after each such test: models would cost ten times as much
        for table in map(table_of, KEPT):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY id")
            found.append(cursor.fetchall())
    return tuple(found)


def table_of(model: str) -> str:
    """The model's table."""
    return apps.get_model(model)._meta.db_table


@cache
def tables() -> list[str]:
    """Every table of a model but those that stay."""
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(found) - set(map(table_of, KEPT)))


def empty_the_rest() -> None:
    """Delete the rows of every other table of a model."""
    if connection.vendor == "postgresql":
        # TRUNCATE makes a new file for each table; the role is that of replication, which leaves foreign keys unchecked.
        # All in one message: each to the server and back costs more than emptying an empty table.
        names = map(connection.ops.quote_name, tables())
        begin = "SET LOCAL session_replication_role = replica"
        statements = ["; ".join([begin, *(f"DELETE FROM {name}" for name in names)])]
    else:
        statements = connection.ops.sql_flush(no_style(), tables())
    connection.ops.execute_sql_flush(statements)


def is_as_new() -> bool:
    """Whether the next test finds the connections as if they were new: no transaction open, no lock held, each setting as at first."""
    if any(each.in_atomic_block or not each.get_autocommit() for each in connections.all(initialized_only=True)):
        return False
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"RESET ALL; SET TIME ZONE '{connection.timezone_name}'; SELECT pg_advisory_unlock_all()")
    return True


@contextmanager
def quickly(migrated: Rows) -> Iterator[None]:
    """Within it, tests that committed are followed by this emptying; `migrated` are the rows that the migrations left."""
    full, reload = TransactionTestCase._fixture_teardown, TransactionTestCase._should_reload_connections  # type: ignore[attr-defined]
    expected = migrated

    def teardown(case: TransactionTestCase) -> None:
        nonlocal expected
        if kept_rows() == expected:
            empty_the_rest()
        else:
            full(case)
            expected = kept_rows()  # made anew, with other numbers

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
    TransactionTestCase._should_reload_connections = lambda _: not is_as_new()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        TransactionTestCase._fixture_teardown = full  # type: ignore[attr-defined]
        TransactionTestCase._should_reload_connections = reload  # type: ignore[attr-defined]
