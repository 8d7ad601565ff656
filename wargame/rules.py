"""The built-in rules: what decides when a script cannot. Plain, dependable versions of the embedded scripts."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

COVER = {"forest": 0.2, "town": 0.25, "hill": 0.1}
"""By how much the ground that the target stands on lowers the chance to hit."""


def chance_to_hit(distance: int, terrain: str, screening: int) -> float:
    """Between 0.05 and 0.95."""
    chance = 0.85 - 0.06 * max(0, distance - 1) - COVER.get(terrain, 0.0) - 0.08 * screening
    return min(0.95, max(0.05, chance))


def damage_of_hit(attack: float, armour: float, distance: int = 1, reach: int = 1) -> int:
    """Points that a hit takes: less with armour, and down to 70 % at the end of the attacker's reach; at least 1."""
    falloff = 0.3 * min(1.0, max(0, distance - 1) / max(1, reach))
    return max(1, round(attack * (1.0 - falloff) - armour))


def hit_simulator(inputs: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    shot = _payload(inputs)
    request = _body(inputs)
    terrain = request.get("terrain") or _part(shot, "target").get("terrain") or "plain"
    given = request or shot
    chance = chance_to_hit(int(_number(given, "distance", 1)), str(terrain), int(_number(given, "screening", 0)))
    roll = rng.random()
    result: dict[str, Any] = {"hit": roll < chance, "chance": chance, "roll": roll, "message": ""}
    for name in ("attacker", "target"):
        if isinstance(request.get(name), str):
            result[name] = request[name]
    return result


def damage_calculator(inputs: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    hit = _payload(inputs)
    attacker, target = _part(hit, "attacker"), _part(hit, "target")
    damage = damage_of_hit(
        _number(attacker, "attack", 20),
        _number(target, "armour", 0),
        int(_number(hit, "distance", 1)),
        int(_number(attacker, "range", 1)),
    )
    return {"damage": damage, "base_damage": damage, "message": ""}


def event_processor(inputs: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    topic, payload = inputs.get("topic") or inputs.get("message_topic") or "", _payload(inputs)
    if topic == "wargame.event.damage":
        return {
            "processed": True,
            "damage": payload.get("damageAmount", 0),
            "chain_reaction": False,
            "follow_up_events": [],
        }
    if topic == "wargame.action":
        unit = payload.get("unit")
        valid = not isinstance(unit, Mapping) or unit.get("side") == payload.get("playerID")
        return {"requires_validation": True, "valid": valid, "reason": "" if valid else "the unit is not yours"}
    return {"processed": True}


BUILT_IN: dict[str, Callable[[Mapping[str, Any], random.Random], dict[str, Any]]] = {
    "hit_simulator": hit_simulator,
    "damage_calculator": damage_calculator,
    "event_processor": event_processor,
}


def _payload(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return _part(_part(inputs, "message"), "payload")


def _body(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A request to fire; its distance may be text, as forms send it."""
    return _part(_part(inputs, "http_request"), "body")


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = data.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(data: Mapping[str, Any], name: str, default: float) -> float:
    value = data.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        return int(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default
