"""Empties the database after a test that committed: as Django's flush does, without making what is there already anew.

Django empties every table and then makes content types and permissions again, some 50 ms a test. Hardly a test touches those:
the two tables stay, and only where their rows are not those of the migrations does Django's own way run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase

KEPT = ("contenttypes.ContentType", "auth.Permission")


Rows = tuple[list[tuple[Any, ...]], ...]


def kept_rows() -> Rows:
    """What stands in the tables that stay."""
    return tuple(list(apps.get_model(name)._default_manager.order_by("pk").values_list()) for name in KEPT)


def empty_the_rest() -> None:
    """Delete the rows of every other table of a model."""
    kept = {apps.get_model(name)._meta.db_table for name in KEPT}
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - kept)
    if connection.vendor == "postgresql":
        # TRUNCATE makes a new file for each table; the role is that of replication, which leaves foreign keys unchecked.
        # All in one message: each to the server and back costs more than emptying an empty table.
        names = map(connection.ops.quote_name, tables)
        begin = "SET LOCAL session_replication_role = replica"
        statements = ["; ".join([begin, *(f"DELETE FROM {name}" for name in names)])]
    else:
        statements = connection.ops.sql_flush(no_style(), tables)
    connection.ops.execute_sql_flush(statements)


@contextmanager
def quickly(migrated: Rows) -> Iterator[None]:
    """Within it, tests that committed are followed by this emptying; `migrated` are the rows that the migrations left."""
    full = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    expected = migrated

    def teardown(case: TransactionTestCase) -> None:
        nonlocal expected
        if kept_rows() == expected:
            empty_the_rest()
        else:
            full(case)
            expected = kept_rows()  # made anew, with other numbers

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
    try:
        yield
    finally:
        TransactionTestCase._fixture_teardown = full  # type: ignore[attr-defined]
