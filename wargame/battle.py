"""Starting a battle, and telling whether it is decided."""

from __future__ import annotations

import random
import secrets

from django.db import transaction

from wargame import live
from wargame.hexes import Cell
from wargame.kinds import KINDS
from wargame.maps import MAPS, BattleMap
from wargame.models import BattleLogEntry, Game, LogKind, Side, Unit

SIDES = (("harbour", "Harbour"), ("ridge", "Ridge"))
ARMY = {"infantry": 3, "scouts": 2, "armour": 2, "artillery": 2, "anti_tank": 2, "engineers": 1}
"""Units of each kind on either side: twelve."""
DEPTH = {"scouts": 4, "infantry": 3, "engineers": 3, "armour": 2, "anti_tank": 2, "artillery": 1}
"""How far from its own edge a kind would like to stand, in columns."""
ROUTED_BELOW = 0.25
"""A side with less than this part of its starting health left has lost."""
TURN_LIMIT = 30


def start_battle(*, seed: int | None = None, demo: bool = True) -> Game:
    """A new game with both armies deployed. Raises IntegrityError when a demo game is running already."""
    seed = secrets.randbits(48) if seed is None else seed
    rng = random.Random(seed)
    battle_map = rng.choice(MAPS)
    with transaction.atomic():
        game = Game.objects.create(map_name=battle_map.name, terrain=battle_map.text, seed=seed, demo=demo)
        for key, name in SIDES:
            side = Side.objects.create(game=game, key=key, name=name)
            Unit.objects.bulk_create(_army(game, side, battle_map, rng))
        BattleLogEntry.add(game, LogKind.START, f"Battle {game.pk} begins at {battle_map.name}.")
        live.announce_on_commit(game)
        before = Game.objects.filter(demo=demo, pk__lt=game.pk).order_by("-pk").first()
        if before is not None:
            live.announce_on_commit(before)  # those who watched it go on to this one
    return game


def _army(game: Game, side: Side, battle_map: BattleMap, rng: random.Random) -> list[Unit]:
    free = {cell for cell, terrain in battle_map.cells() if terrain.cost is not None}
    units = []
    for kind, count in ARMY.items():
        for number in range(1, count + 1):
            cell = _deploy(side.key, kind, free, battle_map, rng)
            free.remove(cell)
            health = KINDS[kind].max_health
            units.append(
                Unit(
                    game=game,
                    side=side,
                    code=f"{side.key}-{kind}-{number}",
                    name=f"{side.name} {KINDS[kind].label} {number}",
                    kind=kind,
                    health=health,
                    max_health=health,
                    x=cell[0],
                    y=cell[1],
                )
            )
    return units


def _deploy(side: str, kind: str, free: set[Cell], battle_map: BattleMap, rng: random.Random) -> Cell:
    """A free hex as near as can be to the column that this kind likes."""
    wanted = DEPTH[kind] if side == SIDES[0][0] else battle_map.width - 1 - DEPTH[kind]
    row = rng.randrange(battle_map.height)
    return min(sorted(free), key=lambda cell: (abs(cell[0] - wanted) * 2 + abs(cell[1] - row), cell))


def decided(game: Game) -> tuple[Side | None, str] | None:
    """(winner, how) once a side is destroyed or routed, or the turns are over; None while the battle is open."""
    strength = {}
    for side in game.sides.all():
        units = list(side.units.all())
        strength[side] = sum(unit.health for unit in units) / max(1, sum(unit.max_health for unit in units))
    broken = [side for side, part in strength.items() if part < ROUTED_BELOW]
    standing = [side for side in strength if side not in broken]
    if len(standing) == 1:
        loser = broken[0]
        how = "destroyed" if strength[loser] == 0 else "routed"
        return standing[0], f"{standing[0].name} wins: {loser.name} is {how}"
    if not standing:
        return None, "Both sides are broken: nobody wins"
    if game.turn > TURN_LIMIT:
        best = sorted(strength.items(), key=lambda item: item[1], reverse=True)
        if best[0][1] == best[1][1]:
            return None, f"Nobody wins within {TURN_LIMIT} turns"
        return best[0][0], f"{best[0][0].name} holds the field after {TURN_LIMIT} turns"
    return None
