"""A battle with two units facing each other, and a table to play on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.wargame.table import Table
from wargame.kinds import KINDS
from wargame.maps import BattleMap
from wargame.models import Game, Side, Unit

PLAIN = BattleMap("Test field", ("........", "........", "....~...", "........"))


@dataclass
class Duel:
    """`tank` of Harbour at 1,1 and `squad` of Ridge at 3,1, two hexes apart."""

    game: Game
    harbour: Side
    ridge: Side
    tank: Unit
    squad: Unit

    def add(self, side: Side, kind: str, x: int, y: int, **fields: int) -> Unit:
        return add_unit(self.game, side, kind, x, y, **fields)

    def log(self, *kinds: str) -> list[str]:
        entries = self.game.log.order_by("sequence")  # type: ignore[attr-defined]
        return [entry.text for entry in entries if not kinds or entry.kind in kinds]


def add_unit(game: Game, side: Side, kind: str, x: int, y: int, **fields: int) -> Unit:
    number = Unit.objects.filter(side=side, kind=kind).count() + 1
    full = KINDS[kind].max_health
    return Unit.objects.create(
        game=game,
        side=side,
        code=f"{side.key}-{kind}-{number}",
        name=f"{side.name} {KINDS[kind].label} {number}",
        kind=kind,
        x=x,
        y=y,
        **{"health": full, "max_health": full, **fields},
    )


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def duel(db: None) -> Duel:
    game = Game.objects.create(map_name=PLAIN.name, terrain=PLAIN.text, seed=7)
    harbour = Side.objects.create(game=game, key="harbour", name="Harbour")
    ridge = Side.objects.create(game=game, key="ridge", name="Ridge")
    return Duel(game, harbour, ridge, add_unit(game, harbour, "armour", 1, 1), add_unit(game, ridge, "infantry", 3, 1))
