"""The database itself refuses rows that no game can have."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from wargame.battle import start_battle
from wargame.models import BattleLogEntry, Game, LogKind, Unit
from wargame.play.victory import decided

pytestmark = pytest.mark.django_db


def refused(change: object) -> bool:
    try:
        with transaction.atomic():
            change()  # type: ignore[operator]
    except IntegrityError:
        return True
    return False


def test_health_stays_between_zero_and_its_maximum(duel: Duel) -> None:
    unit = Unit.objects.filter(pk=duel.squad.pk)
    assert refused(lambda: unit.update(health=81))
    assert refused(lambda: unit.update(health=-1))


def test_no_two_living_units_share_a_hex_but_wrecks_do_not_count(duel: Duel) -> None:
    assert refused(lambda: duel.add(duel.ridge, "scouts", 3, 1))
    duel.hurt(duel.squad, 999)
    duel.add(duel.ridge, "scouts", 3, 1)


def test_only_one_demo_battle_runs_at_a_time(duel: Duel) -> None:
    assert refused(lambda: start_battle())
    start_battle(demo=False)
    duel.game.finish(None, "enough")
    start_battle()


def test_a_finished_game_has_an_end(duel: Duel) -> None:
    assert refused(lambda: Game.objects.filter(pk=duel.game.pk).update(status="finished"))


def test_no_two_entries_of_a_battle_have_one_number(duel: Duel) -> None:
    taken = logged(duel.game, LogKind.TURN, "the first").sequence
    assert refused(lambda: BattleLogEntry.objects.create(game=duel.game, sequence=taken, turn=1, kind="turn", text=""))


def test_the_same_seed_deploys_the_same_battle(db: None) -> None:
    def deployed(seed: int) -> list[tuple[str, int, int]]:
        game = start_battle(seed=seed, demo=False)
        return list(game.units.values_list("code", "x", "y"))  # type: ignore[attr-defined]

    assert deployed(5) == deployed(5)
    assert len(deployed(6)) == 24


def test_a_side_that_is_routed_has_lost(duel: Duel) -> None:
    assert decided(duel.battle) is None
    duel.hurt(duel.squad, 61)
    winner, how = decided(duel.battle) or (None, "")
    assert winner == "harbour"
    assert how == "Harbour wins: Ridge is routed"


def test_when_the_turns_are_over_the_stronger_side_wins(duel: Duel) -> None:
    duel.hurt(duel.tank, 10)
    Game.objects.update(turn=31)
    duel.game.refresh_from_db()
    assert (decided(duel.battle) or (None, ""))[0] == "ridge"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"script": "damage_calculator", "version": 3, "origin": "editor", "role": "primary"},
            "damage_calculator v3 · override",
        ),
        (
            {"script": "damage_calculator", "version": 1, "origin": "embedded", "role": "primary"},
            "damage_calculator v1 · default",
        ),
        ({"script": "damage_calculator", "role": "built_in"}, "damage_calculator · built-in rule"),
        (
            {"script": "hit_simulator", "version": 1, "origin": "embedded", "role": "fallback"},
            "hit_simulator v1 · default · fallback",
        ),
        ({}, ""),
    ],
)
def test_an_entry_says_which_version_decided_it(fields: dict[str, object], words: str) -> None:
    assert BattleLogEntry(**fields).decided_by == words
