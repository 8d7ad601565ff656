"""Writing many rows at once, faster than the ORM builds objects for them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from functools import partial
from importlib import import_module
from operator import attrgetter, call, itemgetter
from typing import Any

import msgspec
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields import NOT_PROVIDED

from scripting.storage.straight import driver

COPIED = 4
"""Rows from which PostgreSQL takes them by COPY: one exchange more, and much less for each row."""
COPIED_BYTES = 2048
"""Bytes of one value from which it does so for fewer: they would travel as hexadecimal text of SQL, to be parsed."""


Rows = Sequence[dict[str, Any]]
Statements = list[tuple[str, list[Any]]]
"""Each with its parameters."""
Columns = list[Sequence[Any]]
"""The values of all rows, column by column."""


def insert_rows(model: type[models.Model], rows: Rows) -> None:
    """INSERT rows given as {attname: value}; fields left out take their defaults. One statement, many parameter sets; PostgreSQL copies many.

    Values are those of Python (datetime, UUID, bytes). Database constraints hold; model validation and signals do not run.
    """
    insert_all([(model, rows)])


def insert_all(
    tables: Iterable[tuple[type[models.Model], Rows]], connection: BaseDatabaseWrapper | None = None
) -> None:
    """`insert_rows` for several tables of one database, in this order: one cursor for all, and few exchanges; on a connection that is at hand."""
    filled = [(model, rows) for model, rows in tables if rows]
    if not filled:
        return
    if connection is None:
        connection = connections[router.db_for_write(filled[0][0])]
    if straight := driver(connection):
        alias, executemany = connection.alias, straight.executemany
        with connection.wrap_database_errors:
            for model, rows in filled:
                _insert(executemany, _statement(model, alias), rows)
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.cursor.convert_query = _as_it_is
        waiting: Statements = []
        for model, rows in filled:
            statement = _statement(model, connection.alias)
            if statement.copy is None:
                _insert(cursor.executemany, statement, rows)
            elif (columns := _columns_to_copy(statement, rows, waiting)) is not None:
                execute_together(connection, cursor, waiting)
                waiting = []
                _copy(connection, cursor, statement, columns)
        execute_together(connection, cursor, waiting)


def _as_it_is(sql: str, **_: object) -> str:
    """Our statements are written as SQLite's driver takes them: Django looks through each for what it would have to convert."""
    return sql


def _insert(executemany: Callable[[str, list[Any]], Any], statement: _Statement, rows: Rows) -> None:
    if len(rows) == 1:
        sql, values = statement.of_one(rows[0])
        executemany(sql, [values])
        return
    sql, columns = statement.insert(statement.columns(rows))
    executemany(sql, list(zip(*columns, strict=True)))


def _columns_to_copy(statement: _Statement, rows: Rows, waiting: Statements) -> Columns | None:
    """The columns of rows to be copied; None of those that are few, whose INSERTs are put behind those that wait for an exchange."""
    if len(rows) == 1:
        sql, values = statement.of_one(rows[0])
        if not _holds_much(values):
            waiting.append((sql, values))
            return None
    columns = statement.columns(rows)
    if _pays(columns):
        return columns
    sql, columns = statement.insert(columns)
    waiting += [(sql, list(row)) for row in zip(*columns, strict=True)]
    return None


def _copy(connection: BaseDatabaseWrapper, cursor: Any, statement: _Statement, columns: Columns) -> None:
    # Of what Django wraps around a driver's cursor, a copy misses the log of statements alone.
    with connection.wrap_database_errors, cursor.cursor.copy(statement.copy) as copy:
        copy.set_types(statement.types)
        for row in zip(*columns, strict=True):
            copy.write_row(row)


def execute_together(connection: BaseDatabaseWrapper, cursor: Any, statements: Statements) -> None:
    """Several statements of PostgreSQL in one exchange, where the driver puts the parameters into their text itself."""
    if len(statements) < 2 or connection.settings_dict["OPTIONS"].get("server_side_binding") is True:
        for sql, parameters in statements:
            cursor.execute(sql, parameters)
    else:
        cursor.execute("; ".join(sql for sql, _ in statements), [each for _, some in statements for each in some])


def _pays(columns: Columns) -> bool:
    """Whether one exchange more is less than what COPY spares."""
    return len(columns[0]) >= COPIED or any(map(_holds_much, columns))


def _holds_much(values: Sequence[Any]) -> bool:
    return any(type(value) is bytes and len(value) >= COPIED_BYTES for value in values)


