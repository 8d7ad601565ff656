"""Changing many rows at once, each in its own way, and deleting many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from django.db import connections, models, router

from scripting.storage.bulk_insert import preparer
from scripting.storage.straight import as_driver_takes_it, driver


def update_rows(model: type[models.Model], rows: Sequence[dict[str, Any]]) -> None:
    """UPDATE rows given as {attname: value}, one after the other, each found by its primary key; all have the same fields.

    One statement, many parameter sets. Values are those of Python; database constraints hold, model validation and signals do not run.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    names = tuple(name for name in rows[0] if name != model._meta.pk.attname)
    prepared, sql = _statement(model, connection.alias, names)
    values = itemgetter(*names, model._meta.pk.attname)
    columns: list[Sequence[Any]] = list(zip(*map(values, rows), strict=True))
    for place, prepare in prepared:
        columns[place] = [None if value is None else prepare(value) for value in columns[place]]
    parameters = list(zip(*columns, strict=True))
    if straight := driver(connection):
        with connection.wrap_database_errors:
            straight.executemany(as_driver_takes_it(sql), parameters)
        return
    with connection.cursor() as cursor:
        cursor.executemany(sql, parameters)


def delete_rows(model: type[models.Model], keys: Sequence[Any]) -> None:
    """DELETE rows by their primary keys, in one statement for each thousand. Nothing may hang on them; signals do not run.

    A row that another transaction deletes is left to that one, and stays where that one fails: two that find several rows in different
    orders would wait for each other.
    """
    connection = connections[router.db_for_write(model)]
    pk, table = model._meta.pk, connection.ops.quote_name(model._meta.db_table)
    for first in range(0, len(keys), 1000):
        some = [pk.get_db_prep_value(key, connection) for key in keys[first : first + 1000]]
        where = f"{connection.ops.quote_name(str(pk.column))} IN ({', '.join(['%s'] * len(some))})"
        if connection.vendor == "postgresql":
            free = f"SELECT ctid FROM {table} WHERE {where} FOR UPDATE SKIP LOCKED"  # noqa: S608 - names of our models
            where = f"ctid = ANY(ARRAY({free}))"
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE {where}", some)  # noqa: S608 - names of our models


@functools.cache
def _statement(
    model: type[models.Model], alias: str, names: tuple[str, ...]
) -> tuple[list[tuple[int, Callable[[Any], Any]]], str]:
    """The UPDATE, and by their places the functions that prepare those parameters which no driver takes as they are."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    by_name = {field.attname: field for field in model._meta.local_concrete_fields}
    key = model._meta.pk
    set_to = ", ".join(f"{quote(str(by_name[name].column))} = %s" for name in names)
    table = quote(model._meta.db_table)
    sql = f"UPDATE {table} SET {set_to} WHERE {quote(str(key.column))} = %s"  # noqa: S608 - names of our models
    preparers = (preparer(field, connection) for field in (*(by_name[name] for name in names), key))
    return [(place, prepare) for place, prepare in enumerate(preparers) if prepare is not None], sql
