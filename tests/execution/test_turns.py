"""Commits on SQLite: one after the other, without the pauses that SQLite makes between two looks."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from scripting.engine import get_engine
from scripting.execution import ledger
from scripting.models import Execution
from scripting.sources.sync import sync
from scripting.storage import bulk_insert, turns
from scripting.storage.turns import turn
from tests.receipts.recorded import DICE, event
from tests.support.game import Game, game

__all__ = ["game"]


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


@pytest.mark.django_db(transaction=True)
def test_the_rows_of_a_commit_are_made_ready_before_its_turn(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    game.ship("dice", DICE)
    sync()
    within: list[bool] = []
    columns = bulk_insert._Statement.columns

    def watched(statement: Any, rows: Any) -> Any:
        if "scripting_execution" in statement._into:
            within.append(connection.in_atomic_block)
        return columns(statement, rows)

    monkeypatch.setattr(bulk_insert._Statement, "columns", watched)
    decisions = [get_engine().decide(event(), Game.name, "dice") for _ in range(5)]
    ledger.commit(decisions[:3])
    assert within == [False]
    ledger.commit(decisions)  # of which three are recorded: what was made ready for five is not what is written
    assert within == [False, False, True]
    events = [decision.run.event.id for decision in decisions if decision.run.event]
    assert list(Execution.objects.order_by("id").values_list("event_id", flat=True)) == events
