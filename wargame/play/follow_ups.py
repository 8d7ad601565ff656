"""Events that scripts ask for, completed from the state of the battle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scripting.modules.calls import CallContext, EffectRefused
from scripting.modules.topics import TopicError, topics
from scripting.texts.escaping import one_line
from wargame import results
from wargame.play import payloads
from wargame.play.state import Battle
from wargame.play.steps import Draft

FOLLOW_UP_TOPICS = frozenset(
    {"wargame.event.damage", "wargame.action", "wargame.unit.destroyed", "wargame.state.update"}
)
"""Events that a script may publish; beginnings, ends and turns are the game's own, attack and hit come from orders."""


def publish(draft: Draft, asked: Iterable[results.FollowUp], cause: Mapping[str, Any] | None = None) -> None:
    """Publish what a script's result asks for; `cause` is the damage event that it was. Raises EffectRefused."""
    chain = _chain_of(cause) if cause else 0
    for follow_up in asked:
        event = completed(draft.battle, follow_up.topic, follow_up.payload, list(draft.decisions), chain)
        draft.publish(follow_up.topic, event)


def publish_called(battle: Battle, call: CallContext, topic: str, payload: Mapping[str, Any]) -> None:
    """Publish what a script asks for by calling publish_event. Raises EffectRefused."""
    assert call.publish is not None
    call.publish(topic, completed(battle, topic, payload, [], _chain_of(call.payload)), key=battle.key)


def completed(
    battle: Battle, topic: str, payload: Mapping[str, Any], decisions: list[Any], chain: int
) -> dict[str, Any]:
    """A script's event made whole: units and neighbours filled in, and nothing believed that only the game can know."""
    if topic not in FOLLOW_UP_TOPICS:
        allowed = ", ".join(sorted(FOLLOW_UP_TOPICS))
        raise EffectRefused(
            f"follow-up events: scripts cannot publish {one_line(topic, 80)}; they can publish {allowed}"
        )
    try:
        event = topics.get(topic).validate({"timestamp": battle.now, **payload, "gameID": battle.key})
    except TopicError as error:
        raise EffectRefused(f"follow-up events: {one_line(str(error), 300)}") from None
    if topic != "wargame.event.damage":
        return event
    event |= {"turn": battle.turn, "cause": "chain", "chain": chain + 1, "decidedBy": decisions}
    target, attacker = battle.unit(event["targetUnit"]), battle.unit(event["attacker"])
    if target is not None:
        event["target"] = payloads.unit_state(target, battle.map)
        event["neighbours"] = payloads.neighbours(battle, target)
    if attacker is not None:
        event["attackerUnit"] = payloads.unit_state(attacker, battle.map)
    return event


def _chain_of(payload: Mapping[str, Any]) -> int:
    """How many chain reactions led to this event."""
    value = payload.get("chain")
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