class _Statement:
    """An INSERT of one table, and how to make its parameters of rows."""

    def __init__(self, model: type[models.Model], connection: BaseDatabaseWrapper) -> None:
        quote = connection.ops.quote_name
        fields, prepared = [], []
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.AutoField):
                continue
            if (prepare := preparer(field, connection)) is None:
                fields.append(field)
            else:
                prepared.append((field, prepare))
        self._first = len(fields)
        """The place of the first column whose values the driver does not take as they are: all these stand last."""
        self._prepare = [prepare for _, prepare in prepared]
        self._prepare_one = [_or_none(prepare) if field.null else prepare for field, prepare in prepared]
        fields += [field for field, _ in prepared]
        names = ", ".join(quote(str(field.column)) for field in fields)
        self._into = f"INSERT INTO {quote(model._meta.db_table)} ({names})"
        self._of_nothing: dict[type, str] = {}
        if connection.vendor == "sqlite":
            self._of_nothing = {type(None): "NULL", str: "''", bytearray: "x''", int: "0", bool: "0"}
        """How SQLite writes nothing of each type. Its driver looks for somebody who adapts each None and bool, row by row."""
        self._mark = "?" if connection.vendor == "sqlite" else "%s"
        self._sql = functools.lru_cache(maxsize=128)(self._with)
        self._of_any = self._with((None,) * len(fields))
        self.copy = None
        # Django takes psycopg2 as well, which copies in another way.
        if connection.vendor == "postgresql" and connection.Database.__name__ == "psycopg":  # type: ignore[attr-defined]
            self.copy = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN (FORMAT BINARY)"
        self.types = [str(field.db_type(connection)).partition("(")[0] for field in fields]
        self._values = itemgetter(*(field.attname for field in fields))
        self._defaults: dict[str, Any] = {}
        self._made: list[tuple[str, Callable[[], Any]]] = []
        """Columns whose default is another one for each row."""
        for field in fields:
            if callable(field.default) and field.default is not NOT_PROVIDED:
                self._made.append((field.attname, field.get_default))
            else:
                no_value = field.default is NOT_PROVIDED and field.null
                self._defaults[field.attname] = None if no_value else field.get_default()

    def columns(self, rows: Sequence[dict[str, Any]]) -> Columns:
        """The values as the driver takes them."""
        columns: Columns = list(zip(*map(self._of, rows), strict=True))
        for place, prepare in enumerate(self._prepare, self._first):
            columns[place] = [None if value is None else prepare(value) for value in columns[place]]
        return columns

    def _of(self, row: dict[str, Any]) -> tuple[Any, ...]:
        try:
            values: tuple[Any, ...] = self._values(row)
        except KeyError:
            made = {name: make() for name, make in self._made if name not in row}
            values = self._values({**self._defaults, **made, **row})
        return values

    def of_one(self, row: dict[str, Any]) -> tuple[str, list[Any]]:
        """The INSERT of a row alone, and its parameters."""
        values, first = self._of(row), self._first
        return self._of_any, [*values[:first], *map(call, self._prepare_one, values[first:])]

    def insert(self, columns: Columns) -> tuple[str, Columns]:
        """The INSERT, and the columns that are its parameters: those that are empty in all rows stand in its text."""
        written = tuple(map(self._written, columns))
        left = [column for column, text in zip(columns, written, strict=True) if text is None]
        if not left:  # a driver makes a row of each set of parameters
            written, left = (None, *written[1:]), [columns[0]]
        return self._sql(written), left

    def _written(self, column: Sequence[Any]) -> str | None:
        first = column[0]
        if first or (text := self._of_nothing.get(type(first))) is None or column.count(first) < len(column):
            return None
        return text

    def _with(self, written: tuple[str | None, ...]) -> str:
        return f"{self._into} VALUES ({', '.join(text or self._mark for text in written)})"


@functools.cache
def _statement(model: type[models.Model], alias: str) -> _Statement:
    return _Statement(model, connections[alias])


def preparer(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[Any], Any] | None:
    """As `get_db_prep_save`, for a value known to be of the field's own type and not None; None where it goes as it is."""
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    # Both drivers take bytes: `Binary` would wrap them in vain.
    as_it_is = (models.CharField, models.TextField, models.IntegerField, models.BooleanField)
    if isinstance(target, as_it_is):
        return None
    if isinstance(target, models.BinaryField):
        # SQLite's driver looks for somebody who adapts bytes, which takes longer than to copy them.
        return bytearray if connection.vendor == "sqlite" else None
    if isinstance(target, models.UUIDField):
        return None if connection.features.has_native_uuid_field else _hex
    if isinstance(target, models.DateTimeField):
        adapt = connection.ops.adapt_datetimefield_value
        if connection.vendor == "sqlite" and connection.timezone_name == "UTC":
            return lambda value: value.isoformat(" ")[:-6] if value.tzinfo is UTC else adapt(value)
        return None if connection.vendor == "postgresql" else adapt
    if isinstance(target, models.JSONField) and target.encoder is None:
        if connection.vendor == "postgresql":
            return partial(import_module("django.db.backends.postgresql.psycopg_any").Jsonb, dumps=_json)
        return lambda value: _json(value).decode()
    if isinstance(target, models.DateField):
        return {"sqlite": str, "postgresql": None}.get(connection.vendor, connection.ops.adapt_datefield_value)
    return lambda value: target.get_db_prep_save(value, connection)


def _or_none(prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for values of a column that may have none."""
    return lambda value: None if value is None else prepare(value)


def _json(value: Any) -> bytes:
    """As json.dumps at a fifth of its price; that has the last word on what is no plain data, and on NaN and infinities.

    Raises ValueError for these: JSON has none, and the database refuses them where a row is saved alone.
    """
    try:
        text = _encode(value)
        if b"null" not in text or not _NO_NUMBER.search(_pack(value)):  # msgspec's JSON of NaN is null
            return text
    except (TypeError, ValueError, OverflowError):
        pass
    return json.dumps(value, allow_nan=False).encode()


_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
# As msgpack writes NaN and infinities; other values may look so.
_NO_NUMBER = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
_hex = attrgetter("hex")
