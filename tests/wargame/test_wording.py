"""Events of the wargame in words: people find the one they look for by who, whom, where and when."""

from __future__ import annotations

from typing import Any

import pytest

from wargame.module import WargameModule
from wargame.topics import TOPICS
from wargame.wording import SAY

SHOT = {
    "gameID": "7",
    "turn": 4,
    "attacker": {"id": "ridge-scouts-1", "name": "Ridge Scouts 1"},
    "target": {"id": "harbour-armour-2", "name": "Harbour Armour 2", "position": {"x": 3, "y": 4}, "terrain": "forest"},
    "distance": 2,
}
DAMAGE = {
    "gameID": "7",
    "turn": 4,
    "targetUnit": "harbour-armour-2",
    "target": SHOT["target"],
    "attacker": "ridge-scouts-1",
    "damageAmount": 12,
}
ACTION = {"unitID": "ridge-scouts-1", "unit": SHOT["attacker"], "distance": 1, "turn": 4, "gameID": "7"}


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        (
            "wargame.attack",
            SHOT,
            "Ridge Scouts 1 fires at Harbour Armour 2 at 3,4 in forest, 2 hexes away; turn 4, battle 7",
        ),
        (
            "wargame.hit",
            SHOT | {"turn": 0, "gameID": ""},
            "Ridge Scouts 1 hits Harbour Armour 2 at 3,4 in forest, 2 hexes away",
        ),
        (
            "wargame.event.damage",
            DAMAGE,
            "12 damage to Harbour Armour 2 at 3,4 in forest from ridge-scouts-1; turn 4, battle 7",
        ),
        (
            "wargame.event.damage",
            DAMAGE | {"attacker": "", "critical": True, "chain": 1, "target": None},
            "a critical 12 damage to harbour-armour-2 by chain reaction; turn 4, battle 7",
        ),
        (
            "wargame.action",
            ACTION | {"action": "attack", "target": "harbour-armour-2", "targetUnit": SHOT["target"]},
            "Ridge Scouts 1 is to attack Harbour Armour 2 at 3,4 in forest, 1 hex away; turn 4, battle 7",
        ),
        (
            "wargame.action",
            ACTION | {"action": "move", "target": "3,4"},
            "Ridge Scouts 1 is to move to 3,4, 1 hex away; turn 4, battle 7",
        ),
        (
            "wargame.state.update",
            {"phase": "combat", "units": [1, 2], "turn": 4, "gameID": "7"},
            "the board in combat, 2 units; turn 4, battle 7",
        ),
        ("/debug/hit", {"attacker": "a", "target": "b", "distance": 3}, "test shot of a at b, 3 hexes away"),
        ("/debug/hit", {}, "test shot"),
        ("wargame.game.start", {"gameID": "7"}, ""),
    ],
)
def test_an_event_is_said_by_who_whom_where_and_when(topic: str, payload: dict[str, Any], words: str) -> None:
    assert WargameModule().event_in_words(topic, payload) == words


def test_every_event_that_scripts_run_on_has_words_and_none_needs_a_field() -> None:
    config = WargameModule.config
    assert SAY.keys() == config.message_handlers.keys() | config.endpoint_scripts.keys()
    for topic in TOPICS:
        if topic.name in SAY:
            assert WargameModule().event_in_words(topic.name, topic.example)
    for topic in SAY:
        for payload in ({}, dict.fromkeys(("unit", "target", "attacker", "units", "turn"), 3)):
            assert WargameModule().event_in_words(topic, payload)
