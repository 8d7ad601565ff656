"""Say an event of the wargame in a line, from its payload alone: who, whom, where and when. People choose recorded events by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Payload = Mapping[str, Any]


def in_words(topic: str, payload: Payload) -> str:
    """Empty for a topic that is not the wargame's. A payload of earlier times may lack anything."""
    say = SAY.get(topic)
    return "; ".join(filter(None, (say(payload), _when(payload)))) if say else ""


def _damage(payload: Payload) -> str:
    who = _unit(payload.get("attackerUnit"), payload.get("attacker"))
    whom = _unit(payload.get("target"), payload.get("targetUnit"))
    amount = f"{'a critical ' if payload.get('critical') else ''}{payload.get('damageAmount')} damage"
    how = " by chain reaction" if payload.get("chain") else ""
    return f"{amount} to {whom}{_where(payload.get('target'))}{f' from {who}' if who else ''}{how}"


def _state(payload: Payload) -> str:
    units = payload.get("units")
    return f"the board in {payload.get('phase')}{f', {len(units)} units' if isinstance(units, list) else ''}"


def _action(payload: Payload) -> str:
    who = _unit(payload.get("unit"), payload.get("unitID"))
    if payload.get("action") == "attack":
        whom = _unit(payload.get("targetUnit"), payload.get("target"))
        return f"{who} is to attack {whom}{_where(payload.get('targetUnit'))}{_apart(payload)}"
    return f"{who} is to {payload.get('action')} to {payload.get('target')}{_apart(payload)}"


def _attack(payload: Payload) -> str:
    return f"{_unit(payload.get('attacker'))} fires at {_target(payload)}"


def _hit(payload: Payload) -> str:
    return f"{_unit(payload.get('attacker'))} hits {_target(payload)}"


def _test_shot(payload: Payload) -> str:
    who, whom = payload.get("attacker"), payload.get("target")
    return f"test shot{f' of {who}' if who else ''}{f' at {whom}' if whom else ''}{_apart(payload)}"


def _target(payload: Payload) -> str:
    target = payload.get("target")
    return f"{_unit(target)}{_where(target)}{_apart(payload)}"


def _unit(state: Any, code: Any = "") -> str:
    """A unit by its name, as people know it."""
    state = state if isinstance(state, Mapping) else {}
    return str(state.get("name") or state.get("id") or code or "")


def _where(state: Any) -> str:
    position = state.get("position") if isinstance(state, Mapping) else None
    if not isinstance(position, Mapping):
        return ""
    return f" at {position.get('x')},{position.get('y')} in {state.get('terrain')}"


def _apart(payload: Payload) -> str:
    distance = payload.get("distance")
    return "" if distance is None else f", {distance} {'hex' if distance == 1 else 'hexes'} away"


def _when(payload: Payload) -> str:
    turn, game = payload.get("turn"), payload.get("gameID")
    return ", ".join([f"turn {turn}"] * bool(turn) + [f"battle {game}"] * bool(game))


SAY: dict[str, Callable[[Payload], str]] = {
    "wargame.event.damage": _damage,
    "wargame.state.update": _state,
    "wargame.action": _action,
    "wargame.attack": _attack,
    "wargame.hit": _hit,
    "/debug/hit": _test_shot,
}
"""Topics that scripts run on, and the path of the test shot."""
