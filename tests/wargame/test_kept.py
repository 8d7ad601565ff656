"""A process goes on from what it keeps of a battle only as long as nobody else wrote it: a commit acts on what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from scripting.modules.calls import CallContext, Outcome
from scripting.modules.installed import modules
from tests.wargame.conftest import Duel
from tests.wargame.table import VERSION
from wargame import kept
from wargame.models import Game, Side, Unit
from wargame.unit_of_work import around

pytestmark = pytest.mark.django_db


def hit(duel: Duel, points: int, *, fails: bool = False) -> int:
    """Commit a hit at the squad: how often its units were read."""
    payload = duel.damage(points, cause="attack")
    call = CallContext("wargame", "event_processor", "", "wargame.event.damage", payload, key=duel.game.key, depth=2)
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        with around([call]) as work:
            acting = call.acting(print, work)
            modules.get("wargame").apply(Outcome(acting, {"processed": True}, "succeeded", "primary", VERSION, ""))
        if fails:
            transaction.set_rollback(True)
    return sum('FROM "wargame_unit"' in one["sql"] for one in asked)


def _fields(unit: Unit) -> dict[str, Any]:
    return {field.attname: getattr(unit, field.attname) for field in Unit._meta.concrete_fields}


def health(duel: Duel) -> int:
    duel.squad.refresh_from_db()
    return duel.squad.health


def test_a_battle_is_read_once_and_goes_on_from_what_the_commit_before_left(duel: Duel) -> None:
    assert [hit(duel, points) for points in (10, 20, 5)] == [1, 0, 0]
    assert health(duel) == 45
    assert list(duel.game.log.order_by("sequence").values_list("before", "after")) == [(80, 70), (70, 50), (50, 45)]  # type: ignore[attr-defined]
    duel.harbour.refresh_from_db()
    assert duel.harbour.score == 35


def hit_by_another_process(duel: Duel, points: int) -> None:
    ours, kept.memory = kept.memory, kept.Memory()
    hit(duel, points)
    kept.memory = ours


def test_what_another_process_wrote_meanwhile_is_read(duel: Duel) -> None:
    hit(duel, 10)
    hit_by_another_process(duel, 20)
    assert hit(duel, 5) == 1
    assert health(duel) == 45


def test_a_battle_that_is_saved_with_an_old_stamp_is_read(duel: Duel) -> None:
    hit(duel, 10)
    old = Game.objects.get(pk=duel.game.pk)
    hit_by_another_process(duel, 20)
    old.sequence = Game.objects.get(pk=old.pk).sequence
    old.save()
    assert hit(duel, 5) == 1
    assert health(duel) == 45


def test_what_was_written_and_taken_back_is_not_believed(duel: Duel) -> None:
    hit(duel, 10)
    hit(duel, 30, fails=True)
    assert hit(duel, 5) == 1
    assert health(duel) == 65


BY_HAND: list[Callable[[Duel], object]] = [
    lambda duel: Unit.objects.filter(pk=duel.squad.pk).update(health=60),
    lambda duel: duel.hurt(duel.squad, 20),
    lambda duel: Unit.objects.bulk_update([Unit(pk=duel.squad.pk, health=60)], ["health"]),
    lambda duel: duel.squad.delete() and Unit.objects.bulk_create([duel.squad]) and duel.hurt(duel.squad, 20),
    lambda duel: (
        Unit.objects.filter(pk=duel.squad.pk).delete()
        and Unit.objects.bulk_create([Unit(**_fields(duel.squad) | {"health": 60})])
    ),
]


@pytest.mark.parametrize("by_hand", BY_HAND)
def test_what_was_changed_by_hand_is_read(duel: Duel, by_hand: Callable[[Duel], object]) -> None:
    Side.objects.filter(pk=duel.harbour.pk).update(score=7)
    hit(duel, 0)
    assert hit(duel, 0) == 0
    by_hand(duel)
    assert hit(duel, 5) == 1
    assert health(duel) == 55
    duel.harbour.refresh_from_db()
    assert duel.harbour.score == 12


def test_what_a_process_of_the_release_before_wrote_is_read(duel: Duel) -> None:
    hit(duel, 10)
    with connection.cursor() as cursor:
        cursor.execute('UPDATE "wargame_unit" SET "health" = 60 WHERE "id" = %s', [duel.squad.pk])
        cursor.execute('UPDATE "wargame_game" SET "sequence" = "sequence" WHERE "id" = %s', [duel.game.pk])
    assert hit(duel, 5) == 1
    assert health(duel) == 55


def test_a_unit_that_is_added_is_seen(duel: Duel) -> None:
    hit(duel, 10)
    Unit.objects.bulk_create([Unit(**_fields(duel.squad) | {"id": None, "code": "new", "health": 0})])
    assert hit(duel, 5) == 1


def test_no_manager_deletes_every_row() -> None:
    assert not hasattr(Unit.objects, "delete")
    assert not hasattr(Side.objects, "delete")


def test_a_stamp_is_another_one_each_time_and_a_number_of_units_is_kept() -> None:
    assert len({kept.new_stamp() for _ in range(1000)}) == 1000
    memory, units = kept.Memory(), dict.fromkeys(map(str, range(kept.MOST_UNITS // 10)))
    rows = kept.Rows({}, {}, units, {})  # type: ignore[arg-type]
    games = [Game(pk=number, stamp=1) for number in range(12)]
    for game in games:
        memory.keep(game, rows)
    assert [game.pk for game in games if memory.find(game)] == list(range(2, 12))
