"""A transaction of ours is Django's `atomic`, whichever way it begins and ends: shorter on a plain connection to SQLite, whole elsewhere."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from scripting.models import OutboxEvent
from scripting.models.rollups import StatDelta
from scripting.storage import transactions, turns
from scripting.storage.transactions import writing
from scripting.storage.turns import turn

pytestmark = pytest.mark.django_db(transaction=True)

FLAGS = (
    *("in_atomic_block", "autocommit", "needs_rollback", "commit_on_exit", "closed_in_transaction"),
    *("errors_occurred", "run_commit_hooks_on_set_autocommit_on"),
)
LISTS = ("savepoint_ids", "run_on_commit", "atomic_blocks")


def state() -> list[Any]:
    assert connection.connection is not None
    in_transaction = connection.connection.in_transaction if connection.vendor == "sqlite" else None
    found = [getattr(connection, name) for name in FLAGS] + [len(getattr(connection, name)) for name in LISTS]
    return [*found, in_transaction]


def write(topic: str) -> None:
    OutboxEvent.objects.create(topic=topic, envelope=b"")


def topics() -> list[str]:
    return sorted(OutboxEvent.objects.values_list("topic", flat=True))


class Wrong(Exception):
    pass


def well() -> None:
    write("a")


def badly() -> None:
    write("a")
    raise Wrong


def marked() -> None:
    write("a")
    transaction.set_rollback(True)


def with_a_savepoint() -> None:
    write("a")
    with suppress(Wrong), transaction.atomic():
        badly()


def against_a_constraint() -> None:
    """SQLite and PostgreSQL tell of it at the commit alone."""
    StatDelta.objects.create(script_id=987_654, start="2026-01-01 00:00Z")


def closed() -> None:
    write("a")
    connection.close()


@contextmanager
def atomic(using: str) -> Iterator[None]:
    """With the hook by which `writing` gives its turn back where it goes Django's way."""
    with transaction.atomic(using):
        if connection.vendor != "sqlite":
            connection.on_commit(lambda: None)
        yield


@pytest.mark.parametrize("does", [well, badly, marked, with_a_savepoint, against_a_constraint, closed])
def test_a_connection_is_left_as_by_atomic(does: Callable[[], None]) -> None:
    seen: list[list[Any]] = []
    for block in (atomic, writing):
        topics()  # so that it is connected
        told: list[Any] = [state()]
        try:
            with block("default"):
                told.append(state())
                connection.on_commit(lambda told=told: told.append(("hook", connection.in_atomic_block)))  # type: ignore[misc]
                does()
        except (Wrong, IntegrityError) as error:
            told.append(type(error))
        told.append(topics())
        told.append(state())
        seen.append(told)
        OutboxEvent.objects.all().delete()
    assert seen[0] == seen[1]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the short way is SQLite's")
def test_a_plain_connection_to_sqlite_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    topics()
    began: list[str] = []
    real = transactions._begin

    def begin(connection: Any) -> None:
        began.append("short")
        real(connection)

    monkeypatch.setattr(transactions, "_begin", begin)
    with writing("default"):
        write("a")
    with transaction.atomic(), writing("default"):  # inside another
        write("b")
    with CaptureQueriesContext(connection) as asked, writing("default"):  # somebody listens
        write("c")
    assert [began, topics()] == [["short"], ["a", "b", "c"]]
    assert [asked.captured_queries[place]["sql"] for place in (0, -1)] == ["BEGIN IMMEDIATE", "COMMIT"]


class Interrupted:
    """The driver's connection, which a timeout of a job interrupts before or after it has done this."""

    def __init__(self, real: Any, statement: str, *, is_done: bool) -> None:
        self.real, self.statement, self.is_done = real, statement, is_done

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement != self.statement:
            return self.real.execute(statement, *parameters)
        if self.is_done:
            self.real.execute(statement)
        raise Wrong

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the short way is SQLite's")
@pytest.mark.parametrize(
    ("statement", "is_done", "kept"),
    [("BEGIN IMMEDIATE", False, []), ("BEGIN IMMEDIATE", True, []), ("COMMIT", False, []), ("COMMIT", True, ["a"])],
)
def test_what_is_interrupted_leaves_no_transaction_open_and_no_turn_taken(
    statement: str, is_done: bool, kept: list[str]
) -> None:
    topics()
    before, real = state(), connection.connection
    connection.connection = Interrupted(real, statement, is_done=is_done)
    with pytest.raises(Wrong), writing("default"):
        write("a")
    connection.connection = real
    assert (state(), is_free(), topics()) == (before, True, kept)
    with writing("default"):
        write("b")
    assert topics() == [*kept, "b"]


def test_inside_a_transaction_it_is_a_savepoint() -> None:
    with transaction.atomic():
        write("kept")
        with suppress(Wrong), writing("default"):
            badly()
    assert topics() == ["kept"]


def test_an_event_loop_is_not_held_up_by_it() -> None:
    topics()

    async def main() -> None:
        with writing("default"):
            pass

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(main())
    with writing("default"):
        write("later")
    assert topics() == ["later"]


def test_a_database_that_does_not_begin_leaves_no_turn_taken() -> None:
    topics()
    assert connection.connection is not None
    connection.connection.close()
    with pytest.raises(DatabaseError), writing("default"):
        pass
    connection.close()
    with writing("default"):
        write("again")
    assert topics() == ["again"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite's commits take turns")
def test_a_turn_ends_before_what_follows_the_commit() -> None:
    free: list[bool] = []
    with writing("default"):
        connection.on_commit(lambda: free.append(is_free()))
        free.append(is_free())
    assert free == [False, True]


def is_free() -> bool:
    lock = os.open(f"{connection.settings_dict['NAME']}.turn", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite's commits take turns")
def test_a_forked_child_has_none_of_its_parents_turns() -> None:
    with turn(connection):
        pass
    assert turns._free
    child = os.fork()
    if not child:
        os._exit(len(turns._free))
    assert os.waitpid(child, 0)[1] == 0
    with turn(connection), turn(connection):  # and two at once of one process are two
        pass
