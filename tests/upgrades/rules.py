"""Rules that a migration keeps so that processes of the last release run on while, and after, it is applied.

Those processes write rows with the columns that they know, read every one of these columns, and wait for no lock for long.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.db.migrations import operations
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED, Field

from scripting.storage.concurrent_indexes import AddIndexConcurrently

BIG = frozenset(
    {
        ("scripting", "execution"),
        ("scripting", "attempt"),
        ("scripting", "outboxevent"),
        ("scripting", "receiptlink"),
        ("scripting", "statdelta"),
        ("scripting", "executionstat"),
        ("scripting", "errordelta"),
        ("wargame", "battlelogentry"),
    }
)
"""Tables with rows for each event: an index on them is built for minutes."""
HARMLESS = (
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.AlterModelTableComment,
    operations.RemoveIndex,
    operations.RemoveConstraint,
    operations.RenameIndex,
)


def faults(migration: Migration, before: ProjectState, released: ProjectState) -> Iterator[str]:
    """One sentence for each thing in `migration` that a process of the `released` schema does not live through."""
    made = {o.name_lower for o in migration.operations if isinstance(o, operations.CreateModel)}
    old = [o for o in migration.operations if _table(o) not in made]
    data = [o for o in old if isinstance(o, operations.RunPython | operations.RunSQL)]
    changes = [o for o in old if not isinstance(o, (operations.RunPython, operations.RunSQL, *HARMLESS))]
    if data and changes:
        yield "changes rows and tables at once: the tables stay locked meanwhile; make two migrations of it"
    for operation in old:
        yield from _faults(operation, migration, before, released)


def _faults(operation: Operation, migration: Migration, before: ProjectState, released: ProjectState) -> Iterator[str]:
    table = (migration.app_label, _table(operation))
    place = f"{type(operation).__name__} {table[1]}.{getattr(operation, 'name', '')}"
    match operation:
        case operations.SeparateDatabaseAndState():
            for each in operation.database_operations:
                yield from _faults(each, migration, before, released)
            for each in operation.state_operations:
                if isinstance(each, operations.RemoveField):
                    yield from _forgotten(each, migration.app_label, before)
        case operations.AddField():
            yield from (f"{place}: {fault}" for fault in _added(operation.field, table))
        case operations.AlterField():
            field = before.models[table].fields[operation.name]
            yield from (f"{place}: {fault}" for fault in _altered(field, operation.field))
        case operations.RemoveField():
            if _is_released(released, table, operation.name):
                yield f"{place}: the last release reads the column; take it from the state now, from the table a release later"
        case operations.DeleteModel():
            if table in released.models:
                yield f"{place}: the last release uses the table; delete it a release later"
        case AddIndexConcurrently():
            if migration.atomic:
                yield f"{place}: write atomic = False, or PostgreSQL cannot build it concurrently"
        case operations.AddIndex():
            if table in BIG:
                yield f"{place}: locks a big table while it is built; use AddIndexConcurrently"
        case operations.AddConstraint():
            yield f"{place}: the last release may write what the constraint refuses; add it once no process does"
        case operations.RunPython() | operations.RunSQL() | operations.CreateModel():
            pass
        case _ if isinstance(operation, HARMLESS):
            pass
        case _:
            yield f"{place}: the last release does not know the new name, or no rule knows this operation"


def _table(operation: Operation) -> str:
    return str(getattr(operation, "model_name_lower", getattr(operation, "name_lower", "")))


def _is_released(released: ProjectState, table: tuple[str, str], field: str) -> bool:
    return table in released.models and field in released.models[table].fields


def _is_written_by_the_database(field: Field) -> bool:
    return field.null or field.many_to_many or field.db_default is not NOT_PROVIDED


def _added(field: Field, table: tuple[str, str]) -> Iterator[str]:
    if not _is_written_by_the_database(field):
        yield "the last release writes rows without it; give it db_default, or null"
    if field.unique:
        yield "rows of the last release all have the same value in it; make it unique a release later"
    if table in BIG and not field.many_to_many and (field.db_index or field.unique):
        yield "its index locks a big table while it is built; db_index=False, and AddIndexConcurrently if it is needed"


def _altered(old: Field, new: Field) -> Iterator[str]:
    if old.null and not new.null:
        yield "the last release writes NULL into it; forbid that a release later"
    if old.db_default is not NOT_PROVIDED and new.db_default is NOT_PROVIDED and not new.null:
        yield "the last release relies on the default in the database; keep it for a release"
    if old.get_internal_type() != new.get_internal_type() or old.db_column != new.db_column:
        yield "the table is written anew and the last release expects the old type; add another column"
    if new.max_length is not None and (old.max_length is None or new.max_length < old.max_length):
        yield "the last release writes longer texts into it"
    if new.unique and not old.unique:
        yield "the last release may write a value twice; make it unique a release later"


def _forgotten(operation: operations.RemoveField, app: str, before: ProjectState) -> Iterator[str]:
    """A column that stays in the table though the code no longer knows it: its rows are written without it."""
    field: models.Field = before.models[app, operation.model_name_lower].fields[operation.name]
    if not _is_written_by_the_database(field):
        yield f"{operation.model_name_lower}.{operation.name}: new code writes rows without it; alter it to null or db_default first"
