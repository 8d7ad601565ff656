"""One process at a time prepares a site, whichever host it is on: a lock that ends with its holder."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from goby_site import paths

PREPARING = 0x60B_0001
"""The number of the advisory lock in PostgreSQL."""
WAIT_SECONDS = 0.5


@contextlib.contextmanager
def one_prepares(wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock; `wait` is called first if another process has it."""
    with (_in_postgresql if connection.vendor == "postgresql" else _in_file)(wait):
        yield


@contextlib.contextmanager
def _in_postgresql(wait: Callable[[], None]) -> Iterator[None]:
    # A connection and a transaction of its own: migrations end theirs, and a pooler may give each transaction another server.
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        waits = False
        # Asked, not waited for: an index that is made concurrently waits for every statement that runs.
        while not _try_lock(own):
            if not waits:
                wait()
            waits = True
            time.sleep(WAIT_SECONDS)
        yield
    finally:
        own.close()


def _try_lock(own: BaseDatabaseWrapper) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PREPARING])
        row = cursor.fetchone()
    return bool(row and row[0])


@contextlib.contextmanager
def _in_file(wait: Callable[[], None]) -> Iterator[None]:
    """SQLite serves one machine."""
    path = paths.var_dir() / "prepare.lock"
    paths.make_private(path)
    with path.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
