"""How the outcome of a script changes the game: one function for each step from an order to its effect.

Each runs inside the transaction that records the execution, takes the game's row lock first, and decides nothing that a
script decided. What no longer fits the game (a unit that has fallen meanwhile) is logged as ignored; a result that no script
may give raises EffectRefused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripting.modules.calls import CallContext, EffectRefused, Outcome
from scripting.modules.topics import TopicError, topics
from scripting.texts.escaping import one_line
from wargame import hexes, live, payloads, results
from wargame.battle import decided
from wargame.journal import decisions_of, ignore, record, with_remarks
from wargame.models import BattleLogEntry, Game, LogKind, Side, Unit
from wargame.orders import cell_of, game_of, unit_of

DESTRUCTION_BONUS = 25
FOLLOW_UP_TOPICS = frozenset(
    {"wargame.event.damage", "wargame.action", "wargame.unit.destroyed", "wargame.state.update"}
)
"""Events that a script may publish; beginnings, ends and turns are the game's own, attack and hit come from orders."""


def carry_out_order(outcome: Outcome) -> None:
    """event_processor on wargame.action: a valid order to attack goes on to hit_simulator, a valid move is made."""
    order, decision = outcome.context.payload, results.action_result(outcome.result)
    game = game_of(outcome.context, order, _text(order.get("unitID")))
    if game is None or not game.is_running:
        return ignore(outcome, game, "order", "no such battle is running")
    unit = unit_of(game, order.get("unitID"))
    if unit is None or not unit.is_alive:
        return ignore(
            outcome, game, "order", f"there is no unit {one_line(_text(order.get('unitID')), 60)} to carry it out"
        )
    if _is_stale(order, game, unit):
        return None
    if not decision.valid:
        _spend(unit, order, game)
        reason = decision.reason or "not valid"
        record(outcome, game, LogKind.REFUSED, f"{unit.name}: order refused, {reason}", unit=unit)
        return None
    if order.get("playerID") != unit.side.key:
        record(
            outcome,
            game,
            LogKind.REFUSED,
            f"{unit.name}: order refused, the unit belongs to {unit.side.name}",
            unit=unit,
        )
        return None
    match order.get("action"):
        case "attack":
            _attack(outcome, game, unit, order)
        case "move":
            _move(outcome, game, unit, order)
        case _:
            ignore(outcome, game, "order", "units can attack or move")
    _follow_up(outcome, game, decision.follow_ups, chain=0)
    return None


def _is_stale(order: Mapping[str, Any], game: Game, unit: Unit) -> bool:
    """Whether the order is for another turn or came a second time. Orders given by hand name no turn."""
    turn = order.get("turn") or 0
    if not turn:
        return False
    done = unit.moved_turn if order.get("action") == "move" else unit.acted_turn
    return turn != game.turn or done >= turn


def _spend(unit: Unit, order: Mapping[str, Any], game: Game) -> None:
    if order.get("action") == "move":
        unit.set_moved(game.turn)
    else:
        unit.set_acted(game.turn)


def _attack(outcome: Outcome, game: Game, unit: Unit, order: Mapping[str, Any]) -> None:
    target = unit_of(game, order.get("target"))
    _spend(unit, order, game)
    if target is None or not target.is_alive:
        return ignore(outcome, game, "attack", f"{unit.name} finds its target gone", unit)
    if target.side_id == unit.side_id:
        return ignore(outcome, game, "attack", f"{target.name} is on the same side as {unit.name}", unit)
    if hexes.distance(unit.cell, target.cell) > unit.data.range:
        return ignore(outcome, game, "attack", f"{target.name} is out of range of {unit.name}", unit)
    outcome.publish(
        "wargame.attack", payloads.shot(game, unit, target) | {"decidedBy": decisions_of(outcome)}, key=game.key
    )
    return None


def _move(outcome: Outcome, game: Game, unit: Unit, order: Mapping[str, Any]) -> None:
    cell = cell_of(order.get("target"))
    taken = {other.cell for other in game.units.living()}
    reach = hexes.reachable(unit.cell, unit.data.movement, lambda at: None if at in taken else game.map.cost(at))
    if cell is None or cell not in reach:
        unit.set_moved(game.turn)
        return ignore(outcome, game, "move", f"{unit.name} cannot get there", unit)
    unit.move(cell, game.turn)
    record(
        outcome,
        game,
        LogKind.MOVE,
        f"{unit.name} moves to {game.map[cell].label.lower()} {cell[0]},{cell[1]}",
        unit=unit,
    )
    return None


