"""Every migration runs under processes of the last release: each keeps the rules, and the database takes that release's rows."""

from __future__ import annotations

import functools

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import ForeignKey

from tests.upgrades.releases import BEFORE_THE_FIRST, LAST_RELEASE
from tests.upgrades.rules import faults

OURS = tuple(LAST_RELEASE)


@functools.cache
def loader() -> MigrationLoader:
    return MigrationLoader(None)


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
    for each in _plan(loader().graph.leaf_nodes()):
        if each.app_label in OURS and (said := list(faults(each, state, released()))):
            wrong[each.app_label, each.name] = said
        state = each.mutate_state(state, preserve=False)
    return wrong


@pytest.mark.once
def test_every_migration_can_be_applied_under_processes_of_the_last_release() -> None:
    wrong = found()
    assert {node: each for node, each in wrong.items() if node not in BEFORE_THE_FIRST} == {}
    assert wrong.keys() == BEFORE_THE_FIRST, "an exception that is none"


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
