"""A battle with two units facing each other, and a table to play on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.wargame.table import Table
from wargame import rows
from wargame.hexes import Cell
from wargame.kinds import KINDS
from wargame.maps import BattleMap
from wargame.models import Game, Side, Unit
from wargame.play import payloads
from wargame.play.state import Battle

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

    @property
    def battle(self) -> Battle:
        """The battle as the rules see it now."""
        return rows.read(self.game).battle

    def action(self, order: str = "attack", target: str | Cell = "ridge-infantry-1") -> dict[str, Any]:
        """An order of the tank as the director gives it."""
        battle = self.battle
        aim = battle.units[target] if isinstance(target, str) else target
        return payloads.action(battle, battle.units[self.tank.code], order, aim)

    def shot(self) -> dict[str, Any]:
        """The tank's shot at the squad."""
        battle = self.battle
        return payloads.shot(battle, battle.units[self.tank.code], battle.units[self.squad.code])

    def damage(self, amount: float, **fields: Any) -> dict[str, Any]:
        """Damage that the tank does to the squad."""
        battle = self.battle
        return payloads.damage(battle, battle.units[self.tank.code], battle.units[self.squad.code], amount, **fields)

    def hurt(self, unit: Unit, points: int) -> None:
        unit.health -= min(points, unit.health)
        unit.save()

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
