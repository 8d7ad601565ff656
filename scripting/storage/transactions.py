"""A transaction that writes: Django's `atomic` in its turn, begun and ended by SQLite's driver itself where nobody needs the steps between."""

from __future__ import annotations

import asyncio
from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.transaction import Atomic

from scripting.storage.straight import is_heard
from scripting.storage.turns import turn


class writing(Atomic):  # noqa: N801 - read as a verb: `with writing(database) as connection`
    """`atomic` on the database of this alias, which waits for its `turn` first; gives the connection.

    Inside it savepoints, hooks and further blocks are Django's, and so is how it ends badly. Only to begin a transaction and to commit it takes
    a third of Django's steps on SQLite.
    """

    def __init__(self, using: str) -> None:
        super().__init__(using, savepoint=True, durable=False)
        self._connection = connection = connections[using]
        self._turn = turn(connection)
        self._is_short = False

    def __enter__(self) -> BaseDatabaseWrapper:  # type: ignore[override] # `atomic` gives nothing
        connection = self._connection
        end_turn = self._turn.__enter__()
        try:
            self._is_short = _may_be_short(connection)
            if self._is_short:
                _begin(connection)
                connection.atomic_blocks.append(self)
            else:
                super().__enter__()
                connection.on_commit(end_turn)  # what follows a commit is in nobody's way
        except BaseException:  # a timeout of a job comes anywhere
            if self._is_short:
                _undo(connection, self)
            end_turn()
            raise
        return connection

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        connection = self._connection
        try:
            if (
                self._is_short
                and exc_type is None
                and not connection.needs_rollback
                and not connection.closed_in_transaction
            ):
                _commit(connection, self)
                self._turn.__exit__()
                connection.run_and_clear_commit_hooks()
            else:
                super().__exit__(exc_type, exc_value, traceback)
        finally:
            self._turn.__exit__()


def _may_be_short(connection: Any) -> bool:
    """Whether no step that is left out would do anything: a plain connection in autocommit, which nobody listens to, and no event loop."""
    kind: type = type(connection)  # of a class of its own nobody knows the steps
    return (
        kind is DatabaseWrapper
        and connection.connection is not None
        and not connection.in_atomic_block
        and connection.autocommit
        and not connection.health_check_enabled
        and not is_heard(connection)
        and asyncio._get_running_loop() is None
    )


def _begin(connection: Any) -> None:
    """As `Atomic.__enter__` leaves a connection that was in autocommit."""
    mode = connection.transaction_mode
    with connection.wrap_database_errors:
        connection.connection.execute("BEGIN" if mode is None else f"BEGIN {mode}")
    connection.commit_on_exit = True
    connection.needs_rollback = False
    connection.autocommit = False
    connection.in_atomic_block = True


def _commit(connection: Any, block: Atomic) -> None:
    """As `Atomic.__exit__` does it where all went well."""
    try:
        with connection.wrap_database_errors:
            connection.connection.execute("COMMIT")  # remembered; `commit()` has it read anew each time
    except BaseException:
        _undo(connection, block)
        raise
    _leave(connection, block)
    connection.errors_occurred = False


def _leave(connection: Any, block: Atomic) -> None:
    if connection.atomic_blocks and connection.atomic_blocks[-1] is block:
        connection.atomic_blocks.pop()
    connection.in_atomic_block = False
    connection.autocommit = True


def _undo(connection: Any, block: Atomic) -> None:
    """Leave no transaction open, however far it came."""
    _leave(connection, block)
    try:
        connection.rollback()
    except Error:
        connection.close()
