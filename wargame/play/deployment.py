"""The beginning of a battle: a map, two armies, and where each unit stands. All of it follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from wargame.hexes import Cell
from wargame.kinds import KINDS
from wargame.maps import MAPS, BattleMap
from wargame.play.state import Battle, Side, Unit
from wargame.play.steps import Draft, Kind, Step

SIDES = (Side("harbour", "Harbour"), Side("ridge", "Ridge"))
ARMY = {"infantry": 3, "scouts": 2, "armour": 2, "artillery": 2, "anti_tank": 2, "engineers": 1}
"""Units of each kind on either side: twelve."""
DEPTH = {"scouts": 4, "infantry": 3, "engineers": 3, "armour": 2, "anti_tank": 2, "artillery": 1}
"""How far from its own edge a kind would like to stand, in columns."""


def deploy(seed: int, *, now: int, key: str = "") -> Step:
    """The battle of this seed, and the first entry of its log."""
    rng = random.Random(seed)
    battle_map = rng.choice(MAPS)
    units = [unit for side in SIDES for unit in _army(side, battle_map, rng)]
    sides, by_code = {side.key: side for side in SIDES}, {unit.code: unit for unit in units}
    draft = Draft(Battle(key, seed, battle_map, sides, by_code, now))
    draft.say(Kind.START, f"The battle begins at {battle_map.name}.")
    return draft.done()


def _army(side: Side, battle_map: BattleMap, rng: random.Random) -> Iterator[Unit]:
    free = {cell for cell, terrain in battle_map.cells() if terrain.cost is not None}
    for kind, count in ARMY.items():
        for number in range(1, count + 1):
            x, y = _place(side.key, kind, free, battle_map, rng)
            free.remove((x, y))
            health = KINDS[kind].max_health
            name = f"{side.name} {KINDS[kind].label} {number}"
            yield Unit(f"{side.key}-{kind}-{number}", name, kind, side.key, health, health, x, y)


def _place(side: str, kind: str, free: set[Cell], battle_map: BattleMap, rng: random.Random) -> Cell:
    """A free hex as near as can be to the column that this kind likes."""
    wanted = DEPTH[kind] if side == SIDES[0].key else battle_map.width - 1 - DEPTH[kind]
    row = rng.randrange(battle_map.height)
    return min(sorted(free), key=lambda cell: (abs(cell[0] - wanted) * 2 + abs(cell[1] - row), cell))
