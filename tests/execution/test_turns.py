"""Commits on SQLite: one after the other, without the pauses that SQLite makes between two looks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from scripting.storage import turns
from scripting.storage.turns import turn


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "database_file", lambda _using: str(tmp_path / "goby.sqlite3"))


@pytest.mark.usefixtures("lock")
def test_who_waits_for_a_commit_goes_on_when_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_SECONDS", 60.0)  # however busy the machine
    entered = threading.Event()

    def commit() -> None:
        with turn(connection):
            entered.set()

    with turn(connection) as end_turn:
        second = threading.Thread(target=commit)
        second.start()
        assert not entered.wait(0.05)
        end_turn()
        assert entered.wait(10)
    second.join()


@pytest.mark.usefixtures("lock")
def test_a_commit_whose_process_was_stopped_keeps_the_others_a_quarter_of_a_second_only() -> None:
    with turn(connection), turn(connection):
        pass


@pytest.mark.django_db(transaction=True)
def test_on_sqlite_a_commit_takes_its_turn_unless_it_is_in_a_transaction_already() -> None:
    file = turns.database_file(connection)
    assert file == (str(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else "")
    with transaction.atomic():
        assert turns.database_file(connection) == ""
