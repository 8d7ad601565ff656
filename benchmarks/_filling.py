"""Writing a made-up past as fast as a database takes it: nothing waits for the disk, and indexes are made behind the rows.

For databases of a benchmark alone, which nobody else has open.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import BinaryField
from django.db.models.fields import NOT_PROVIDED

from benchmarks._past import COLUMNS, Past, scripts
from scripting.models import ErrorCount, ErrorGroup, Execution, ExecutionStat, ScriptVersion
from scripting.storage.bulk_insert import insert_rows

BATCH = 20_000
"""Rows of one transaction on SQLite."""
A_ROW = timedelta(microseconds=45)
"""About what filling takes: the newest executions are to be new when that is done."""


@dataclass(frozen=True)
class Filled:
    """Time that filling took, and rows that it made."""

    rows_s: float
    """Seconds that the rows took, with what is summed of them."""
    indexes_s: float
    gigabytes: float


def fill(count: int) -> Filled:
    """Write `count` executions up to now, their rollups and error groups, into an empty database."""
    versions = {
        script.pk: list(ScriptVersion.objects.filter(script=script).order_by("pk").values_list("pk", flat=True))
        for script in scripts()
    }
    past = Past(count, versions, datetime.now(UTC) + count * A_ROW)
    postgres = connection.vendor == "postgresql"
    with _careless():
        indexes = [*Execution._meta.constraints, *Execution._meta.indexes]
        with connection.schema_editor(atomic=False) as editor:
            for index in indexes:
                editor.execute(f"DROP INDEX {editor.quote_name(index.name)}")
        started = time.perf_counter()
        (_copy if postgres else _insert)(past.rows())
        with transaction.atomic():
            insert_rows(ExecutionStat, past.rollups())
            insert_rows(ErrorGroup, past.groups())
            insert_rows(ErrorCount, past.hours())
        written = time.perf_counter()
        for index in indexes:
            with connection.schema_editor(atomic=False) as editor:
                editor.execute(index.create_sql(Execution, editor))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE" if postgres else "ANALYZE")
    return Filled(written - started, time.perf_counter() - written, _gigabytes())


def constants() -> dict[str, str]:
    """Defaults, as SQL, of the columns that a past says nothing of."""
    made = {}
    for field in Execution._meta.local_concrete_fields:
        if field.attname in COLUMNS or field.null:
            continue
        default = "" if field.default is NOT_PROVIDED else field.get_default()
        empty = "X''" if isinstance(field, BinaryField) and connection.vendor == "sqlite" else "''"
        made[str(field.column)] = str(default).lower() if isinstance(default, int) else empty
    return made


@contextmanager
def _careless() -> Iterator[None]:
    """Settings of the connection under which a crash may cost the whole database."""
    postgres = connection.vendor == "postgresql"
    quick = (
        # Replicas trust that foreign keys were checked where rows come from.
        ("session_replication_role = replica", "maintenance_work_mem = '512MB'")
        if postgres
        else ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF")
    )
    with connection.cursor() as cursor:
        for each in quick:
            cursor.execute(f"{'SET' if postgres else 'PRAGMA'} {each}")
    yield
    # The next connection has the site's own settings.
    connection.close()


def _insert(rows: Iterable[tuple[Any, ...]]) -> None:
    fixed = constants()
    names = ", ".join(f'"{name}"' for name in (*COLUMNS, *fixed))
    marks = ", ".join([*("?" * len(COLUMNS)), *fixed.values()])
    sql = f"INSERT INTO {Execution._meta.db_table} ({names}) VALUES ({marks})"
    while batch := list(itertools.islice(rows, BATCH)):
        with transaction.atomic():
            connection.connection.executemany(sql, batch)


def _copy(rows: Iterable[tuple[Any, ...]]) -> None:
    table = Execution._meta.db_table
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        for name, value in constants().items():
            cursor.execute(f'ALTER TABLE {table} ALTER "{name}" SET DEFAULT {value}')
        # Rows of a table that was emptied in the same transaction are born visible to everyone.
        cursor.execute(f"TRUNCATE {table} CASCADE")
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FREEZE)") as copy:
            for row in rows:
                copy.write_row(row)
        for name in constants():
            cursor.execute(f'ALTER TABLE {table} ALTER "{name}" DROP DEFAULT')


def _gigabytes() -> float:
    if connection.vendor == "sqlite":
        return Path(connection.settings_dict["NAME"]).stat().st_size / 1e9
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return float(cursor.fetchone()[0]) / 1e9
