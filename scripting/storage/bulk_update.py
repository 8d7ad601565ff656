"""Changing many rows at once, each in its own way, and deleting many."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting.storage.bulk_insert import execute_together, preparer
from scripting.storage.straight import as_driver_takes_it, driver

TOGETHER = 1000
"""Rows that one statement names by their keys, at the most."""

Rows = Sequence[dict[str, Any]]
_LENGTH = re.compile(r"\(.*?\)")


def update_rows(model: type[models.Model], rows: Rows) -> None:
    """UPDATE rows given as {attname: value}, each once, found by its primary key; all have the same fields, and none waits for another.

    One statement: PostgreSQL joins the values, SQLite has many parameter sets. Values are those of Python; database constraints hold, model
    validation and signals do not run.
    """
    update_all([(model, rows)])


def update_all(tables: Iterable[tuple[type[models.Model], Rows]]) -> None:
    """`update_rows` for several tables of one database, in this order: PostgreSQL is sent all in one exchange."""
    filled = [(model, rows) for model, rows in tables if rows]
    if not filled:
        return
    connection = connections[router.db_for_write(filled[0][0])]
    straight = driver(connection)
    if straight is None and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            execute_together(connection, cursor, [_together(model, rows, connection.alias) for model, rows in filled])
        return
    for model, rows in filled:
        statement, columns = _prepared(model, rows, connection.alias)
        parameters = list(zip(*columns, strict=True))
        if straight is None:
            with connection.cursor() as cursor:
                cursor.executemany(statement.one, parameters)
        else:
            with connection.wrap_database_errors:
                straight.executemany(as_driver_takes_it(statement.one), parameters)


def _together(model: type[models.Model], rows: Rows, alias: str) -> tuple[str, list[Any]]:
    """The statement of PostgreSQL for these rows, of which each alone would be parsed and planned anew, and its parameters."""
    statement, columns = _prepared(model, rows, alias)
    if len(rows) == 1:
        return statement.one, [column[0] for column in columns]
    return statement.together, list(map(list, columns))


def _prepared(model: type[models.Model], rows: Rows, alias: str) -> tuple[_Statement, list[Sequence[Any]]]:
    """The UPDATE, and its values as the driver takes them, column by column."""
    names = tuple(name for name in rows[0] if name != model._meta.pk.attname)
    statement = _statement(model, alias, names)
    columns: list[Sequence[Any]] = list(zip(*map(itemgetter(*names, model._meta.pk.attname), rows), strict=True))
    for place, prepare in statement.prepared:
        columns[place] = [None if value is None else prepare(value) for value in columns[place]]
    return statement, columns


def delete_rows(model: type[models.Model], keys: Sequence[Any]) -> int:
    """DELETE rows by their primary keys, in one statement for each thousand: how many. Nothing may hang on them; signals do not run.

    A row that another transaction deletes is left to that one, and stays where that one fails: two that find several rows in different
    orders would wait for each other.
    """
    connection = connections[router.db_for_write(model)]
    deleted = 0
    for first in range(0, len(keys), TOGETHER):
        which, some = which_rows(model, keys[first : first + TOGETHER], connection)
        deleted += changed_rows(deletion(model, which, connection), some, connection)
    return deleted


def which_rows(
    model: type[models.Model], keys: Sequence[Any], connection: BaseDatabaseWrapper
) -> tuple[str, list[Any]]:
    """The condition of rows with these primary keys, TOGETHER at the most, and its parameters."""
    prepare = preparer(model._meta.pk, connection)
    some = list(keys if prepare is None else map(prepare, keys))
    key = connection.ops.quote_name(str(model._meta.pk.column))
    if _are_in_a_row(some):
        return f"{key} BETWEEN %s AND %s", [some[0], some[-1]]
    return f"{key} IN ({', '.join(['%s'] * len(some))})", some


def changed_rows(statement: str, parameters: list[Any], connection: BaseDatabaseWrapper) -> int:
    """Execute a statement: how many rows it changed."""
    if straight := driver(connection):
        with connection.wrap_database_errors:
            return straight.execute(as_driver_takes_it(statement), parameters).rowcount
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _are_in_a_row(keys: Sequence[Any]) -> bool:
    """Whether they are all numbers from the first to the last, so that these two say which."""
    return type(keys[0]) is int and keys == list(range(keys[0], keys[0] + len(keys)))


def deletion(model: type[models.Model], which: str, connection: BaseDatabaseWrapper) -> str:
    """DELETE of rows by a condition of theirs; of PostgreSQL those that no other transaction has locked."""
    table = connection.ops.quote_name(model._meta.db_table)
    if connection.vendor == "postgresql":
        free = f"SELECT ctid FROM {table} WHERE {which} FOR UPDATE SKIP LOCKED"  # noqa: S608 - names of our models
        which = f"ctid = ANY(ARRAY({free}))"
    return f"DELETE FROM {table} WHERE {which}"  # noqa: S608 - names of our models


class _Statement(NamedTuple):
    """An UPDATE of certain columns, and by their places the functions that prepare those parameters which no driver takes as they are."""

    one: str
    together: str
    """Of many rows, given as one array for each column; empty where a database knows no arrays."""
    prepared: list[tuple[int, Callable[[Any], Any]]]


@functools.cache
def _statement(model: type[models.Model], alias: str, names: tuple[str, ...]) -> _Statement:
    connection = connections[alias]
    quote = connection.ops.quote_name
    by_name = {field.attname: field for field in model._meta.local_concrete_fields}
    fields = [*(by_name[name] for name in names), model._meta.pk]
    *changed, key = columns = [quote(str(field.column)) for field in fields]
    table = quote(model._meta.db_table)
    one = f"UPDATE {table} SET {', '.join(f'{name} = %s' for name in changed)} WHERE {key} = %s"  # noqa: S608 - names of our models
    together = ""
    if connection.vendor == "postgresql":
        # Without a length: a cast to one cuts what is longer, which the column refuses.
        arrays = ", ".join(f"%s::{_LENGTH.sub('', str(field.db_type(connection)))}[]" for field in fields)
        set_to = ", ".join(f"{name} = given.{name}" for name in changed)
        given = f"unnest({arrays}) AS given({', '.join(columns)})"
        together = f"UPDATE {table} SET {set_to} FROM {given} WHERE {table}.{key} = given.{key}"  # noqa: S608 - the same
    preparers = (preparer(field, connection) for field in fields)
    return _Statement(one, together, [(n, prepare) for n, prepare in enumerate(preparers) if prepare is not None])
