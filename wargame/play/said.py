"""Put a script's decision in a few words that fit into a sentence: `61 % to hit, rolled 23`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scripting.texts.escaping import one_line

LIMIT = 300
"""Characters of one decision in words."""


def said(topic: str, payload: Mapping[str, Any], result: Any) -> str:
    """Empty where there is nothing to say. `topic` is empty, or a path, for a test shot."""
    say = SAY.get(topic, _shot if not topic or topic.startswith("/") else None)
    if say is None or not isinstance(result, dict):
        return ""
    return one_line(say(payload, result), LIMIT)


def _order(payload: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    if result.get("valid", True):
        return "the order is valid"
    return f"order refused, {result.get('reason') or 'not valid'}"


def _shot(payload: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    outcome = "a hit" if result.get("hit") else "a miss"
    chance, roll = _part(result.get("chance")), _part(result.get("roll"))
    if chance is None:
        return outcome
    if roll is None:
        return f"{_percent(chance)} % to hit, {outcome}"
    digits = 1 if _percent(chance) == _percent(roll) else 0
    rolled = f"{_percent(chance, digits)} % to hit, rolled {_percent(roll, digits)}"
    return rolled if result.get("hit") else f"{rolled}: {outcome}"


def _hit(payload: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    damage = result.get("damage")
    points = round(damage) if isinstance(damage, (int, float)) else damage
    return f"{points} damage{', critical' if result.get('critical') else ''}"


def _damage(payload: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    damage, came, message = result.get("damage"), payload.get("damageAmount"), result.get("message")
    remark = message if isinstance(message, str) else ""
    if not isinstance(damage, (int, float)) or damage == came:
        return remark
    return f"{round(damage)} damage instead of {came}{f' ({remark})' if remark else ''}"


def _part(value: Any) -> float | None:
    """A number from 0 to 1."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None


def _percent(part: float, digits: int = 0) -> str:
    return f"{100 * part:.{digits}f}"


SAY: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    "wargame.action": _order,
    "wargame.attack": _shot,
    "wargame.hit": _hit,
    "wargame.event.damage": _damage,
}
