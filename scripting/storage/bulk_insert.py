"""Writing many rows at once, faster than the ORM builds objects for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields import NOT_PROVIDED


def insert_rows(model: type[models.Model], rows: Sequence[dict[str, Any]]) -> None:
    """INSERT rows given as {attname: value}; fields left out take their defaults. One statement, many parameter sets.

    Values are those of Python (datetime, UUID, bytes). Database constraints hold; model validation and signals do not run.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    sql, columns = _statement(model, connection.alias)
    parameters = [
        [prepare(row[name]) if name in row else default() for name, prepare, default in columns] for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, parameters)


@functools.cache
def _statement(
    model: type[models.Model], alias: str
) -> tuple[str, list[tuple[str, Callable[[Any], Any], Callable[[], Any]]]]:
    """The statement, and per column its name, how to adapt a value, and what to write where there is none."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    columns = []
    names = []
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        names.append(quote(str(field.column)))
        columns.append((field.attname, _preparer(field, connection), _default(field, connection)))
    marks = ", ".join(["%s"] * len(names))
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names of our models
    return sql, columns


def _preparer(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    """As `get_db_prep_save`, for a value known to be of the field's own type."""
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    if isinstance(target, (models.CharField, models.TextField, models.IntegerField, models.BooleanField)):
        return _as_it_is
    if isinstance(target, models.UUIDField):
        native = connection.features.has_native_uuid_field
        return _as_it_is if native else lambda value: None if value is None else value.hex
    if isinstance(target, models.BinaryField):
        binary = connection.Database.Binary  # type: ignore[attr-defined]  # every backend names its driver so
        return lambda value: None if value is None else binary(value)
    if isinstance(target, models.DateTimeField):
        adapt = connection.ops.adapt_datetimefield_value
        if connection.vendor != "sqlite" or connection.timezone_name != "UTC":
            return adapt
        return lambda value: str(value.replace(tzinfo=None)) if value and value.tzinfo is UTC else adapt(value)
    return lambda value: target.get_db_prep_save(value, connection)


def _as_it_is(value: Any) -> Any:
    return value


def _default(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[], Any]:
    if field.default is NOT_PROVIDED and field.null:
        return lambda: None
    if callable(field.default):
        return lambda: field.get_db_prep_save(field.get_default(), connection)
    constant = field.get_db_prep_save(field.get_default(), connection)
    return lambda: constant
