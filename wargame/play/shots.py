"""The rules of shots: a hit goes on to damage_calculator and from there to event_processor, a miss is logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripting.modules.calls import Outcome
from wargame import results
from wargame.play import payloads
from wargame.play.state import Battle
from wargame.play.steps import Draft, Kind, Step, with_remarks


def carry_out_shot(battle: Battle, outcome: Outcome) -> Step:
    """hit_simulator on wargame.attack. Raises EffectRefused."""
    shot = outcome.context.payload
    return _shoot(battle, outcome, code_of(shot, "attacker"), code_of(shot, "target"), believed=True)


def carry_out_test_shot(battle: Battle, outcome: Outcome) -> Step:
    """hit_simulator as an endpoint: its result names attacker and target where the request asked for a real shot."""
    decision = results.hit_result(outcome.result)
    if not decision.attacker or not decision.target:
        return Step(battle)
    return _shoot(battle, outcome, decision.attacker, decision.target, believed=False)


def _shoot(battle: Battle, outcome: Outcome, attacker_code: str, target_code: str, *, believed: bool) -> Step:
    decision = results.hit_result(outcome.result)
    draft = Draft(battle, outcome, believed=believed)
    attacker, target = battle.unit(attacker_code), battle.unit(target_code)
    if attacker is None or target is None or not target.is_alive:
        return draft.ignore("shot", "its target is gone", attacker)
    if not decision.hit:
        text = with_remarks(f"{attacker.name} misses {target.name}", decision.message)
        draft.log(Kind.MISS, text, unit=attacker, target=target, before=target.health, after=target.health)
        return draft.done()
    hit = payloads.shot(battle, attacker, target)
    draft.publish("wargame.hit", hit | {"chance": decision.chance, "decidedBy": list(draft.decisions)})
    return draft.done()


def carry_out_hit(battle: Battle, outcome: Outcome) -> Step:
    """damage_calculator on wargame.hit: its damage goes on to event_processor. Raises EffectRefused."""
    decision, hit = results.damage_result(outcome.result), outcome.context.payload
    draft = Draft(battle, outcome)
    attacker, target = battle.unit(code_of(hit, "attacker")), battle.unit(code_of(hit, "target"))
    if target is None or not target.is_alive:
        return draft.ignore("hit", "its target is gone", attacker)
    event = payloads.damage(
        battle,
        attacker,
        target,
        decision.damage,
        cause="attack",
        critical=decision.critical,
        text=decision.message,
        decidedBy=list(draft.decisions),
    )
    draft.publish("wargame.event.damage", event)
    return draft.done()


def code_of(shot: Mapping[str, Any], part: str) -> str:
    """The id of the `attacker` or `target` of a shot."""
    unit = shot.get(part)
    code = unit.get("id") if isinstance(unit, dict) else None
    return code if isinstance(code, str) else ""
