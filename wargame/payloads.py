"""Events' payloads from the game's state: everything a rule needs, so that runs can be repeated and read nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from wargame import hexes
from wargame.maps import BattleMap
from wargame.models import Game, Unit


def timestamp() -> int:
    return int(time.time())


def unit_state(unit: Unit, battle_map: BattleMap) -> dict[str, Any]:
    kind = unit.data
    return {
        "id": unit.code,
        "name": unit.name,
        "health": unit.health,
        "max_health": unit.max_health,
        "position": {"x": unit.x, "y": unit.y},
        "status": "active" if unit.is_alive else "destroyed",
        "kind": unit.kind,
        "side": unit.side.key,
        "attack": kind.attack,
        "range": kind.range,
        "movement": kind.movement,
        "armour": kind.armour,
        "terrain": battle_map[unit.cell].key,
    }


def board(game: Game, units: Iterable[Unit]) -> dict[str, Any]:
    """Payload of wargame.state.update."""
    return {
        "gameID": game.key,
        "turn": game.turn,
        "phase": game.phase,
        "units": [unit_state(unit, game.map) for unit in units],
        "timestamp": timestamp(),
    }


def screening(battle_map: BattleMap, attacker: Unit, target: Unit) -> int:
    """Hexes in the line of fire that hide the target from the attacker."""
    return sum(battle_map[cell].screens for cell in hexes.between(attacker.cell, target.cell) if cell in battle_map)


def action(game: Game, unit: Unit, order: str, target: Unit | hexes.Cell) -> dict[str, Any]:
    """Payload of wargame.action: `attack` a unit or `move` to a cell."""
    cell = target.cell if isinstance(target, Unit) else target
    return {
        "playerID": unit.side.key,
        "action": order,
        "unitID": unit.code,
        "target": target.code if isinstance(target, Unit) else f"{target[0]},{target[1]}",
        "timestamp": timestamp(),
        "gameID": game.key,
        "turn": game.turn,
        "unit": unit_state(unit, game.map),
        "targetUnit": unit_state(target, game.map) if isinstance(target, Unit) else None,
        "distance": hexes.distance(unit.cell, cell),
    }


def shot(game: Game, attacker: Unit, target: Unit) -> dict[str, Any]:
    """Payload of wargame.attack; wargame.hit adds the chance to it."""
    return {
        "gameID": game.key,
        "turn": game.turn,
        "attacker": unit_state(attacker, game.map),
        "target": unit_state(target, game.map),
        "distance": hexes.distance(attacker.cell, target.cell),
        "screening": screening(game.map, attacker, target),
        "timestamp": timestamp(),
    }


def damage(game: Game, attacker: Unit | None, target: Unit, amount: float, **fields: Any) -> dict[str, Any]:
    """Payload of wargame.event.damage with the neighbours that a chain reaction could reach."""
    return {
        "targetUnit": target.code,
        "damageAmount": amount,
        "attacker": attacker.code if attacker else "",
        "timestamp": timestamp(),
        "gameID": game.key,
        "turn": game.turn,
        "target": unit_state(target, game.map),
        "attackerUnit": unit_state(attacker, game.map) if attacker else None,
        "neighbours": neighbours(game, target),
    } | fields


def neighbours(game: Game, target: Unit) -> list[dict[str, Any]]:
    around = set(hexes.neighbours(target.cell))
    return [
        {"id": unit.code, "name": unit.name, "kind": unit.kind, "side": unit.side.key, "health": unit.health}
        for unit in game.units.living().select_related("side")
        if unit.cell in around
    ]
