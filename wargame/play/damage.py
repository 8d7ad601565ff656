"""The rules of damage: the unit loses health, may be destroyed, and that may decide the battle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripting.modules.calls import Outcome
from scripting.texts.escaping import one_line
from wargame import results
from wargame.play import follow_ups, payloads
from wargame.play.state import Battle, Unit
from wargame.play.steps import Draft, Kind, Step, with_remarks
from wargame.play.victory import end_if_decided

DESTRUCTION_BONUS = 25


def carry_out(battle: Battle, outcome: Outcome) -> Step:
    """event_processor on wargame.event.damage. Raises EffectRefused."""
    decision, event = results.event_result(outcome.result), outcome.context.payload
    draft = Draft(battle, outcome)
    target, attacker = battle.unit(event.get("targetUnit")), battle.unit(event.get("attacker"))
    if target is None:
        return draft.ignore("damage", f"there is no unit {one_line(_text(event.get('targetUnit')), 60)}")
    if not target.is_alive:
        return draft.ignore("damage", f"{target.name} is destroyed already", attacker, target)
    before = target.health
    lost = min(_points(decision, event), before)
    target = draft.change(target, health=before - lost)
    decider = _decider(draft, event, decision)
    draft.log(
        Kind.CHAIN if _cause(outcome) == "chain" else Kind.DAMAGE,
        with_remarks(_in_words(outcome, attacker, target, lost), _text(event.get("text")), decision.message),
        decider=decider,
        unit=attacker,
        target=target,
        before=before,
        after=target.health,
        critical=decision.critical or bool(event.get("critical")),
    )
    if attacker is not None and attacker.side != target.side:
        draft.score(attacker.side, lost + (0 if target.is_alive else DESTRUCTION_BONUS))
    is_over = False if target.is_alive else _destroyed(draft, decider, attacker, target)
    if not is_over:
        follow_ups.publish(draft, decision.follow_ups, event)
    return draft.done()


def _points(decision: results.EventResult, event: Mapping[str, Any]) -> int:
    amount = event.get("damageAmount", 0) if decision.damage is None else decision.damage
    return min(round(amount), results.MAX_DAMAGE)


def _decider(draft: Draft, event: Mapping[str, Any], decision: results.EventResult) -> Mapping[str, Any]:
    """The run that decided how much is lost: this one where it changed the amount, else the one that published the event."""
    *earlier, own = draft.decisions
    changed = decision.damage is not None and decision.damage != event.get("damageAmount")
    return own if changed or not earlier else earlier[-1]


def _cause(outcome: Outcome) -> str:
    """An event from outside says nothing of its cause that is believed."""
    return _text(outcome.context.payload.get("cause")) if outcome.context.depth else "manual"


def _in_words(outcome: Outcome, attacker: Unit | None, target: Unit, lost: int) -> str:
    if _cause(outcome) == "chain":
        return f"Chain reaction: {target.name} loses {lost}"
    if attacker is not None and attacker.code != target.code:
        return f"{attacker.name} hits {target.name} for {lost}"
    return f"{target.name} loses {lost}"


def _destroyed(draft: Draft, decider: Mapping[str, Any], attacker: Unit | None, target: Unit) -> bool:
    """Say that the target is destroyed; whether that ended the battle."""
    by = f" by {attacker.name}" if attacker and attacker.code != target.code else ""
    draft.log(Kind.DESTROYED, f"{target.name} is destroyed{by}", decider=decider, unit=attacker, target=target)
    draft.publish("wargame.unit.destroyed", payloads.destroyed(draft.battle, target, attacker))
    if not end_if_decided(draft):
        return False
    draft.publish("wargame.game.end", payloads.end(draft.battle))
    return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