def carry_out_shot(outcome: Outcome) -> None:
    """hit_simulator on wargame.attack: a hit goes on to damage_calculator, a miss is logged."""
    _shoot(outcome, outcome.context.payload, believed=True)


def carry_out_test_shot(outcome: Outcome) -> None:
    """hit_simulator as an endpoint: its result names attacker and target where the request asked for a real shot."""
    decision = results.hit_result(outcome.result)
    if decision.attacker and decision.target:
        _shoot(outcome, {"attacker": {"id": decision.attacker}, "target": {"id": decision.target}}, believed=False)


def _shoot(outcome: Outcome, shot: Mapping[str, Any], *, believed: bool) -> None:
    decision = results.hit_result(outcome.result)
    attacker_code, target_code = _code(shot, "attacker"), _code(shot, "target")
    game = game_of(outcome.context, shot, target_code)
    if game is None or not game.is_running:
        return ignore(outcome, game, "shot", "no such battle is running")
    attacker, target = unit_of(game, attacker_code), unit_of(game, target_code)
    if attacker is None or target is None or not target.is_alive:
        return ignore(outcome, game, "shot", "its target is gone", attacker)
    if not decision.hit:
        text = with_remarks(f"{attacker.name} misses {target.name}", decision.message)
        record(
            outcome, game, LogKind.MISS, text, unit=attacker, target=target, before=target.health, after=target.health
        )
        return None
    hit = payloads.shot(game, attacker, target) | {
        "chance": decision.chance,
        "decidedBy": decisions_of(outcome, believed),
    }
    outcome.publish("wargame.hit", hit, key=game.key)
    return None


def carry_out_hit(outcome: Outcome) -> None:
    """damage_calculator on wargame.hit: its damage goes on to event_processor."""
    decision, hit = results.damage_result(outcome.result), outcome.context.payload
    target_code = _code(hit, "target")
    game = game_of(outcome.context, hit, target_code)
    if game is None or not game.is_running:
        return ignore(outcome, game, "hit", "no such battle is running")
    attacker, target = unit_of(game, _code(hit, "attacker")), unit_of(game, target_code)
    if target is None or not target.is_alive:
        return ignore(outcome, game, "hit", "its target is gone", attacker)
    event = payloads.damage(
        game,
        attacker,
        target,
        decision.damage,
        cause="attack",
        critical=decision.critical,
        text=decision.message,
        decidedBy=decisions_of(outcome),
    )
    outcome.publish("wargame.event.damage", event, key=game.key)
    return None


def carry_out_damage(outcome: Outcome) -> None:
    """event_processor on wargame.event.damage: the unit loses health, may be destroyed, and that may decide the battle."""
    decision, event = results.event_result(outcome.result), outcome.context.payload
    target_code = _text(event.get("targetUnit"))
    game = game_of(outcome.context, event, target_code)
    if game is None or not game.is_running:
        return ignore(outcome, game, "damage", "no such battle is running")
    target, attacker = unit_of(game, target_code), unit_of(game, event.get("attacker"))
    if target is None:
        return ignore(outcome, game, "damage", f"there is no unit {one_line(target_code, 60)}")
    if not target.is_alive:
        return ignore(outcome, game, "damage", f"{target.name} is destroyed already", attacker, target)
    before = target.health
    lost = target.take_damage(_points(decision, event))
    destroyed = lost == before
    decider = _decider(outcome, event, decision)
    _log_damage(outcome, game, event, decision, decider, attacker, target, before, lost)
    enemy = attacker.side if attacker and attacker.side_id != target.side_id else None
    if enemy is not None:
        enemy.add_score(lost + (DESTRUCTION_BONUS if destroyed else 0))
    is_over = _destroyed(outcome, game, decider, attacker, target) if destroyed else False
    if not is_over:
        _follow_up(outcome, game, decision.follow_ups, chain=_count(event.get("chain")))
    return None


def _points(decision: results.EventResult, event: Mapping[str, Any]) -> int:
    amount = event.get("damageAmount", 0) if decision.damage is None else decision.damage
    return min(round(amount), results.MAX_DAMAGE)


def _decider(outcome: Outcome, event: Mapping[str, Any], decision: results.EventResult) -> dict[str, Any]:
    """The run that decided how much is lost: this one where it changed the amount, else the one that published the event."""
    *earlier, own = decisions_of(outcome)
    changed = decision.damage is not None and decision.damage != event.get("damageAmount")
    return own if changed or not earlier else earlier[-1]


