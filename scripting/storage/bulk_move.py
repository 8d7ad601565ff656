"""Moving rows from one table into another without reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting.storage.bulk_insert import preparer
from scripting.storage.bulk_update import TOGETHER, changed_rows, deletion, which_rows


def move_rows(
    source: type[models.Model],
    target: type[models.Model],
    keys: Sequence[Any],
    columns: Mapping[str, str],
    constants: Mapping[str, Any],
) -> int:
    """INSERT into `target` what rows of `source` with these primary keys hold, in their order, and DELETE those: how many.

    `columns` names the columns of `source` by those of `target` that they become, `constants` has the values of all others but the
    primary key, which the database gives. Only in a transaction: rows that another one has taken are left to it, see `delete_rows`.
    """
    connection = connections[router.db_for_write(target)]
    quote = connection.ops.quote_name
    key, table = quote(str(source._meta.pk.column)), quote(source._meta.db_table)
    from_, to = _fields(source), _fields(target)
    into = ", ".join(quote(str(to[name].column)) for name in (*columns, *constants))
    values = ", ".join([*(quote(str(from_[name].column)) for name in columns.values()), *["%s"] * len(constants)])
    given = [_prepared(to[name], value, connection) for name, value in constants.items()]
    insertion = f"INSERT INTO {quote(target._meta.db_table)} ({into}) SELECT {values} FROM"
    moved = 0
    for first in range(0, len(keys), TOGETHER):
        which, some = which_rows(source, keys[first : first + TOGETHER], connection)
        gone = deletion(source, which, connection)
        if connection.vendor == "postgresql":
            together = f"WITH gone AS ({gone} RETURNING *) {insertion} gone ORDER BY {key}"
            moved += changed_rows(together, [*some, *given], connection)
        else:
            changed_rows(f"{insertion} {table} WHERE {which} ORDER BY {key}", [*given, *some], connection)
            moved += changed_rows(gone, some, connection)
    return moved


def _fields(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    return {field.attname: field for field in model._meta.local_concrete_fields}


def _prepared(field: models.Field[Any, Any], value: Any, connection: BaseDatabaseWrapper) -> Any:
    prepare = preparer(field, connection)
    return value if value is None or prepare is None else prepare(value)
