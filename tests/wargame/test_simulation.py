"""Simulated battles: told line for line as live ones of the same seed and scripts, on real sandboxes, Redis and database."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scripting.bus import drain
from scripting.bus.drain import DrainResult
from scripting.bus.streams import Stream
from scripting.evidence import playing
from scripting.models import SEGMENTS, Script
from scripting.modules.installed import modules
from scripting.registry import knobs
from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from scripting.types import SimulatedPlay
from scripting.workers import drain_job
from tests.support.arena import make_script
from wargame.battle import start_battle
from wargame.director import Director
from wargame.models import BattleLogEntry, Game
from wargame.play import deployment
from wargame.play.boards import folded

pytestmark = pytest.mark.django_db(transaction=True)

WARGAME = Path(str(files("wargame")))
SCRIPTS = ("damage_calculator", "event_processor", "hit_simulator")
FIERCE = {
    "python": {"MULTIPLIER = 2.0": "MULTIPLIER = 5.0", "CRITICAL_CHANCE = 0.10": "CRITICAL_CHANCE = 0.80"},
    "tengo": {"multiplier := 2.0": "multiplier := 5.0", "critical_chance := 0.10": "critical_chance := 0.80"},
}
"""Battles on real scripts that are over soon."""


SMALL = {"infantry": 1, "armour": 2, "artillery": 1}
WILD = """
payload = message["payload"]
result = {"valid": True, "processed": True}
if message["topic"] == "wargame.event.damage":
    board = get_game_state()
    if rand() < 0.2:
        result["follow_up_events"] = [{"topic": "wargame.game.end", "payload": {}}]
    elif rand() < 0.3 and not payload["chain"]:
        unit = board["units"][int(rand() * len(board["units"]))]
        publish_event("wargame.event.damage", {"targetUnit": unit["id"], "damageAmount": 9, "attacker": ""})
        result["message"] = f"{sum(one['health'] for one in board['units'])} left"
elif message["topic"] == "wargame.state.update" and rand() < 0.5:
    publish_event("wargame.event.damage", {"targetUnit": payload["units"][0]["id"], "damageAmount": 3, "attacker": ""})
elif rand() < 0.1:
    result = {"valid": False, "requires_validation": True, "reason": "no fuel"}
"""


@pytest.fixture(scope="module", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A drain that ends at once where nothing waits: a battle is two hundred of them."""
    monkeypatch.setattr(drain, "LINGER_SECONDS", 0)
    registry.forget()
    yield
    registry.forget()


def rules_in(language: str) -> None:
    """The wargame's own rules in this language, fierce."""
    folder = WARGAME / "scripts" if language == "python" else WARGAME / "overrides" / language
    for file in sorted(folder.iterdir()):
        if file.stem in SCRIPTS:
            text = file.read_text()
            for mild, fierce in FIERCE[language].items():
                text = text.replace(mild, fierce)
            make_script(text, file.stem, "wargame", language)


def fought(seed: int) -> Game:
    """A live battle from start to end: the director's steps, each drained as a worker drains it."""
    director, game = Director(), start_battle(seed=seed, demo=False)
    while game.is_running:
        director.advance(game)
        while drain_job.drain_once(Stream.of("wargame", game.key, "")) is DrainResult.HANDED_OVER:
            pass
        game.refresh_from_db()
    return game


def simulated(seed: int) -> SimulatedPlay:
    """The same in memory, by what is live."""
    return playing.play_of("wargame", playing.sides_with("wargame", {}).live, seed).play


def told(game: Game) -> list[dict[str, Any]]:
    """The live log in the form of a simulated one: without ids of executions and times."""
    entries = BattleLogEntry.objects.filter(game=game).select_related("unit", "target").order_by("sequence")
    return [
        {
            "sequence": entry.sequence,
            "turn": entry.turn,
            "kind": entry.kind,
            "text": entry.text,
            "unit": entry.unit.code if entry.unit else None,
            "target": entry.target.code if entry.target else None,
            "before": entry.before,
            "after": entry.after,
            "critical": entry.critical,
            "script": entry.script,
            "version": entry.version,
            "origin": entry.origin,
            "role": entry.role,
            "error": entry.error,
            "decisions": [f"{one['script']} {one['version'] or one['role']}" for one in entry.decisions],
        }
        for entry in entries
    ]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize(("language", "seeds"), [("python", range(10)), ("tengo", range(10, 20))])
