"""Every migration runs under processes of the last release: each keeps the rules, and the database takes that release's rows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import ForeignKey

from tests.upgrades.releases import BEFORE_THE_FIRST, LAST_RELEASE
from tests.upgrades.rules import faults

OURS = tuple(LAST_RELEASE)


@functools.cache
def loader() -> MigrationLoader:
    """Every migration by itself, also those that a new site does not run."""
    return MigrationLoader(None, replace_migrations=False)


def leaves() -> list[tuple[str, str]]:
    """The newest of each app, reached by single migrations."""
    graph = loader().graph
    return [node for node in graph.leaf_nodes() if not graph.nodes[node].replaces]


@functools.cache
def released() -> ProjectState:
    """The schema of the last release. States are only ever changed in order: to make one of each migration takes minutes."""
    return _state_after(list(LAST_RELEASE.items()))


def _plan(nodes: list[tuple[str, str]]) -> list[Migration]:
    graph = loader().graph
    return [graph.nodes[node] for node in graph._generate_plan(nodes, at_end=True)]


def _state_after(nodes: list[tuple[str, str]]) -> ProjectState:
    state = ProjectState(real_apps=loader().unmigrated_apps)
    for each in _plan(nodes):
        state = each.mutate_state(state, preserve=False)
    return state


def found() -> dict[tuple[str, str], list[str]]:
    """The faults of our migrations, by migration."""
    wrong: dict[tuple[str, str], list[str]] = {}
    state = ProjectState(real_apps=loader().unmigrated_apps)
    for each in _plan(leaves()):
        if each.app_label in OURS and (said := list(faults(each, state, released()))):
            wrong[each.app_label, each.name] = said
        state = each.mutate_state(state, preserve=False)
    return wrong


@pytest.mark.once
def test_every_migration_can_be_applied_under_processes_of_the_last_release() -> None:
    wrong = found()
    assert {node: each for node, each in wrong.items() if node not in BEFORE_THE_FIRST} == {}
    assert wrong.keys() == BEFORE_THE_FIRST, "an exception that is none"


def _of_a_new_site() -> dict[str, str]:
    """The migrations by which a new site gets the tables of the last release."""
    replaced = {node: key for key, each in MigrationLoader(None).replacements.items() for node in each.replaces}
    return dict(replaced.get(node, node) for node in LAST_RELEASE.items())


@pytest.mark.once
def test_a_new_site_begins_with_the_models_that_the_single_migrations_lead_to() -> None:
    assert _of_a_new_site() != LAST_RELEASE
    state = MigrationLoader(None).project_state(list(_of_a_new_site().items()))
    for key in released().models.keys() | state.models.keys():
        assert state.models.get(key) == released().models.get(key), key


@pytest.mark.slow
@pytest.mark.once
def test_a_new_site_has_the_tables_that_the_single_migrations_make(tmp_path: Path, django_db_blocker: Any) -> None:
    def tables(file: Path, nodes: dict[str, str], of: Callable[[Any], MigrationLoader]) -> list[str]:
        database = DatabaseWrapper(connection.settings_dict | {"NAME": str(file)})
        default, connections["default"] = connections["default"], database  # which a migration's code asks
        try:
            executor = MigrationExecutor(database)
            executor.loader = of(database)
            executor.migrate(list(nodes.items()))
            with database.cursor() as cursor:
                cursor.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
                return sorted(sql for (sql,) in cursor.fetchall())
        finally:
            connections["default"] = default
            database.close()

    with django_db_blocker.unblock():
        single = tables(tmp_path / "single", LAST_RELEASE, lambda to: MigrationLoader(to, replace_migrations=False))
        assert len(single) > 100
        assert tables(tmp_path / "new", _of_a_new_site(), MigrationLoader) == single


@pytest.mark.slow
@pytest.mark.django_db
def test_the_database_takes_rows_with_the_columns_of_the_last_release_alone() -> None:
    for (app, _), model in sorted(released().models.items()):
        if app in OURS:
            _takes_rows_of(model)


def _takes_rows_of(model: ModelState) -> None:
    table = model.options.get("db_table") or f"{model.app_label}_{model.name.lower()}"
    with connection.cursor() as cursor:
        columns = {column.name: column for column in connection.introspection.get_table_description(cursor, table)}
    known = {
        field.db_column or (f"{name}_id" if isinstance(field, ForeignKey) else name): field
        for name, field in model.fields.items()
        if not field.many_to_many
    }
    assert known.keys() <= columns.keys(), f"{table} lacks columns that the last release reads"
    needed = {name for name, column in columns.items() if not column.null_ok and column.default is None}
    assert needed <= known.keys(), f"{table} has columns that the last release does not write"
    forbidden = {name for name, field in known.items() if field.null and not columns[name].null_ok}
    assert not forbidden, f"{table} refuses a NULL that the last release writes"
