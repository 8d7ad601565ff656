"""Choose what comes next in a battle in which no order is under way: moves, then attacks one by one, then the next turn."""

from __future__ import annotations

from wargame.play import payloads, planning
from wargame.play.planning import Order
from wargame.play.state import Battle, Phase
from wargame.play.steps import Draft, Kind, Step
from wargame.play.victory import end_if_decided


def advance(battle: Battle) -> Step:
    """The next step. It never changes a unit: scripts' outcomes do."""
    draft = Draft(battle)
    if battle.phase is Phase.MOVEMENT:
        orders = planning.moves(battle)
        if orders:
            return _order(draft, orders)
        draft.set(phase=Phase.COMBAT)
        _tell_board(draft)
    attack = planning.next_attack(draft.battle)
    if attack is not None:
        return _order(draft, [attack])
    return _next_turn(draft)


def _next_turn(draft: Draft) -> Step:
    draft.set(turn=draft.battle.turn + 1, phase=Phase.MOVEMENT)
    if end_if_decided(draft):
        draft.publish("wargame.game.end", payloads.end(draft.battle))
        return draft.done()
    draft.say(Kind.TURN, f"Turn {draft.battle.turn} begins.")
    draft.publish("wargame.turn.change", payloads.turn_change(draft.battle))
    _tell_board(draft)
    return _order(draft, planning.moves(draft.battle))


def _tell_board(draft: Draft) -> None:
    battle = draft.battle
    board = payloads.board(battle, battle.living())
    draft.publish("wargame.state.update", board, f"{battle.seed}:{battle.turn}:{battle.phase}")


def _order(draft: Draft, orders: list[Order]) -> Step:
    """Give orders. Each has dice of its own, whatever else happens in the turn."""
    battle = draft.battle
    for order in orders:
        event = payloads.action(battle, order.unit, order.action, order.target)
        draft.publish("wargame.action", event, f"{battle.seed}:{battle.turn}:{order.unit.code}:{order.action}")
    return draft.done()


def ordered(step: Step) -> frozenset[str]:
    """Codes of the units that the step orders to do something."""
    return frozenset(event.payload["unitID"] for event in step.events if event.topic == "wargame.action")
