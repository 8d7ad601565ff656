"""The rules of orders: a valid order to attack goes on to hit_simulator, a valid move is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scripting.modules.calls import Outcome
from scripting.texts.escaping import one_line
from wargame import hexes, results
from wargame.hexes import Cell
from wargame.play import follow_ups, payloads
from wargame.play.state import Battle, Unit
from wargame.play.steps import Draft, Kind, Step

_CELL = re.compile(r"\s*\(?\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)?\s*")


def carry_out(battle: Battle, outcome: Outcome) -> Step:
    """event_processor on wargame.action. Raises EffectRefused."""
    order, decision = outcome.context.payload, results.action_result(outcome.result)
    draft = Draft(battle, outcome)
    unit = battle.unit(order.get("unitID"))
    if unit is None or not unit.is_alive:
        code = order.get("unitID")
        named = one_line(code, 60) if isinstance(code, str) else ""
        return draft.ignore("order", f"there is no unit {named} to carry it out")
    if _is_stale(order, battle, unit):
        return draft.done()
    if not decision.valid:
        unit = _spend(draft, unit, order)
        draft.log(Kind.REFUSED, f"{unit.name}: order refused, {decision.reason or 'not valid'}", unit=unit)
        return draft.done()
    if order.get("playerID") != unit.side:
        side = battle.side_of(unit).name
        draft.log(Kind.REFUSED, f"{unit.name}: order refused, the unit belongs to {side}", unit=unit)
        return draft.done()
    match order.get("action"):
        case "attack":
            _attack(draft, unit, order)
        case "move":
            _move(draft, unit, order)
        case _:
            draft.ignore("order", "units can attack or move")
    follow_ups.publish(draft, decision.follow_ups)
    return draft.done()


def _is_stale(order: Mapping[str, Any], battle: Battle, unit: Unit) -> bool:
    """Whether the order is for another turn or came a second time. Orders given by hand name no turn."""
    turn = order.get("turn") or 0
    if not turn:
        return False
    done = unit.moved_turn if order.get("action") == "move" else unit.acted_turn
    return turn != battle.turn or done >= turn


def _spend(draft: Draft, unit: Unit, order: Mapping[str, Any]) -> Unit:
    spent = "moved_turn" if order.get("action") == "move" else "acted_turn"
    return draft.change(unit, **{spent: draft.battle.turn})


def _attack(draft: Draft, unit: Unit, order: Mapping[str, Any]) -> None:
    target = draft.battle.unit(order.get("target"))
    unit = _spend(draft, unit, order)
    if target is None or not target.is_alive:
        draft.ignore("attack", f"{unit.name} finds its target gone", unit)
    elif target.side == unit.side:
        draft.ignore("attack", f"{target.name} is on the same side as {unit.name}", unit)
    elif hexes.distance(unit.cell, target.cell) > unit.data.range:
        draft.ignore("attack", f"{target.name} is out of range of {unit.name}", unit)
    else:
        shot = payloads.shot(draft.battle, unit, target)
        draft.publish("wargame.attack", shot | {"decidedBy": list(draft.decisions)})


def _move(draft: Draft, unit: Unit, order: Mapping[str, Any]) -> None:
    cell, battle = cell_of(order.get("target")), draft.battle
    if cell is None or cell not in within_reach(battle, unit):
        unit = draft.change(unit, moved_turn=battle.turn)
        draft.ignore("move", f"{unit.name} cannot get there", unit)
        return
    unit = draft.change(unit, x=cell[0], y=cell[1], moved_turn=battle.turn)
    terrain = battle.map[cell].label.lower()
    draft.log(Kind.MOVE, f"{unit.name} moves to {terrain} {cell[0]},{cell[1]}", unit=unit)


def within_reach(battle: Battle, unit: Unit) -> dict[Cell, int]:
    """Hexes that the unit may move to, with the movement points each takes."""
    taken = {other.cell for other in battle.living()}
    return hexes.reachable(unit.cell, unit.data.movement, battle.map.costs, taken)


def cell_of(text: Any) -> Cell | None:
    """`3,4` as (3, 4)."""
    match = _CELL.fullmatch(text) if isinstance(text, str) else None
    return (int(match[1]), int(match[2])) if match else None
