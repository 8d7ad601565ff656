"""Which rule carries out the outcome of which script: the live game and the simulation look here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripting.modules.calls import Outcome
from wargame import results
from wargame.play import damage, orders, shots
from wargame.play.state import Battle
from wargame.play.steps import Step


@dataclass(frozen=True)
class Rule:
    """The rule by which a script's outcome changes a battle."""

    what: str
    """The outcome in a word, for the log."""
    carry_out: Callable[[Battle, Outcome], Step]
    """A pure function. Raises EffectRefused for a result that no script may give."""
    read: Callable[[Any], Any]
    """Reads the result alone. Raises EffectRefused likewise."""
    unit: Callable[[Outcome], str]
    """Id of a unit of its battle, by which that is found where the event names none."""


def _named(field: str) -> Callable[[Outcome], str]:
    def unit(outcome: Outcome) -> str:
        code = outcome.context.payload.get(field)
        return code if isinstance(code, str) else ""

    return unit


def _target(outcome: Outcome) -> str:
    return shots.code_of(outcome.context.payload, "target")


RULES: dict[tuple[str, str], Rule] = {
    ("event_processor", "wargame.action"): Rule("order", orders.carry_out, results.action_result, _named("unitID")),
    ("hit_simulator", "wargame.attack"): Rule("shot", shots.carry_out_shot, results.hit_result, _target),
    ("hit_simulator", ""): Rule(
        "shot", shots.carry_out_test_shot, results.hit_result, lambda outcome: results.hit_result(outcome.result).target
    ),
    ("damage_calculator", "wargame.hit"): Rule("hit", shots.carry_out_hit, results.damage_result, _target),
    ("event_processor", "wargame.event.damage"): Rule(
        "damage", damage.carry_out, results.event_result, _named("targetUnit")
    ),
}
"""(script, topic) → its rule. State updates are for scripts that watch: their outcomes are recorded only."""
