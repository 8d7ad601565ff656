"""A commit that begins with what this process keeps of its battles writes it only where they are still the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from scripting.modules.calls import CallContext, Outcome, OutOfDate
from scripting.modules.installed import modules
from tests.wargame.conftest import Duel
from tests.wargame.table import VERSION
from tests.wargame.test_kept import BY_HAND, health, hit, hit_by_another_process
from wargame import kept, rows, unit_of_work
from wargame.models import BattleLogEntry, Game, Side
from wargame.play.turns import advance

pytestmark = pytest.mark.django_db


def hit_of(duel: Duel, points: int, key: str | None = None) -> CallContext:
    payload = duel.damage(points, cause="attack")
    if key is not None:
        payload.pop("gameID")
    named = duel.game.key if key is None else key
    return CallContext("wargame", "event_processor", "", "wargame.event.damage", payload, key=named, depth=2)


def nowhere(*_: object, **__: object) -> None:
    """Where the follow-ups of these hits go."""


def take(call: CallContext, work: unit_of_work.WorkAhead) -> None:
    modules.get("wargame").apply(
        Outcome(call.acting(nowhere, work), {"processed": True}, "succeeded", "primary", VERSION, "")
    )


def hit_ahead(duel: Duel, *points: int, meanwhile: Callable[[], object] = lambda: None) -> bool:
    """Whether the hits were written as they were taken."""
    calls = [hit_of(duel, each) for each in points]
    with CaptureQueriesContext(connection) as asked:
        work = unit_of_work.ahead(calls)
        assert work is not None
        for call in calls:
            take(call, work)
    assert len(asked) == 0
    meanwhile()
    try:
        with transaction.atomic():
            work.write()
    except OutOfDate:
        return False
    return True


def entries(duel: Duel) -> list[Any]:
    return list(BattleLogEntry.objects.filter(game=duel.game).order_by("sequence").values_list("before", "after"))


def test_hits_are_taken_without_a_statement_and_written_like_any_other(duel: Duel) -> None:
    hit(duel, 10)
    assert hit_ahead(duel, 20, 5)
    assert hit_ahead(duel, 3)
    assert health(duel) == 42
    assert entries(duel) == [(80, 70), (70, 50), (50, 45), (45, 42)]
    duel.harbour.refresh_from_db()
    assert duel.harbour.score == 38
    assert Game.objects.get().sequence == 4
    assert hit(duel, 2) == 0  # it goes on from what was kept
    assert health(duel) == 40


def test_what_is_kept_of_a_battle_is_what_its_row_has(duel: Duel) -> None:
    def is_kept() -> bool:
        latest = kept.memory.latest(duel.game.pk)
        return latest is not None and latest[0] == Game.objects.values_list(*kept.COLUMNS).get(pk=duel.game.pk)

    hit(duel, 10)
    assert is_kept()
    with transaction.atomic():
        table = rows.locked(duel.game)
        rows.write(table, advance(table.battle))
    assert is_kept()
    assert hit_ahead(duel, 70)
    assert is_kept()
    assert not Game.objects.running().exists()


def ended(duel: Duel) -> None:
    Game.objects.get(pk=duel.game.pk).finish(duel.harbour, "it was enough")


CHANGES = [*BY_HAND, ended, lambda duel: hit_by_another_process(duel, 20)]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_written_once_the_battle_is_another_one(duel: Duel, change: Callable[[Duel], object]) -> None:
    Side.objects.filter(pk=duel.harbour.pk).update(score=7)
    hit(duel, 0)
    assert not hit_ahead(duel, 10, meanwhile=lambda: change(duel))
    stored = health(duel), entries(duel)
    assert not hit_ahead(duel, 10)  # nor is it believed the next time
    assert (health(duel), entries(duel)) == stored


def test_what_was_written_and_taken_back_is_not_believed(duel: Duel) -> None:
    hit(duel, 10)
    hit(duel, 30, fails=True)
    assert not hit_ahead(duel, 5)
    hit(duel, 5)
    assert hit_ahead(duel, 5)
    assert health(duel) == 60


def test_a_battle_that_is_not_kept_is_read_inside_the_transaction(duel: Duel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "memory", kept.Memory())
    assert unit_of_work.ahead([hit_of(duel, 10)]) is None
    hit(duel, 10)
    assert unit_of_work.ahead([hit_of(duel, 10), hit_of(duel, 10, key="7000")]) is None


@pytest.mark.parametrize("key", ["", "7000"])
def test_an_event_that_names_another_battle_or_none_ends_it(duel: Duel, key: str) -> None:
    hit(duel, 10)
    work = unit_of_work.ahead([hit_of(duel, 10)])
    assert work is not None
    with pytest.raises(OutOfDate):
        take(hit_of(duel, 10, key=key), work)
