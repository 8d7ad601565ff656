"""The battles of one commit are read once and written once, and no outcome sees the difference."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from scripting.modules.calls import CallContext, EffectRefused, Outcome
from scripting.modules.installed import modules
from tests.wargame.conftest import Duel
from tests.wargame.table import VERSION
from wargame.models import BattleLogEntry, Game
from wargame.unit_of_work import UnitOfWork, around

pytestmark = pytest.mark.django_db


def context(duel: Duel, topic: str, script: str, payload: dict[str, Any], work: object = None) -> CallContext:
    return CallContext(
        "wargame", script, "", topic, payload, key=duel.game.key, depth=2, publish=print, unit_of_work=work
    )


def damage(duel: Duel, amount: int, work: object = None) -> CallContext:
    return context(duel, "wargame.event.damage", "event_processor", duel.damage(amount, cause="attack"), work)


def apply(call: CallContext, result: Any = None) -> None:
    outcome = Outcome(call, result or {"processed": True}, "succeeded", "primary", VERSION, "")
    modules.get("wargame").apply(outcome)


def health(duel: Duel) -> int:
    duel.squad.refresh_from_db()
    return duel.squad.health


def test_each_outcome_acts_on_what_those_before_it_left_and_the_rows_follow_at_the_end(duel: Duel) -> None:
    amounts = (10, 20, 5, 3)  # so many entries are copied by PostgreSQL
    calls = [damage(duel, amount) for amount in amounts]
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        with around(calls) as work:
            for amount in amounts:
                apply(damage(duel, amount, work))
            inside = health(duel)
        many = len(asked)
    [of_unit] = [one["sql"] for one in asked if 'UPDATE "wargame_unit"' in one["sql"]]
    assert "4 times" not in of_unit  # the four hits at one unit are written as one
    assert inside == 80
    assert health(duel) == 42
    entries = BattleLogEntry.objects.order_by("sequence")
    assert list(entries.values_list("sequence", "before", "after")) == [
        (1, 80, 70),
        (2, 70, 50),
        (3, 50, 45),
        (4, 45, 42),
    ]
    assert entries[2].board == {"phase": "movement", "units": {duel.squad.code: [45, 3, 1]}, "scores": {"harbour": 35}}
    assert Game.objects.get().sequence == 4
    duel.harbour.refresh_from_db()
    assert duel.harbour.score == 38
    assert many < 40


def test_two_units_that_move_one_behind_the_other_never_meet_in_a_hex(duel: Duel) -> None:
    follower = duel.add(duel.harbour, "infantry", 0, 1)
    with transaction.atomic():
        work = UnitOfWork()
        work.read([duel.game.pk])
        for unit, cell in ((duel.tank, "1,2"), (follower, "1,1"), (duel.tank, "2,1")):
            order = duel.action("move", (int(cell[0]), int(cell[2]))) | {"unitID": unit.code}
            call = context(duel, "wargame.action", "event_processor", order, work)
            apply(call, {"requires_validation": True, "valid": True})
        work.write()
    follower.refresh_from_db()
    assert (follower.x, follower.y) == (1, 1)


def test_nothing_is_written_once_an_outcome_was_refused(duel: Duel) -> None:
    def commit() -> None:
        with transaction.atomic(), around([damage(duel, 10)]) as work:
            apply(damage(duel, 10, work))
            apply(damage(duel, 10, work), {"damage": "much"})

    with pytest.raises(EffectRefused):
        commit()
    assert health(duel) == 80
    assert not BattleLogEntry.objects.exists()
