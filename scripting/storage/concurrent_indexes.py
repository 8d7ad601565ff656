"""Indexes on tables that are written meanwhile: on PostgreSQL built without a lock, elsewhere as usual."""

from __future__ import annotations

from typing import Any

from django.db import NotSupportedError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState


class AddIndexConcurrently(AddIndex):
    """AddIndex for a big table, in a migration with `atomic = False`. Repeats a building that was broken off.

    Django's own (`django.contrib.postgres`) knows PostgreSQL alone, and needs its driver on SQLite too.
    """

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        if schema_editor.connection.in_atomic_block:
            raise NotSupportedError(f"write atomic = False in the migration that adds {self.index.name}")
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            name = schema_editor.quote_name(self.index.name)
            schema_editor.execute(
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
            )  # an invalid one, left by a broken-off building
            editor: Any = schema_editor
            editor.add_index(model, self.index, concurrently=True)

    def describe(self) -> str:
        return f"{super().describe()}, without a lock"
