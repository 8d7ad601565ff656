"""Events' payloads from the state of a battle: everything a script's rule needs, so that runs can be repeated and read nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wargame import hexes
from wargame.maps import BattleMap
from wargame.play.state import Battle, Unit


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
        "side": unit.side,
        "attack": kind.attack,
        "range": kind.range,
        "movement": kind.movement,
        "armour": kind.armour,
        "terrain": battle_map[unit.cell].key,
    }


def board(battle: Battle, units: Iterable[Unit]) -> dict[str, Any]:
    """Payload of wargame.state.update."""
    return {
        "gameID": battle.key,
        "turn": battle.turn,
        "phase": battle.phase.value,
        "units": [unit_state(unit, battle.map) for unit in units],
        "timestamp": battle.now,
    }


def start(battle: Battle) -> dict[str, Any]:
    """Payload of wargame.game.start."""
    return {
        "gameID": battle.key,
        "map": battle.map.name,
        "sides": list(battle.sides),
        "units": [unit_state(unit, battle.map) for unit in battle.living()],
        "timestamp": battle.now,
    }


def end(battle: Battle) -> dict[str, Any]:
    """Payload of wargame.game.end."""
    return {
        "gameID": battle.key,
        "turn": battle.turn,
        "winner": battle.winner,
        "reason": battle.outcome,
        "timestamp": battle.now,
    }


def turn_change(battle: Battle) -> dict[str, Any]:
    """Payload of wargame.turn.change, once the turn has begun."""
    return {
        "gameID": battle.key,
        "turn": battle.turn,
        "previousTurn": battle.turn - 1,
        "timestamp": battle.now,
    }


def destroyed(battle: Battle, unit: Unit, by: Unit | None) -> dict[str, Any]:
    """Payload of wargame.unit.destroyed."""
    return {
        "gameID": battle.key,
        "turn": battle.turn,
        "unit": unit_state(unit, battle.map),
        "destroyedBy": by.code if by else "",
        "timestamp": battle.now,
    }


def screening(battle_map: BattleMap, attacker: Unit, target: Unit) -> int:
    """Hexes in the line of fire that hide the target from the attacker."""
    return sum(battle_map[cell].screens for cell in hexes.between(attacker.cell, target.cell) if cell in battle_map)


def action(battle: Battle, unit: Unit, order: str, target: Unit | hexes.Cell) -> dict[str, Any]:
    """Payload of wargame.action: `attack` a unit or `move` to a cell."""
    cell = target.cell if isinstance(target, Unit) else target
    return {
        "playerID": unit.side,
        "action": order,
        "unitID": unit.code,
        "target": target.code if isinstance(target, Unit) else f"{target[0]},{target[1]}",
        "timestamp": battle.now,
        "gameID": battle.key,
        "turn": battle.turn,
        "unit": unit_state(unit, battle.map),
        "targetUnit": unit_state(target, battle.map) if isinstance(target, Unit) else None,
        "distance": hexes.distance(unit.cell, cell),
    }


def shot(battle: Battle, attacker: Unit, target: Unit) -> dict[str, Any]:
    """Payload of wargame.attack; wargame.hit adds the chance to it."""
    return {
        "gameID": battle.key,
        "turn": battle.turn,
        "attacker": unit_state(attacker, battle.map),
        "target": unit_state(target, battle.map),
        "distance": hexes.distance(attacker.cell, target.cell),
        "screening": screening(battle.map, attacker, target),
        "timestamp": battle.now,
    }


def damage(battle: Battle, attacker: Unit | None, target: Unit, amount: float, **fields: Any) -> dict[str, Any]:
    """Payload of wargame.event.damage with the neighbours that a chain reaction could reach."""
    return {
        "targetUnit": target.code,
        "damageAmount": amount,
        "attacker": attacker.code if attacker else "",
        "timestamp": battle.now,
        "gameID": battle.key,
        "turn": battle.turn,
        "target": unit_state(target, battle.map),
        "attackerUnit": unit_state(attacker, battle.map) if attacker else None,
        "neighbours": neighbours(battle, target),
    } | fields


def neighbours(battle: Battle, target: Unit) -> list[dict[str, Any]]:
    around = set(hexes.neighbours(target.cell))
    return [
        {"id": unit.code, "name": unit.name, "kind": unit.kind, "side": unit.side, "health": unit.health}
        for unit in battle.units.values()
        if (unit.x, unit.y) in around and unit.health > 0
    ]
