"""Writing many rows at once, faster than the ORM builds objects for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import UTC
from operator import attrgetter, itemgetter
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields import NOT_PROVIDED

COPIED = 4
"""Rows from which PostgreSQL takes them by COPY: one exchange more, and much less for each row."""
COPIED_BYTES = 2048
"""Bytes of one value from which it does so for fewer: they would travel as hexadecimal text of SQL, to be parsed."""


def insert_rows(model: type[models.Model], rows: Sequence[dict[str, Any]]) -> None:
    """INSERT rows given as {attname: value}; fields left out take their defaults. One statement, many parameter sets; PostgreSQL copies.

    Values are those of Python (datetime, UUID, bytes). Database constraints hold; model validation and signals do not run.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    statement = _statement(model, connection.alias)
    columns = statement.columns(rows)
    with connection.cursor() as cursor:
        if statement.copy is None or not _pays(columns):
            sql, columns = statement.insert(columns)
            cursor.executemany(sql, list(zip(*columns, strict=True)))
        else:
            # Of what Django wraps around a driver's cursor, a copy misses the log of statements alone.
            with connection.wrap_database_errors, cursor.cursor.copy(statement.copy) as copy:
                copy.set_types(statement.types)
                for values in zip(*columns, strict=True):
                    copy.write_row(values)


Columns = list[Sequence[Any]]
"""The values of all rows, column by column."""


def _pays(columns: Columns) -> bool:
    """Whether one exchange more is less than what COPY spares."""
    return len(columns[0]) >= COPIED or any(
        type(value) is bytes and len(value) >= COPIED_BYTES for column in columns for value in column
    )


class _Statement:
    """An INSERT of one table, and how to make its parameters of rows."""

    def __init__(self, model: type[models.Model], connection: BaseDatabaseWrapper) -> None:
        quote = connection.ops.quote_name
        fields = [field for field in model._meta.local_concrete_fields if not isinstance(field, models.AutoField)]
        names = ", ".join(quote(str(field.column)) for field in fields)
        self._into = f"INSERT INTO {quote(model._meta.db_table)} ({names})"
        self._of_nothing: dict[type, str] = {}
        if connection.vendor == "sqlite":
            self._of_nothing = {type(None): "NULL", str: "''", bytes: "x''", int: "0", bool: "0"}
        """How SQLite writes nothing of each type. Its driver looks for somebody who adapts each None, bytes and bool, row by row."""
        self._sql = functools.lru_cache(maxsize=128)(self._with)
        self.copy = None
        # Django takes psycopg2 as well, which copies in another way.
        if connection.vendor == "postgresql" and connection.Database.__name__ == "psycopg":  # type: ignore[attr-defined]
            self.copy = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN (FORMAT BINARY)"
        self.types = [str(field.db_type(connection)).partition("(")[0] for field in fields]
        self._values = itemgetter(*(field.attname for field in fields))
        self._prepared = [
            (place, prepare)
            for place, field in enumerate(fields)
            if (prepare := _preparer(field, connection)) is not None
        ]
        """Only of columns whose values the driver does not take as they are."""
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
        for place, prepare in self._prepared:
            columns[place] = [None if value is None else prepare(value) for value in columns[place]]
        return columns

    def _of(self, row: dict[str, Any]) -> tuple[Any, ...]:
        try:
            values: tuple[Any, ...] = self._values(row)
        except KeyError:
            made = {name: make() for name, make in self._made if name not in row}
            values = self._values({**self._defaults, **made, **row})
        return values

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
        return f"{self._into} VALUES ({', '.join(text or '%s' for text in written)})"


@functools.cache
def _statement(model: type[models.Model], alias: str) -> _Statement:
    return _Statement(model, connections[alias])


def _preparer(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[Any], Any] | None:
    """As `get_db_prep_save`, for a value known to be of the field's own type and not None; None where it goes as it is."""
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    # Both drivers take bytes: `Binary` would wrap them in vain.
    as_it_is = (models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.BinaryField)
    if isinstance(target, as_it_is):
        return None
    if isinstance(target, models.UUIDField):
        return None if connection.features.has_native_uuid_field else _hex
    if isinstance(target, models.DateTimeField):
        adapt = connection.ops.adapt_datetimefield_value
        if connection.vendor == "sqlite" and connection.timezone_name == "UTC":
            return lambda value: value.isoformat(" ")[:-6] if value.tzinfo is UTC else adapt(value)
        return None if connection.vendor == "postgresql" else adapt
    if isinstance(target, models.DateField):
        return {"sqlite": str, "postgresql": None}.get(connection.vendor, connection.ops.adapt_datefield_value)
    return lambda value: target.get_db_prep_save(value, connection)


_hex = attrgetter("hex")
