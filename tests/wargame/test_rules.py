"""The built-in rules, the geometry and the maps."""

from __future__ import annotations

import random

import pytest

from scripting.modules.calls import CallContext, CallRefused
from scripting.modules.installed import modules
from wargame import hexes, rules
from wargame.kinds import KINDS
from wargame.maps import MAPS, BattleMap
from wargame.play.deployment import ARMY
from wargame.topics import TOPICS


def test_distance_counts_hexes_along_the_shortest_way() -> None:
    assert hexes.distance((0, 0), (0, 0)) == 0
    assert all(hexes.distance((4, 3), cell) == 1 for cell in hexes.neighbours((4, 3)))
    assert all(hexes.distance((4, 4), cell) == 1 for cell in hexes.neighbours((4, 4)))
    assert hexes.distance((0, 0), (15, 9)) == 20


def test_the_line_between_two_cells_has_one_cell_a_step() -> None:
    for end in [(7, 0), (3, 8), (0, 9), (12, 5)]:
        cells = hexes.between((2, 3), end)
        assert len(cells) == hexes.distance((2, 3), end) - 1
        assert [hexes.distance((2, 3), cell) for cell in cells] == list(range(1, len(cells) + 1))


def test_movement_is_spent_by_terrain_and_stopped_by_water() -> None:
    field = BattleMap("strip", ("..f.~.",))
    assert hexes.reachable((0, 0), 4, field.costs) == {(0, 0): 0, (1, 0): 1, (2, 0): 3, (3, 0): 4}


@pytest.mark.parametrize("battle_map", MAPS, ids=lambda m: m.name)
def test_every_map_is_one_piece_of_land(battle_map: BattleMap) -> None:
    land = {cell for cell, terrain in battle_map.cells() if terrain.cost is not None}
    assert set(hexes.reachable(min(land), 999, battle_map.costs)) == land
    assert {len(row) for row in battle_map.rows} == {16}


def test_an_army_has_twelve_units_of_six_kinds() -> None:
    assert set(ARMY) == set(KINDS)
    assert len(KINDS) >= 6
    assert sum(ARMY.values()) == 12


def test_cover_distance_and_what_is_in_between_lower_the_chance_to_hit() -> None:
    open_field = rules.chance_to_hit(1, "plain", 0)
    assert rules.chance_to_hit(4, "plain", 0) < open_field
    assert rules.chance_to_hit(1, "forest", 0) < open_field
    assert rules.chance_to_hit(1, "plain", 2) < open_field
    assert rules.chance_to_hit(99, "town", 99) == 0.05


def test_armour_and_distance_lower_the_damage_and_a_hit_always_hurts() -> None:
    assert rules.damage_of_hit(30, 0, 1, 3) == 30
    assert rules.damage_of_hit(30, 10, 1, 3) == 20
    assert rules.damage_of_hit(30, 0, 3, 3) < 30
    assert rules.damage_of_hit(1, 500) == 1


@pytest.mark.parametrize("script", sorted(rules.BUILT_IN))
@pytest.mark.parametrize("topic", [None, *TOPICS], ids=lambda t: t.name if t else "no input")
def test_every_built_in_rule_answers_whatever_it_is_given(script: str, topic: object) -> None:
    inputs = {} if topic is None else {"topic": topic.name, "message": {"payload": topic.example}}  # type: ignore[attr-defined]
    assert isinstance(rules.BUILT_IN[script](inputs, random.Random(1)), dict)


def test_the_built_in_rule_of_one_execution_always_rolls_the_same() -> None:
    module = modules.get("wargame")
    context = CallContext("wargame", "hit_simulator", "0190aaaa-0000-7000-8000-000000000001", "wargame.attack")
    assert module.built_in(context, {}) == module.built_in(context, {})


def test_a_script_without_built_in_rule_has_none() -> None:
    with pytest.raises(NotImplementedError, match="morale"):
        modules.get("wargame").built_in(CallContext("wargame", "morale", "x"), {})


def test_calculate_damage_is_the_built_in_rule_and_refuses_odd_numbers() -> None:
    module, context = modules.get("wargame"), CallContext("wargame", "damage_calculator", "x")
    assert module.calculate_damage(context, 30, 10, 1, 3) == rules.damage_of_hit(30, 10, 1, 3)
    with pytest.raises(CallRefused, match="attack must lie between"):
        module.calculate_damage(context, float("nan"))


def test_requirement_2_4_the_module_lists_which_script_runs_on_what() -> None:
    config = modules.get("wargame").config
    for topic in ("wargame.event.damage", "wargame.state.update", "wargame.action"):
        assert config.message_handlers[topic] == "event_processor"
    assert config.endpoint_scripts == {"/debug/hit": "hit_simulator"}
