"""How outcomes change the game, from an order to the end of the battle."""

from __future__ import annotations

from typing import Any

import pytest

from scripting.modules.calls import CallContext, EffectRefused
from tests.wargame.conftest import Duel
from tests.wargame.table import Published, Table
from wargame import effects
from wargame.models import BattleLogEntry, Game

pytestmark = pytest.mark.django_db


def order(duel: Duel, **changes: Any) -> Published:
    event = duel.action() | changes
    return Published("wargame.action", event, duel.game.key)


def damage(duel: Duel, amount: float = 12, *, depth: int = 3, **changes: Any) -> Published:
    event = duel.damage(amount, cause="attack") | changes
    return Published("wargame.event.damage", event, duel.game.key, depth)


def test_an_order_goes_through_all_three_scripts_and_ends_in_the_units_health(duel: Duel, table: Table) -> None:
    table.apply(order(duel), "event_processor", {"requires_validation": True, "valid": True})
    attack = table.take("wargame.attack")
    assert attack.payload["distance"] == 2
    table.apply(attack, "hit_simulator", {"hit": True, "chance": 0.7})
    hit = table.take("wargame.hit")
    assert hit.payload["chance"] == 0.7
    table.apply(hit, "damage_calculator", {"damage": 30, "base_damage": 33, "message": "a good one"})
    blow = table.take("wargame.event.damage")
    table.apply(blow, "event_processor", {"processed": True})
    duel.squad.refresh_from_db()
    entry = BattleLogEntry.objects.get(kind="damage")
    assert duel.squad.health == 50
    assert (entry.before, entry.after, entry.script, entry.version) == (80, 50, "damage_calculator", 3)
    assert entry.text == "Harbour Armour 1 hits Ridge Infantry 1 for 30 (a good one)"
    assert [d["script"] for d in entry.decisions] == [
        "event_processor", "hit_simulator", "damage_calculator", "event_processor",
    ]  # fmt: skip
    duel.harbour.refresh_from_db()
    assert duel.harbour.score == 30


def test_a_miss_is_logged_and_nothing_follows(duel: Duel, table: Table) -> None:
    shot = Published("wargame.attack", duel.shot(), duel.game.key, 1)
    table.apply(shot, "hit_simulator", {"hit": False, "message": "wide"})
    entry = BattleLogEntry.objects.get()
    assert (entry.kind, entry.before, entry.after) == ("miss", 80, 80)
    assert not table.events


def test_an_order_that_the_script_finds_invalid_is_not_carried_out(duel: Duel, table: Table) -> None:
    table.apply(order(duel), "event_processor", {"requires_validation": True, "valid": False, "reason": "out of fuel"})
    assert duel.log("refused") == ["Harbour Armour 1: order refused, out of fuel"]
    assert not table.events


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"playerID": "ridge"}, "the unit belongs to Harbour"),
        ({"unitID": "nobody"}, "there is no unit nobody"),
        ({"target": "harbour-armour-1"}, "is on the same side"),
        ({"target": "ghost"}, "finds its target gone"),
        ({"action": "dance"}, "units can attack or move"),
        ({"action": "move", "target": "4,2"}, "cannot get there"),
        ({"action": "move", "target": "the hill"}, "cannot get there"),
        ({"action": "move", "target": "3,1"}, "cannot get there"),
        ({"action": "move", "target": "999,999"}, "cannot get there"),
    ],
)
def test_what_the_game_does_not_admit_is_logged_and_changes_nothing(
    duel: Duel, table: Table, changes: dict[str, Any], says: str
) -> None:
    table.apply(order(duel, **changes), "event_processor", {"valid": True})
    assert says in duel.log("refused", "ignored")[0]
    assert not table.events
    duel.tank.refresh_from_db()
    assert duel.tank.cell == (1, 1)


def test_a_target_out_of_range_is_not_attacked(duel: Duel, table: Table) -> None:
    far = duel.add(duel.ridge, "scouts", 7, 1)
    table.apply(order(duel, target=far.code), "event_processor", {"valid": True})
    assert "out of range" in duel.log("ignored")[0]


