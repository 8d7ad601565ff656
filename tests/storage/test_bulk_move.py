"""Rows go from one table into another whole, in their order and once, and only those that are named."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from scripting import clock
from scripting.models import LoneCommit, ReceiptLink, uuid7
from scripting.models.lone_commits import LINK, LINK_CONSTANTS
from scripting.storage import bulk_move
from scripting.storage.bulk_move import move_rows
from tests.support.arena import make_script

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = {**{name: name for name in LINK}, "first": "execution", "last": "execution"}


@pytest.fixture
def waiting() -> list[LoneCommit]:
    """Five rows, each unlike the others."""
    script, chain = make_script("result = 1\n"), uuid7()
    return [
        LoneCommit.objects.create(
            script=script,
            start=clock.now().replace(second=0, microsecond=0),
            outcome="succeeded",
            wall_us=1,
            cpu_us=1,
            module="arena",
            chain=chain,
            number=number,
            **{name: os.urandom(32) for name in ("previous", "digest", "salt", "digests", "rows_digest")},
            execution=uuid7(),
            made_at=clock.now(),
        )
        for number in range(1, 6)
    ]


def move(rows: list[LoneCommit]) -> int:
    with transaction.atomic():
        return move_rows(LoneCommit, ReceiptLink, [row.pk for row in rows], COLUMNS, LINK_CONSTANTS)


def values(row: Any, columns: Any) -> list[Any]:
    return [bytes(value) if isinstance(value := getattr(row, name), memoryview) else value for name in columns]


@pytest.mark.parametrize("at_once", [2, 1000])
@pytest.mark.parametrize("some", [slice(1, 4), slice(0, 5, 2)], ids=["in a row", "with others between"])
def test_rows_are_moved_whole_and_in_their_order(
    waiting: list[LoneCommit], some: slice, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_move, "TOGETHER", at_once)
    assert move(waiting[some]) == len(waiting[some])
    moved = list(ReceiptLink.objects.order_by("pk"))
    assert [values(row, COLUMNS) for row in moved] == [values(row, COLUMNS.values()) for row in waiting[some]]
    for row in moved:
        assert {name: values(row, [name])[0] for name in LINK_CONSTANTS} == LINK_CONSTANTS
    assert set(LoneCommit.objects.all()) == set(waiting) - set(waiting[some])


def test_where_one_has_no_room_all_stay(waiting: list[LoneCommit]) -> None:
    move(waiting[2:3])
    waiting[2].save(force_insert=True)
    with pytest.raises(IntegrityError):
        move(waiting)
    assert (LoneCommit.objects.count(), ReceiptLink.objects.count()) == (5, 1)


def test_rows_that_are_gone_are_not_counted(waiting: list[LoneCommit]) -> None:
    move(waiting[:2])
    assert move(waiting) == 3
    assert list(ReceiptLink.objects.order_by("pk").values_list("number", flat=True)) == [1, 2, 3, 4, 5]


def test_rows_that_another_transaction_moves_are_left_to_it(waiting: list[LoneCommit]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    moved, end = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            move(waiting[:2])
            moved.set()
            end.wait(30)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert moved.wait(30)
        assert move(waiting) == 3
    finally:
        end.set()
        thread.join()
    assert sorted(ReceiptLink.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert not LoneCommit.objects.exists()
