"""The rules of the battle as functions over plain state: without a database, without a sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scripting.modules.calls import CallContext, EffectRefused, Outcome
from scripting.types import VersionInfo
from wargame.kinds import KINDS
from wargame.maps import BattleMap
from wargame.play import payloads, planning, turns
from wargame.play.deployment import deploy
from wargame.play.state import Battle, Phase, Side, Unit
from wargame.play.steps import Step
from wargame.play.table import RULES
from wargame.play.victory import decided

FIELD = BattleMap("Test field", ("........", "........", "....~...", "........"))


def unit(side: str, kind: str, x: int, y: int, **fields: Any) -> Unit:
    data = KINDS[kind]
    made = Unit(
        f"{side}-{kind}-1", f"{side.title()} {data.label} 1", kind, side, data.max_health, data.max_health, x, y
    )
    return replace(made, **fields)


def battle_of(*units: Unit, **fields: Any) -> Battle:
    sides = {"harbour": Side("harbour", "Harbour"), "ridge": Side("ridge", "Ridge")}
    return Battle("1", 7, FIELD, sides, {one.code: one for one in units}, 0, **fields)


TANK, SQUAD = unit("harbour", "armour", 1, 1), unit("ridge", "infantry", 3, 1)
DUEL = battle_of(TANK, SQUAD)


def outcome(script: str, topic: str, payload: dict[str, Any], result: Any) -> Outcome:
    context = CallContext("wargame", script, "run", topic, payload, depth=3)
    return Outcome(context, result, "succeeded", "primary", VersionInfo(3, "0" * 64, "editor", "python"), "")


def carried_out(battle: Battle, script: str, topic: str, payload: dict[str, Any], result: Any) -> Step:
    return RULES[script, topic].carry_out(battle, outcome(script, topic, payload, result))


def damaged(battle: Battle, points: int, result: Any = None) -> Step:
    event = payloads.damage(battle, TANK, battle.units[SQUAD.code], points, cause="attack")
    return carried_out(battle, "event_processor", "wargame.event.damage", event, result or {})


def test_a_rule_answers_a_new_battle_and_changes_nothing_of_the_old_one() -> None:
    step = damaged(DUEL, 30)
    assert step.battle.units[SQUAD.code].health == 50
    assert step.battle.sides["harbour"].score == 30
    assert DUEL.units[SQUAD.code].health == 80
    assert DUEL.sides["harbour"].score == 0
    assert step == damaged(DUEL, 30)


def test_an_order_to_attack_becomes_a_shot_and_spends_the_units_turn() -> None:
    order = payloads.action(DUEL, TANK, "attack", SQUAD)
    step = carried_out(DUEL, "event_processor", "wargame.action", order, {"valid": True})
    assert [event.topic for event in step.events] == ["wargame.attack"]
    assert step.battle.units[TANK.code].acted_turn == 1
    again = carried_out(step.battle, "event_processor", "wargame.action", order, {"valid": True})
    assert again == Step(step.battle), "an order that comes twice counts once"


@pytest.mark.parametrize(("cell", "moves"), [((3, 2), True), ((4, 2), False), ((3, 1), False), ((7, 3), False)])
def test_a_unit_moves_to_what_it_can_reach_and_no_water_or_unit_is(cell: tuple[int, int], moves: bool) -> None:
    order = payloads.action(DUEL, TANK, "move", cell)
    step = carried_out(DUEL, "event_processor", "wargame.action", order, {"valid": True})
    assert (step.battle.units[TANK.code].cell == cell) is moves
    assert [entry.kind for entry in step.entries] == ["move" if moves else "ignored"]


def test_a_refused_follow_up_leaves_nothing_of_its_outcome() -> None:
    with pytest.raises(EffectRefused, match=r"cannot publish wargame\.game\.end"):
        damaged(DUEL, 30, {"follow_up_events": [{"topic": "wargame.game.end", "payload": {}}]})
    assert DUEL.units[SQUAD.code].health == 80


def test_who_loses_all_health_is_destroyed_and_that_ends_the_battle() -> None:
    step = damaged(DUEL, 500)
    assert [entry.kind for entry in step.entries] == ["damage", "destroyed", "end"]
    assert [event.topic for event in step.events] == ["wargame.unit.destroyed", "wargame.game.end"]
    assert (step.battle.phase, step.battle.winner) == (Phase.OVER, "harbour")


@pytest.mark.parametrize(
    ("tank", "squad", "turn", "winner"),
    [(120, 20, 1, None), (120, 19, 1, "harbour"), (29, 80, 1, "ridge"), (110, 80, 31, "ridge"), (20, 10, 1, "nobody")],
)
def test_a_side_wins_by_rout_or_when_the_turns_are_over(tank: int, squad: int, turn: int, winner: str | None) -> None:
    battle = battle_of(replace(TANK, health=tank), replace(SQUAD, health=squad), turn=turn)
    verdict = decided(battle)
    assert (verdict and (verdict[0] or "nobody")) == winner


def test_when_nobody_can_act_any_more_the_next_turn_begins() -> None:
    battle = replace(DUEL, phase=Phase.COMBAT, units={u.code: replace(u, acted_turn=1) for u in (TANK, SQUAD)})
    step = turns.advance(battle)
    assert (step.battle.turn, step.battle.phase) == (2, Phase.MOVEMENT)
    assert [entry.text for entry in step.entries] == ["Turn 2 begins."]
    assert [event.topic for event in step.events][:2] == ["wargame.turn.change", "wargame.state.update"]


def test_every_order_has_dice_of_its_own_that_follow_from_the_seed() -> None:
    step = turns.advance(deploy(5, now=0).battle)
    dice = [event.dice for event in step.events]
    assert len(set(dice)) == len(dice) > 10
    assert dice == [event.dice for event in turns.advance(deploy(5, now=99, key="12").battle).events]
    assert dice != [event.dice for event in turns.advance(deploy(6, now=0).battle).events]


def test_the_same_seed_gives_the_same_orders_whatever_the_battle_is_called() -> None:
    one, other = deploy(5, now=0).battle, deploy(5, now=99, key="12").battle
    assert [(o.unit.code, o.target) for o in planning.moves(one)] == [
        (o.unit.code, o.target) for o in planning.moves(other)
    ]
