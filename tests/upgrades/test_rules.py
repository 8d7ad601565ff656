"""Each rule on one migration of one operation: the sentence that it finds."""

from __future__ import annotations

import pytest
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Q

from scripting.storage.concurrent_indexes import AddIndexConcurrently
from tests.upgrades.rules import faults

pytestmark = pytest.mark.once

INDEX = models.Index(fields=["state"], name="by_state")


def schema() -> ProjectState:
    """An execution with a name of forty letters, a state that may be missing and a mark that the database fills."""
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=40)),
        ("state", models.CharField(max_length=8, null=True)),
        ("mark", models.IntegerField(db_default=0)),
    ]
    state.add_model(ModelState("scripting", "Execution", fields))
    state.add_model(ModelState("scripting", "Script", fields))
    return state


def said(*operations: Operation, atomic: bool = True) -> str:
    migration = migrations.Migration("0099_next", "scripting")
    migration.operations, migration.atomic = list(operations), atomic
    return "\n".join(faults(migration, schema(), schema()))


def add(field: models.Field, model: str = "script") -> Operation:
    return migrations.AddField(model, "added", field)


def alter(name: str, field: models.Field) -> Operation:
    return migrations.AlterField("execution", name, field)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (add(models.IntegerField(default=0)), "without it; give it db_default"),
        (add(models.CharField(max_length=8, null=True, unique=True)), "make it unique a release later"),
        (add(models.IntegerField(db_default=0, db_index=True), "execution"), "its index locks a big table"),
        (add(models.ForeignKey("scripting.Script", models.CASCADE, null=True), "execution"), "its index locks"),
        (alter("state", models.CharField(max_length=8)), "writes NULL into it"),
        (alter("mark", models.IntegerField()), "relies on the default in the database"),
        (alter("mark", models.TextField(db_default="")), "expects the old type"),
        (alter("name", models.CharField(max_length=20)), "longer texts"),
        (alter("name", models.CharField(max_length=40, unique=True)), "a value twice"),
        (migrations.RemoveField("execution", "name"), "a release later"),
        (migrations.RenameField("execution", "name", "title"), "does not know the new name"),
        (migrations.RenameModel("Execution", "Run"), "does not know the new name"),
        (migrations.DeleteModel("Execution"), "uses the table"),
        (migrations.AddIndex("execution", INDEX), "use AddIndexConcurrently"),
        (AddIndexConcurrently("execution", INDEX), "write atomic = False"),
        (
            migrations.AddConstraint("script", models.CheckConstraint(condition=Q(mark=0), name="zero")),
            "what the constraint refuses",
        ),
        (
            migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("execution", "name")]),
            "new code writes rows without it",
        ),
        (
            migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("execution", "name")]),
            "the last release reads the column",
        ),
    ],
)
def test_what_a_process_of_the_last_release_does_not_live_through_is_named(operation: Operation, words: str) -> None:
    assert words in said(operation)


@pytest.mark.parametrize(
    "operation",
    [
        add(models.IntegerField(default=0, db_default=0)),
        add(models.IntegerField(null=True)),
        add(models.ManyToManyField("scripting.Script")),
        add(models.ForeignKey("scripting.Script", models.CASCADE, null=True, db_index=False), "execution"),
        alter("name", models.CharField(max_length=80, help_text="Longer.")),
        alter("state", models.CharField(max_length=8, null=True, choices=[("a", "A")])),
        migrations.AddIndex("script", INDEX),
        migrations.RemoveIndex("execution", "by_state"),
        migrations.CreateModel("Fresh", [("id", models.BigAutoField(primary_key=True))]),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("execution", "state")]),
        migrations.RunPython(migrations.RunPython.noop),
    ],
)
def test_what_it_lives_through_is_let_through(operation: Operation) -> None:
    assert said(operation) == ""


def test_an_index_that_locks_nothing_is_let_through_in_a_migration_without_a_transaction() -> None:
    assert said(AddIndexConcurrently("execution", INDEX), atomic=False) == ""


def test_rows_are_changed_in_a_migration_of_their_own() -> None:
    assert "make two migrations of it" in said(
        add(models.IntegerField(null=True)), migrations.RunPython(migrations.RunPython.noop)
    )


def test_a_table_that_the_migration_makes_is_free_of_the_rules() -> None:
    made = migrations.CreateModel("Fresh", [("id", models.BigAutoField(primary_key=True))])
    assert said(made, migrations.AddField("fresh", "kind", models.IntegerField())) == ""