def test_a_simulated_and_a_live_battle_tell_the_same_log(
    monkeypatch: pytest.MonkeyPatch, language: str, seeds: range
) -> None:
    rules_in(language)
    for seed in seeds:
        game, played = fought(seed), simulated(seed)
        assert list(played.log) == told(game), seed
        assert played.outcome == f"{game.winner.name if game.winner else 'Nobody'} won"
        assert played.measures["turns"] == game.turn
        scores = [side.score for side in game.sides.all()]  # type: ignore[attr-defined]
        assert [played.measures["harbour_score"], played.measures["ridge_score"]] == scores
        monkeypatch.setattr(
            deployment, "ARMY", SMALL
        )  # the first battle is of whole armies, the others are over sooner


@pytest.mark.slow
def test_scripts_that_fail_ask_and_set_off_events_are_told_alike(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fallbacks, refusals, the built-in rule and its dice, reads, publish_event, chains: whatever the live path knows."""
    rules_in("python")
    make_script(WILD, "event_processor", "wargame")
    make_script(
        "if rand() < 0.3:\n    result = 1 / 0\nelse:\n    result = {'damage': 40}", "damage_calculator", "wargame"
    )
    monkeypatch.setattr(deployment, "ARMY", SMALL)
    settings.SCRIPTING_BREAKER_FAILURES = settings.SCRIPTING_BREAKER_RUNS = 10_000
    for seed in (1, 2):
        game, played = fought(seed), simulated(seed)
        assert list(played.log) == told(game)
        roles = {line["role"] for line in played.log}
        assert {"primary", "fallback", "built_in"} <= roles


def test_a_planted_difference_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    rules_in("python")
    monkeypatch.setattr(deployment, "ARMY", SMALL)
    before = simulated(3)
    assert simulated(3) == before, "the same scripts play the same battle"
    text = (WARGAME / "scripts" / "damage_calculator.py").read_text().replace("SPREAD = 0.25", "SPREAD = 0.26")
    make_script(text, "damage_calculator", "wargame")
    registry.forget()
    assert simulated(3).log != before.log


def test_a_battle_is_told_by_measures_and_by_steps_that_lead_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rules_in("python")
    monkeypatch.setattr(deployment, "ARMY", SMALL)
    played = simulated(5)
    module: Any = modules.get("wargame")
    assert played.measures.keys() == module.play_measures.keys()
    assert {name for name, value in played.measures.items() if name in module.play_shares and value in (0, 1)} == {
        "harbour_wins",
        "ridge_wins",
    }
    board = folded([played.start["board"], *played.steps])
    assert [step["lines"] for step in played.steps][-1][1] == len(played.log)
    fallen = sum(health == 0 for health, _x, _y in board["units"].values())
    assert board["scores"] == {side: played.measures[f"{side}_score"] for side in ("harbour", "ridge")}
    assert fallen == played.measures["harbour_lost"] + played.measures["ridge_lost"]
    assert msgspec.json.encode([played.start, played.steps, played.log])


@pytest.mark.slow
def test_values_of_knobs_for_one_map_hold_in_its_battles_alone_simulated_or_not() -> None:
    maps = {seed: deployment.deploy(seed, now=0).battle.map.name for seed in range(9)}
    here, there = 0, next(seed for seed, name in maps.items() if name != maps[0])
    game = start_battle(seed=here, demo=False)
    wargame = modules.get("wargame")
    assert wargame is not None
    assert (wargame.segment(game.key), wargame.segment("nobody's")) == (maps[here], None)
    rules_in("python")
    before = {seed: simulated(seed).log for seed in (here, there)}
    script = Script.objects.get(module="wargame", name="damage_calculator")
    own = {"CRITICAL_CHANCE": 0.1}
    knobs.publish(script, {SEGMENTS: [[f"segment {maps[here]}", own]]}, actor=None, reason="mild")
    registry.forget()
    assert simulated(there).log == before[there]
    assert simulated(here).log != before[here]
