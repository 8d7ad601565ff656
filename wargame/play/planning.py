"""Orders of the two sides to their units: simple generals, so that the scripts have something to decide."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from wargame import hexes
from wargame.hexes import Cell
from wargame.maps import BattleMap
from wargame.play.state import Battle, Unit

COVER_LIKED = {"forest": 0.6, "town": 0.8, "hill": 0.4}
"""How many hexes of way a general would go for a unit to end its move in such ground."""


@dataclass(frozen=True)
class Order:
    """`action` is `attack` with a unit or `move` with a cell as target."""

    unit: Unit
    action: str
    target: Unit | Cell


def moves(battle: Battle) -> list[Order]:
    """The moves of this turn's movement phase, none to a hex that another takes. Units with a target in range stay."""
    units = battle.living()
    taken = {unit.cell for unit in units}
    orders = []
    for unit in in_order(battle):
        if unit.moved_turn >= battle.turn or targets(unit, units):
            continue
        cell = _destination(unit, units, battle.map, taken)
        if cell is not None:
            taken.add(cell)  # where it comes from stays taken: orders may be carried out in any order
            orders.append(Order(unit, "move", cell))
    return orders


def next_attack(battle: Battle) -> Order | None:
    """The next attack of this turn's combat phase; None when all who can attack have."""
    units = battle.living()
    for unit in in_order(battle):
        if unit.acted_turn < battle.turn and (within := targets(unit, units)):
            return Order(unit, "attack", _target(battle, unit, within))
    return None


def in_order(battle: Battle) -> list[Unit]:
    """The order in which living units act this turn: drawn from the battle's seed, sides taking turns."""
    drawn = battle.living()
    random.Random(f"{battle.seed}:{battle.turn}").shuffle(drawn)
    first = {key: (number + battle.turn) % 2 for number, key in enumerate(battle.sides)}
    rank = dict.fromkeys(battle.sides, 0)
    places = []
    for unit in drawn:
        rank[unit.side] += 1
        places.append((rank[unit.side], first[unit.side], unit))
    return [unit for _, _, unit in sorted(places, key=lambda place: place[:2])]


def targets(unit: Unit, units: Sequence[Unit]) -> list[Unit]:
    """Enemies in range, among living units."""
    reach = unit.data.range
    return [o for o in units if o.side != unit.side and hexes.distance(unit.cell, o.cell) <= reach]


def _target(battle: Battle, unit: Unit, within: list[Unit]) -> Unit:
    """Mostly the one that is nearest to falling; near ones are liked better than far ones."""
    rng = random.Random(f"{battle.seed}:{battle.turn}:{unit.code}")

    def attraction(target: Unit) -> float:
        soft = unit.data.attack - target.data.armour
        return soft / max(1, target.health) - 0.05 * hexes.distance(unit.cell, target.cell) + rng.random() * 0.3

    return max(within, key=attraction)


def _destination(unit: Unit, units: Sequence[Unit], battle_map: BattleMap, taken: set[Cell]) -> Cell | None:
    """The reachable hex from which an enemy is best in range, or the nearest to one; None to stay."""
    enemies = [other.cell for other in units if other.side != unit.side]
    if not enemies:
        return None
    within = hexes.reachable(unit.cell, unit.data.movement, battle_map.costs, taken)

    def badness(cell: Cell) -> tuple[float, int, Cell]:
        nearest = min(hexes.distance(cell, enemy) for enemy in enemies)
        too_far = max(0, nearest - unit.data.range)
        too_near = max(0, unit.data.range - 1 - nearest) * 0.5
        return too_far + too_near - COVER_LIKED.get(battle_map[cell].key, 0.0), within[cell], cell

    best = min(within, key=badness)
    return None if best == unit.cell else best