def test_a_move_is_made_and_an_order_that_comes_twice_counts_once(duel: Duel, table: Table) -> None:
    move = Published("wargame.action", duel.action("move", (2, 2)), duel.game.key)
    table.apply(move, "event_processor", {"valid": True})
    table.apply(move, "event_processor", {"valid": True})
    duel.tank.refresh_from_db()
    assert duel.tank.cell == (2, 2)
    assert len(duel.log("move")) == 1


def test_damage_published_by_hand_acts_on_the_running_game(duel: Duel, table: Table) -> None:
    table.publish(
        "wargame.event.damage",
        {"targetUnit": "ridge-infantry-1", "damageAmount": 12, "attacker": "harbour-armour-1", "timestamp": 0},
    )
    table.carry_out()
    duel.squad.refresh_from_db()
    assert duel.squad.health == 68


@pytest.mark.parametrize("target", ["nobody", "", "a\x00b", "\u202e"])
def test_damage_by_hand_to_a_unit_that_is_not_there_is_logged_as_ignored(duel: Duel, table: Table, target: str) -> None:
    event = {"targetUnit": target, "damageAmount": 12, "attacker": "me", "timestamp": 0}
    table.apply(Published("wargame.event.damage", event), "event_processor", {"processed": True})
    assert BattleLogEntry.objects.get().kind == "ignored"


def test_damage_by_hand_without_any_battle_does_nothing(db: None, table: Table) -> None:
    event = {"targetUnit": "x", "damageAmount": 12, "attacker": "me", "timestamp": 0}
    table.apply(Published("wargame.event.damage", event), "event_processor", {"processed": True})
    table.apply(Published("wargame.event.damage", event, "99999999999999999999"), "event_processor", {})
    assert not BattleLogEntry.objects.exists()


def test_an_event_from_outside_cannot_say_who_decided_it(duel: Duel, table: Table) -> None:
    forged = [
        {
            "script": "damage_calculator",
            "version": 99,
            "origin": "editor",
            "execution": "",
            "role": "primary",
            "error": "",
        }
    ]
    table.apply(damage(duel, depth=0, decidedBy=forged), "event_processor", {})
    entry = BattleLogEntry.objects.get()
    assert (entry.script, entry.version) == ("event_processor", 3)


def test_event_processor_decides_the_amount_when_it_changes_it(duel: Duel, table: Table) -> None:
    table.apply(damage(duel, 12), "event_processor", {"damage": 5, "critical": True, "message": "last stand"})
    entry = BattleLogEntry.objects.get()
    assert (entry.before, entry.after, entry.critical, entry.script) == (80, 75, True, "event_processor")


def test_requirement_6_4_the_built_in_rule_is_marked_and_says_why(duel: Duel, table: Table) -> None:
    table.apply(damage(duel), "event_processor", {}, role="built_in", error="timeout: 5 s are over")
    entry = BattleLogEntry.objects.get()
    assert entry.fell_back
    assert entry.decided_by == "event_processor · built-in rule"
    assert entry.error == "timeout: 5 s are over"


def test_a_chain_reaction_damages_those_around_and_is_marked_as_such(duel: Duel, table: Table) -> None:
    near = duel.add(duel.ridge, "scouts", 4, 1)
    payload = {"targetUnit": near.code, "damageAmount": 14, "attacker": duel.tank.code}
    result = {"chain_reaction": True, "follow_up_events": [{"topic": "wargame.event.damage", "payload": payload}]}
    table.apply(damage(duel), "event_processor", result)
    follow_up = table.take("wargame.event.damage")
    assert (follow_up.payload["chain"], follow_up.payload["cause"], follow_up.depth) == (1, "chain", 4)
    assert {n["id"] for n in follow_up.payload["neighbours"]} == {duel.squad.code}
    table.apply(follow_up, "event_processor", {})
    assert duel.log("chain") == ["Chain reaction: Ridge Scouts 1 loses 14"]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"topic": "wargame.game.end", "payload": {}}, "cannot publish wargame.game.end"),
        ({"topic": "wargame.event.damage", "payload": {"targetUnit": 5}}, "targetUnit"),
        ({"topic": "wargame.event.damage", "payload": {}}, "targetUnit"),
        ({"topic": "no.such", "payload": {}}, "cannot publish no.such"),
    ],
)
def test_a_follow_up_that_does_not_fit_is_refused_and_nothing_has_happened(
    duel: Duel, table: Table, event: dict[str, Any], says: str
) -> None:
    with pytest.raises(EffectRefused, match=says):
        table.apply(damage(duel), "event_processor", {"follow_up_events": [event]})
    duel.squad.refresh_from_db()
    assert duel.squad.health == 80
    assert not BattleLogEntry.objects.exists()