def _log_damage(
    outcome: Outcome,
    game: Game,
    event: Mapping[str, Any],
    decision: results.EventResult,
    decider: dict[str, Any],
    attacker: Unit | None,
    target: Unit,
    before: int,
    lost: int,
) -> None:
    cause = event.get("cause") if outcome.context.depth else "manual"
    if cause == "chain":
        text = f"Chain reaction: {target.name} loses {lost}"
    elif attacker is not None and attacker.pk != target.pk:
        text = f"{attacker.name} hits {target.name} for {lost}"
    else:
        text = f"{target.name} loses {lost}"
    record(
        outcome,
        game,
        LogKind.CHAIN if cause == "chain" else LogKind.DAMAGE,
        with_remarks(text, _text(event.get("text")), decision.message),
        decider=decider,
        unit=attacker,
        target=target,
        before=before,
        after=before - lost,
        critical=decision.critical or bool(event.get("critical")),
    )


def _destroyed(outcome: Outcome, game: Game, decider: dict[str, Any], attacker: Unit | None, target: Unit) -> bool:
    """Say that the target is destroyed; whether that ended the battle."""
    by = f" by {attacker.name}" if attacker and attacker.pk != target.pk else ""
    text = f"{target.name} is destroyed{by}"
    record(outcome, game, LogKind.DESTROYED, text, decider=decider, unit=attacker, target=target)
    fallen = {
        "gameID": game.key,
        "turn": game.turn,
        "unit": payloads.unit_state(target, game.map),
        "destroyedBy": attacker.code if attacker else "",
        "timestamp": payloads.timestamp(),
    }
    outcome.publish("wargame.unit.destroyed", fallen, key=game.key)
    verdict = decided(game)
    if verdict is None:
        return False
    end(game, *verdict)
    outcome.publish("wargame.game.end", end_of(game), key=game.key)
    return True


def end(game: Game, winner: Side | None, how: str) -> None:
    """Finish `game`, whose row lock the caller holds, and say so in its log."""
    game.finish(winner, how)
    BattleLogEntry.add(game, LogKind.END, f"{how}.")
    live.announce_on_commit(game)


def end_of(game: Game) -> dict[str, Any]:
    """Payload of wargame.game.end."""
    return {
        "gameID": game.key,
        "turn": game.turn,
        "winner": game.winner.key if game.winner else None,
        "reason": game.outcome,
        "timestamp": payloads.timestamp(),
    }


def _follow_up(outcome: Outcome, game: Game, asked: tuple[results.FollowUp, ...], *, chain: int) -> None:
    """Publish what a script asked for, completed from the game's state."""
    for follow_up in asked:
        event = completed(game, follow_up.topic, follow_up.payload, decisions_of(outcome), chain)
        outcome.publish(follow_up.topic, event, key=game.key)


def publish_event(context: CallContext, topic: str, payload: Mapping[str, Any]) -> None:
    """An event that a script published by calling publish_event."""
    game = game_of(context, context.payload)
    if game is None:
        raise EffectRefused("publish_event: no battle is running")
    assert context.publish is not None
    context.publish(topic, completed(game, topic, payload, [], _count(context.payload.get("chain"))), key=game.key)


def completed(
    game: Game, topic: str, payload: Mapping[str, Any], decisions: list[dict[str, Any]], chain: int
) -> dict[str, Any]:
    """A script's event made whole: units and neighbours filled in, and nothing believed that only the game can know."""
    if topic not in FOLLOW_UP_TOPICS:
        allowed = ", ".join(sorted(FOLLOW_UP_TOPICS))
        raise EffectRefused(
            f"follow-up events: scripts cannot publish {one_line(topic, 80)}; they can publish {allowed}"
        )
    try:
        event = topics.get(topic).validate({"timestamp": payloads.timestamp(), **payload, "gameID": game.key})
    except TopicError as error:
        raise EffectRefused(f"follow-up events: {one_line(str(error), 300)}") from None
    if topic != "wargame.event.damage":
        return event
    event |= {"turn": game.turn, "cause": "chain", "chain": chain + 1, "decidedBy": decisions}
    target, attacker = unit_of(game, event["targetUnit"]), unit_of(game, event["attacker"])
    if target is not None:
        event["target"] = payloads.unit_state(target, game.map)
        event["neighbours"] = payloads.neighbours(game, target)
    if attacker is not None:
        event["attackerUnit"] = payloads.unit_state(attacker, game.map)
    return event


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _code(shot: Mapping[str, Any], part: str) -> str:
    unit = shot.get(part)
    return _text(unit.get("id")) if isinstance(unit, Mapping) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
