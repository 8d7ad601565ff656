"""Any past board of a battle, rebuilt from its log."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from tests.wargame.table import Table
from wargame import presentation, rewind
from wargame.battle import start_battle
from wargame.director import Director
from wargame.models import BattleLogEntry, Game, LogKind, Unit
from wargame.models.log import KEYFRAME_EVERY
from wargame.play import deployment

pytestmark = pytest.mark.django_db

SMALL = {"infantry": 1, "armour": 2, "artillery": 1}
Boards = dict[int, dict[str, Any]]


class Fought:
    """A battle with whatever happens in one: fallbacks, other values, chain reactions, refused orders; boards kept on the way."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.game = start_battle(seed=seed, demo=False)
        self.recorded: Boards = {}
        self.table = Table()
        self.keep()

    def keep(self) -> None:
        self.game.refresh_from_db()
        if self.game.sequence not in self.recorded:
            self.recorded[self.game.sequence] = presentation.board_data(rewind.now(self.game))

    def play(self) -> None:
        director = Director(publish=self.table.publish)
        while self.game.is_running:
            director.advance(self.game)
            self.keep()
            while self.table.events:
                event = self.table.events.popleft()
                script = {
                    "wargame.action": "event_processor",
                    "wargame.attack": "hit_simulator",
                    "wargame.hit": "damage_calculator",
                    "wargame.event.damage": "event_processor",
                }.get(event.topic)
                if script is not None:
                    self.table.apply(event, script, self.decided(event.topic, event.payload), **self.how())
                    self.keep()

    def how(self) -> dict[str, Any]:
        role = self.dice.choices(["primary", "retry", "fallback", "built_in"], [12, 1, 3, 2])[0]
        return {
            "role": role,
            "error": "" if role == "primary" else "it broke",
            "knobs": self.dice.choice([None, None, 1, 2]),
        }

    def decided(self, topic: str, payload: dict[str, Any]) -> dict[str, Any]:
        match topic:
            case "wargame.action":
                return {"requires_validation": True, "valid": self.dice.random() < 0.95, "reason": "no fuel"}
            case "wargame.attack":
                return {"hit": self.dice.random() < 0.8, "chance": 0.8, "roll": 0.5}
            case "wargame.hit":
                return {"damage": self.dice.randrange(20, 60), "critical": self.dice.random() < 0.1}
        around = [unit["id"] for unit in payload["neighbours"]] if self.dice.random() < 0.3 else []
        blasts = [{"targetUnit": unit, "damageAmount": 9, "attacker": payload["attacker"]} for unit in around]
        return {"follow_up_events": [{"topic": "wargame.event.damage", "payload": blast} for blast in blasts]}


@pytest.mark.slow
@pytest.mark.once
def test_the_rewound_board_equals_the_recorded_one_at_100_random_moments_of_10_battles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployment, "ARMY", SMALL)
    seen: set[str] = set()
    for seed in range(10):
        fought = Fought(seed)
        fought.play()
        first = rewind.first_moment(fought.game)
        assert first is not None
        assert first.sequence == 1
        for sequence in [*fought.dice.sample(sorted(fought.recorded), 10), max(fought.recorded)]:
            rebuilt = presentation.board_data(rewind.at(fought.game, sequence))
            assert rebuilt == fought.recorded[sequence], (seed, sequence)
        seen |= set(BattleLogEntry.objects.filter(game=fought.game).values_list("kind", flat=True))
        seen |= set(BattleLogEntry.objects.filter(game=fought.game).values_list("role", flat=True))
    assert {"move", "damage", "chain", "miss", "destroyed", "refused", "turn", "end", "fallback", "built_in"} <= seen


@pytest.mark.slow
def test_a_moment_reads_a_keyframe_and_at_most_a_hundred_entries_however_long_the_battle_is(duel: Duel) -> None:
    def queries(sequence: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            rewind.at(duel.game, sequence)
        return len(asked)

    board = {"phase": "movement", "units": {}, "scores": {}}
    for number in range(1, 260):
        frame = number == 1 or number % KEYFRAME_EVERY == 0
        logged(duel.game, LogKind.IGNORED, "nothing", board=board, keyframe=frame)
    assert queries(2) == queries(199) == queries(259)


def test_a_battle_that_began_before_the_log_held_boards_can_be_rewound_from_its_next_turn_on(
    duel: Duel, client: Client, settings: Settings
) -> None:
    settings.WARGAME_PUBLIC = True
    for _ in range(3):
        logged(duel.game, LogKind.IGNORED, "of a release that kept no board")
    address = f"/wargame/{duel.game.pk}/"
    assert rewind.first_moment(duel.game) is None
    page = client.get(f"{address}?at=2").content.decode()
    assert "This battle cannot be rewound yet" in page
    assert "That moment cannot be shown" in page
    assert client.get(f"{address}at/2/").status_code == 409
    assert client.get(f"{address}at/99/").status_code == 404
    director = Director(publish=Table().publish)
    duel.hurt(duel.squad, 5)
    Unit.objects.update(moved_turn=1, acted_turn=1)
    director.advance(duel.game)
    first = rewind.first_moment(duel.game)
    assert first is not None
    assert (first.kind, first.turn, first.sequence) == ("turn", 2, 4)
    assert "can be rewound to turn 2" in client.get(address).content.decode()


@pytest.mark.slow
def test_a_link_holds_a_moment_and_changes_nothing(client: Client, settings: Settings, monkeypatch: Any) -> None:
    settings.WARGAME_PUBLIC = True
    monkeypatch.setattr(deployment, "ARMY", SMALL)
    fought = Fought(3)
    fought.play()
    before = presentation.board_data(rewind.now(Game.objects.get(pk=fought.game.pk)))
    fallen = BattleLogEntry.objects.filter(game=fought.game, kind="destroyed").order_by("sequence").first()
    assert fallen is not None
    address = f"/wargame/{fought.game.pk}/"
    page = client.get(f"{address}?at={fallen.sequence}").content.decode()
    assert f'data-at="{fallen.sequence}"' in page
    assert "What decided at this moment" in page
    assert page.count("data-wreck=") == 1
    assert f"{address}log/{fallen.sequence}/" in page
    answer = client.get(f"{address}at/{fallen.sequence}/").json()
    assert answer["entry"]["text"] == fallen.text
    assert {fragment["target"] for fragment in answer["fragments"]} == {
        "score",
        "now",
        "verdict",
        "card",
        "rosters",
        "log",
    }
    assert answer["status"] == "running"
    assert client.get(f"{address}at/{fought.game.sequence}/").json()["status"] == "finished"
    assert presentation.board_data(rewind.now(Game.objects.get(pk=fought.game.pk))) == before