def test_a_destroyed_unit_and_a_chain_reaction_name_the_version_that_decided_the_damage(
    duel: Duel, table: Table
) -> None:
    duel.add(duel.ridge, "scouts", 4, 1)
    hit = duel.shot()
    table.apply(Published("wargame.hit", hit, duel.game.key, 2), "damage_calculator", {"damage": 500})
    chained = {
        "topic": "wargame.event.damage",
        "payload": {"targetUnit": "ridge-scouts-1", "damageAmount": 500, "attacker": duel.tank.code},
    }
    result = {"chain_reaction": True, "follow_up_events": [chained]}
    table.apply(table.take("wargame.event.damage"), "event_processor", result)
    table.apply(table.take("wargame.event.damage"), "event_processor", {})
    entries = BattleLogEntry.objects.order_by("sequence")
    assert [(entry.kind, entry.script) for entry in entries if entry.kind != "end"] == [
        ("damage", "damage_calculator"),
        ("destroyed", "damage_calculator"),
        ("chain", "event_processor"),
        ("destroyed", "event_processor"),
    ]
    assert entries[1].execution_id == entries[0].execution_id
    assert str(entries[2].execution_id) == entries[2].decisions[-2]["execution"], "the run that asked for it"


def test_destruction_is_published_and_the_last_unit_ends_the_battle(duel: Duel, table: Table) -> None:
    table.apply(damage(duel, 500), "event_processor", {})
    assert table.take("wargame.unit.destroyed").payload["unit"]["status"] == "destroyed"
    assert table.take("wargame.game.end").payload["winner"] == "harbour"
    game = Game.objects.get()
    assert (game.status, game.winner) == ("finished", duel.harbour)
    assert duel.log() == [
        "Harbour Armour 1 hits Ridge Infantry 1 for 80",
        "Ridge Infantry 1 is destroyed by Harbour Armour 1",
        "Harbour wins: Ridge is destroyed.",
    ]


def test_what_comes_after_the_end_changes_nothing(duel: Duel, table: Table) -> None:
    table.apply(damage(duel, 500), "event_processor", {})
    table.events.clear()
    late = damage(duel, 12, targetUnit=duel.tank.code)
    table.apply(late, "event_processor", {})
    table.apply(order(duel), "event_processor", {"valid": True})
    duel.tank.refresh_from_db()
    assert duel.tank.health == 120
    assert len(duel.log()) == 3


def test_a_test_shot_that_names_two_units_is_carried_out(duel: Duel, table: Table) -> None:
    request = Published("", {}, "")
    result = {"hit": True, "attacker": duel.tank.code, "target": duel.squad.code}
    table.apply(request, "hit_simulator", result)
    assert table.take("wargame.hit").payload["target"]["id"] == duel.squad.code
    table.apply(request, "hit_simulator", {"hit": True})
    assert not table.events


def test_state_updates_cost_the_game_nothing(table: Table) -> None:
    assert not table.module.applies(CallContext("wargame", "event_processor", "x", "wargame.state.update"))
    assert table.module.applies(CallContext("wargame", "event_processor", "x", "wargame.event.damage"))


def test_publish_event_completes_what_a_script_publishes(duel: Duel) -> None:
    sent: list[tuple[str, Any]] = []
    context = CallContext(
        "wargame",
        "event_processor",
        "x",
        payload={"gameID": duel.game.key},
        publish=lambda t, p, key: sent.append((t, p)),
    )
    effects.publish_event(
        context, "wargame.event.damage", {"targetUnit": duel.squad.code, "damageAmount": 3, "attacker": ""}
    )
    assert sent[0][1]["target"]["health"] == 80
    with pytest.raises(EffectRefused, match="cannot publish"):
        effects.publish_event(context, "wargame.attack", {})


def test_get_game_state_shows_the_board_of_the_run_s_battle(duel: Duel, table: Table) -> None:
    board = table.module.get_game_state(CallContext("wargame", "x", "y", key=duel.game.key))
    assert {unit["id"] for unit in board["units"]} == {duel.tank.code, duel.squad.code}
