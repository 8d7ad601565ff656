"""The scripts and versions that executions point to cannot be deleted, however one tries: PostgreSQL has triggers for it, SQLite foreign keys."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from scripting import clock
from scripting.models import Attempt, Execution, Script, ScriptVersion
from tests.support import migrated
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

on_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has the constraints themselves")
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has triggers in their place")


@pytest.fixture
def script() -> Script:
    return Script.objects.create(module="arena", name="scorer")


def version_of(script: Script, number: int = 1) -> ScriptVersion:
    return ScriptVersion.objects.create(
        script=script,
        number=number,
        language="python",
        source="",
        sha256=f"{number:064}",
        origin="editor",
        accepted=True,
    )


def execution_of(script: Script, **more: object) -> Execution:
    now = clock.now()
    row = {"script": script, "trigger": "manual", "status": "succeeded", "started_at": now, "finished_at": now}
    return Execution.objects.create(**row | more)  # type: ignore[arg-type]


def delete(row: Script | ScriptVersion) -> None:
    """As nobody should: past the models, which know who points to it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])


def give_other_id(row: ScriptVersion) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE scripting_scriptversion SET id = id + 1000 WHERE id = %s", [row.pk])


def decided(script: Script, version: ScriptVersion) -> None:
    execution_of(script, version=version)


def failed_first(script: Script, version: ScriptVersion) -> None:
    execution_of(script, error_version=version)


def was_tried(script: Script, version: ScriptVersion) -> None:
    Attempt.objects.create(execution=execution_of(script), ordinal=1, version=version)


@on_sqlite
def test_sqlite_has_foreign_keys_in_a_database_as_the_migrations_leave_it(tmp_path: Path) -> None:
    migrated.copy_file(tmp_path / "site.sqlite3")
    with closing(sqlite3.connect(tmp_path / "site.sqlite3")) as database:
        for table, columns in (
            ("scripting_execution", {"script_id", "version_id", "error_version_id"}),
            ("scripting_attempt", {"version_id", "execution_id"}),
        ):
            assert {row[3] for row in database.execute(f"PRAGMA foreign_key_list({table})")} == columns


@on_postgres
@pytest.mark.parametrize("role", [decided, failed_first, was_tried])
@pytest.mark.parametrize("remove", [delete, give_other_id])
def test_a_version_that_played_a_part_stays_as_it_is(
    script: Script, role: Callable[[Script, ScriptVersion], None], remove: Callable[[ScriptVersion], None]
) -> None:
    version = version_of(script)
    role(script, version)
    with pytest.raises(IntegrityError):
        remove(version)
    assert ScriptVersion.objects.get() == version


@on_postgres
def test_a_script_that_ran_stays(script: Script) -> None:
    execution_of(script)
    with pytest.raises(IntegrityError):
        delete(script)
    assert Script.objects.get() == script


@on_postgres
def test_what_never_ran_can_be_deleted(script: Script) -> None:
    ran, never = version_of(script), version_of(script, 2)
    decided(script, ran)
    delete(never)
    assert ScriptVersion.objects.get() == ran
    other = Script.objects.create(module="arena", name="other")
    delete(other)
    assert Script.objects.get() == script


@on_postgres
def test_who_deletes_waits_for_the_execution_that_is_just_being_written(script: Script) -> None:
    version, refused = version_of(script), []

    def other() -> None:
        try:
            delete(version)
        except IntegrityError as error:
            refused.append(str(error))
        finally:
            connection.close()

    deleting = threading.Thread(target=other)
    with transaction.atomic():
        decided(script, version)
        deleting.start()
        wait_until(lambda: _waiting() == 1, 20, "nobody waits")
    deleting.join(20)
    assert "executions point to row" in refused[0]
    assert "stays as long as they do" in refused[0]


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'scripting_execution'::regclass")
        row: tuple[int] = cursor.fetchone()
    return row[0]


@on_postgres
@pytest.mark.parametrize("path", ["elsewhere, public", "''"])
def test_it_looks_into_the_sites_own_tables_wherever_the_search_path_leads(script: Script, path: str) -> None:
    ran, never = version_of(script), version_of(script, 2)
    decided(script, ran)

    def delete_on_path(version: ScriptVersion) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.scripting_execution ()")
            cursor.execute(f"CREATE TEMP TABLE scripting_attempt () ON COMMIT DROP; SET LOCAL search_path = {path}")
            cursor.execute("DELETE FROM public.scripting_scriptversion WHERE id = %s", [version.pk])
            cursor.execute("DROP SCHEMA elsewhere CASCADE")

    with pytest.raises(IntegrityError, match="executions point to row"):
        delete_on_path(ran)
    delete_on_path(never)
    assert ScriptVersion.objects.get() == ran


@on_postgres
def test_who_goes_back_a_release_has_the_constraints_again() -> None:
    def constraints() -> list[list[str]]:
        with connection.cursor() as cursor:
            return sorted(
                [table, *each["columns"]]
                for table in ("scripting_execution", "scripting_attempt")
                for each in connection.introspection.get_constraints(cursor, table).values()
                if each["foreign_key"]
            )

    def go_to(migration: str) -> None:
        MigrationExecutor(connection).migrate([("scripting", migration)])

    now = constraints()
    assert now == [["scripting_attempt", "execution_id"]]
    try:
        go_to("0043_indexes_that_grow_at_their_end")
        assert constraints() == sorted(
            [
                *now,
                ["scripting_attempt", "version_id"],
                *(["scripting_execution", name] for name in ("error_version_id", "script_id", "version_id")),
            ]
        )
    finally:
        go_to("0044_what_ran_is_kept")
    assert constraints() == now
