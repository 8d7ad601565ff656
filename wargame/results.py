"""Results that scripts may return, held strictly: anything else is refused with a sentence that says what to return."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import msgspec

from scripting.modules.calls import EffectRefused
from scripting.texts.escaping import display, one_line

MAX_DAMAGE = 10_000
MAX_FOLLOW_UPS = 12
"""Events that one result may ask for: the six neighbours twice."""
MESSAGE_LIMIT = 200


class HitResult(msgspec.Struct, frozen=True):
    """Of hit_simulator."""

    hit: bool
    chance: float | None
    message: str
    attacker: str
    target: str
    """Ids of the two where hit_simulator answers a request that asks for a real shot; empty otherwise."""


class DamageResult(msgspec.Struct, frozen=True):
    """Of damage_calculator."""

    damage: int
    base_damage: int | None
    critical: bool
    message: str


class FollowUp(msgspec.Struct, frozen=True):
    topic: str
    payload: Mapping[str, Any]


class EventResult(msgspec.Struct, frozen=True):
    """Of event_processor on damage. `damage` is None where the script leaves the amount as it came."""

    damage: int | None
    critical: bool
    chain_reaction: bool
    follow_ups: tuple[FollowUp, ...]
    message: str


class ActionResult(msgspec.Struct, frozen=True):
    """Of event_processor on an action."""

    valid: bool
    reason: str
    follow_ups: tuple[FollowUp, ...]


Read = TypeVar("Read")


def _once(read: Callable[[Any], Read]) -> Callable[[Any], Read]:
    """A result is judged, and then carried out by its rule: the second time what was read of the same object is at hand."""
    last: tuple[Any, Any] = None, None

    @functools.wraps(read)
    def reading(result: Any) -> Read:
        nonlocal last
        known, found = last
        if result is None or result is not known:
            found = read(result)
            last = result, found
        return cast("Read", found)

    return reading


@_once
def hit_result(result: Any) -> HitResult:
    fields = _Fields("hit_simulator", result, 'result = {"hit": True, "chance": 0.6, "message": "…"}')
    chance = fields.number("chance", 0, 1)
    return HitResult(
        fields.required_flag("hit"), chance, fields.text("message"), fields.text("attacker"), fields.text("target")
    )


@_once
def damage_result(result: Any) -> DamageResult:
    fields = _Fields("damage_calculator", result, 'result = {"damage": 12, "base_damage": 15, "message": "…"}')
    damage = fields.number("damage", 0, MAX_DAMAGE)
    if damage is None:
        raise fields.refused("has no damage")
    base = fields.number("base_damage", 0, MAX_DAMAGE)
    return DamageResult(
        damage=round(damage),
        base_damage=None if base is None else round(base),
        critical=fields.flag("critical"),
        message=fields.text("message"),
    )


@_once
def event_result(result: Any) -> EventResult:
    fields = _Fields("event_processor", result, 'result = {"processed": True, "damage": 12, "follow_up_events": []}')
    damage = fields.number("damage", 0, MAX_DAMAGE)
    chain = fields.data.get("chain_reaction")
    if chain is not None and not isinstance(chain, (bool, Mapping)):
        raise fields.refused(f"chain_reaction must be True or False, not {_shown(chain)}")
    return EventResult(
        damage=None if damage is None else round(damage),
        critical=fields.flag("critical"),
        chain_reaction=bool(chain),
        follow_ups=fields.follow_ups(),
        message=fields.text("message"),
    )


@_once
def action_result(result: Any) -> ActionResult:
    fields = _Fields("event_processor", result, 'result = {"requires_validation": True, "valid": False, "reason": "…"}')
    asked = fields.flag("requires_validation")
    if asked and "valid" not in fields.data:
        raise fields.refused("asks for validation but has no valid")
    return ActionResult(fields.flag("valid", default=True), fields.text("reason"), fields.follow_ups())


class _Fields:
    """Reads fields of a script's result; whatever does not fit is refused, with an example of what does."""

    def __init__(self, script: str, result: Any, example: str) -> None:
        self.script = script
        self.example = example
        if type(result) is not dict and not isinstance(result, Mapping):
            raise self.refused(f"must be a dict, not {_shown(result)}")
        self.data: Mapping[str, Any] = result

    def refused(self, problem: str) -> EffectRefused:
        return EffectRefused(f"the result of {self.script} {problem}; return for example {self.example}")

    def required_flag(self, name: str) -> bool:
        if name not in self.data:
            raise self.refused(f"has no {name}")
        return self.flag(name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.data.get(name, default)
        if not isinstance(value, bool):
            raise self.refused(f"has {name} = {_shown(value)}, which must be True or False")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        """None where the result has no such field."""
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.refused(f"has {name} = {_shown(value)}, which must be a number")
        if not least <= value <= most:
            raise self.refused(f"has {name} = {_shown(value)}, which must lie between {least} and {most}")
        return value

    def text(self, name: str) -> str:
        value = self.data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.refused(f"has {name} = {_shown(value)}, which must be text")
        return one_line(value, MESSAGE_LIMIT)

    def follow_ups(self) -> tuple[FollowUp, ...]:
        value = self.data.get("follow_up_events") or []
        if not isinstance(value, list):
            raise self.refused(f"has follow_up_events = {_shown(value)}, which must be a list")
        if len(value) > MAX_FOLLOW_UPS:
            raise self.refused(f"asks for {len(value)} follow_up_events; at most {MAX_FOLLOW_UPS} are carried out")
        return tuple(self._follow_up(index, event) for index, event in enumerate(value))

    def _follow_up(self, index: int, event: Any) -> FollowUp:
        match event:
            case {"topic": str() as topic, "payload": Mapping() as payload}:
                return FollowUp(topic, payload)
        raise self.refused(
            f"has follow_up_events[{index}] = {_shown(event)}; each must be "
            '{"topic": "wargame.event.damage", "payload": {…}}'
        )


def _shown(value: Any) -> str:
    return display(value, 60)
