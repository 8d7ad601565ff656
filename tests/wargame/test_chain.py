"""The battle on its real scripts: published, run in a sandbox, committed, followed up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from scripting.bus import publishing
from scripting.bus.drain import DrainResult
from scripting.bus.streams import Stream
from scripting.engine import get_engine
from scripting.models import Execution, Script
from scripting.modules.installed import modules
from scripting.modules.topics import Topic
from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from scripting.types import ExecutionRequest, ScriptInput
from scripting.workers import drain_job
from tests.support.arena import make_script
from tests.wargame.conftest import Duel
from wargame.battle import start_battle
from wargame.director import Director
from wargame.models import BattleLogEntry, Game, Unit
from wargame.topics import TOPICS

pytestmark = pytest.mark.django_db(transaction=True)

EMBEDDED = files("wargame") / "scripts"
SURE_HIT = 'result = {"hit": True, "chance": 1.0}'


@pytest.fixture(scope="module", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()


@pytest.fixture(autouse=True)
def scripts(db: None, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """The embedded defaults, discovered as at start-up."""
    registry.forget()
    call_command("sync_scripts", verbosity=0)
    yield
    registry.forget()


def put(name: str, text: str) -> Script:
    """Make `text` the active version of a script of the wargame."""
    return make_script(text, name, "wargame")


def drain(key: str) -> None:
    """Run what waits for a game, follow-ups too; a drain hands over when others have waited long enough."""
    while drain_job.drain_once(Stream.of("wargame", key, "")) is DrainResult.HANDED_OVER:
        pass


def attack(duel: Duel) -> None:
    publishing.publish("wargame.action", duel.action(), key=duel.game.key)
    drain(duel.game.key)


def test_requirement_2_3_with_nothing_overriding_the_embedded_scripts_decide(duel: Duel) -> None:
    attack(duel)
    ran = Execution.objects.order_by("id").values_list("script__name", "status")
    assert list(ran)[:2] == [("event_processor", "succeeded"), ("hit_simulator", "succeeded")]
    entry = duel.game.log.order_by("sequence").first()  # type: ignore[attr-defined]
    assert entry.role == "primary"
    assert entry.decided_by.endswith("v1 · default")


def test_requirement_6_2_a_published_order_ends_in_the_units_health(duel: Duel) -> None:
    put("hit_simulator", SURE_HIT)
    put("damage_calculator", 'result = {"damage": 33, "base_damage": 40, "message": "by my own rule"}')
    attack(duel)
    duel.squad.refresh_from_db()
    entry = BattleLogEntry.objects.get(kind="damage")
    assert duel.squad.health == 47
    assert (entry.before, entry.after, entry.script, entry.version) == (80, 47, "damage_calculator", 2)
    decided = Execution.objects.get(pk=entry.execution_id)
    assert decided.script.name == "damage_calculator"
    assert decided.depth == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("result = 1 / 0", "ZeroDivisionError"),
        ('result = {"damage": "lots"}', "must be a number"),
        ("result = None", "must be a dict"),
        ("damage = 5", "must be a dict"),
    ],
)
def test_requirement_6_4_a_failing_script_never_stops_the_battle_and_is_marked(duel: Duel, text: str, why: str) -> None:
    put("hit_simulator", SURE_HIT)
    put("damage_calculator", text)
    attack(duel)
    duel.squad.refresh_from_db()
    entry = BattleLogEntry.objects.get(kind="damage")
    assert duel.squad.health < 80
    assert entry.fell_back
    assert why in entry.error
    assert Execution.objects.get(pk=entry.execution_id).status == "fell_back"


def test_a_disabled_script_leaves_its_events_to_the_built_in_rule(duel: Duel) -> None:
    Script.objects.filter(name="hit_simulator").update(enabled=False)
    registry.forget()
    attack(duel)
    decided = Execution.objects.get(script__name="hit_simulator")
    assert decided.status == "skipped"
    assert Execution.objects.filter(script__name="damage_calculator").exists() or duel.log("miss")


def test_a_chain_reaction_that_never_ends_is_cut_off_by_its_depth(duel: Duel) -> None:
    put("hit_simulator", SURE_HIT)
    put("damage_calculator", 'result = {"damage": 1}')
    put(
        "event_processor",
        'p = message["payload"]\n'
        'again = {"targetUnit": p.get("targetUnit"), "damageAmount": 1, "attacker": ""}\n'
        'result = {"valid": True, "chain_reaction": True, "follow_up_events": '
        '[{"topic": "wargame.event.damage", "payload": again}] if "targetUnit" in p and "damageAmount" in p else []}',
    )
    attack(duel)
    duel.squad.refresh_from_db()
    deepest = Execution.objects.order_by("-depth").first()
    assert deepest is not None
    assert (deepest.depth, deepest.status) == (9, "skipped")
    assert len(duel.log("chain")) == 5
    assert duel.squad.health == 80 - 6


def test_a_script_may_publish_by_calling_publish_event(duel: Duel) -> None:
    put(
        "event_processor",
        'p = message["payload"]\n'
        'if not p.get("chain"):\n'
        f'    publish_event("wargame.event.damage", {{"targetUnit": "{duel.tank.code}", "damageAmount": 7, "attacker": ""}})\n'
        'result = {"processed": True}',
    )
    publishing.publish("wargame.event.damage", duel.damage(10), key=duel.game.key)
    drain(duel.game.key)
    duel.tank.refresh_from_db()
    assert duel.tank.health == 113


def test_published_by_hand_damage_needs_no_game_id(duel: Duel) -> None:
    event = {"targetUnit": duel.squad.code, "damageAmount": 12, "attacker": duel.tank.code, "timestamp": 0}
    identity = publishing.publish("wargame.event.damage", event)
    drain_job.drain_once(Stream.of("wargame", "", identity))
    duel.squad.refresh_from_db()
    assert duel.squad.health == 68


def test_damage_calculator_runs_without_any_input() -> None:
    output = get_engine().execute(ExecutionRequest("wargame", "damage_calculator"))
    assert output.error is None
    assert {"damage", "base_damage", "message"} <= output.result.keys()


def test_the_same_seed_and_inputs_give_the_same_result(duel: Duel) -> None:
    hit = duel.shot()
    given = ScriptInput({"message": {"topic": "wargame.hit", "payload": hit}}, seed=4711, clock_us=1)
    first, second = (get_engine().execute(ExecutionRequest("wargame", "damage_calculator", given)) for _ in range(2))
    assert first.result == second.result


@pytest.mark.parametrize("name", ["hit_simulator", "damage_calculator", "event_processor"])
def test_an_embedded_script_has_no_finding_and_takes_every_event_it_is_subscribed_to(name: str) -> None:
    text = (EMBEDDED / f"{name}.py").read_text()
    report = get_engine().check(text, "python", module_name="wargame", name=name)
    assert report.ok
    assert not report.diagnostics
    for topic, payload in events_for(name):
        message = {"topic": topic.name, "payload": topic.validate(payload), "user_id": "", "metadata": {}}
        inputs = ScriptInput({"topic": topic.name, "message": message})
        output = get_engine().execute_source(text, input=inputs, module_name="wargame")
        assert output.error is None, (topic.name, output.error)


def events_for(script: str) -> Iterator[tuple[Topic, dict[str, Any]]]:
    """The examples of the topics that the script runs on, and what people publish by hand: the least that fits."""
    module = modules.get("wargame")
    assert module is not None
    for topic in TOPICS:
        if module.config.message_handlers.get(topic.name) == script:
            required = topic.json_schema()["$defs"][topic.schema.__name__]["required"]
            yield topic, topic.example
            yield topic, {key: topic.example[key] for key in required}


@pytest.mark.slow
def test_the_director_and_the_scripts_play_turns_together() -> None:
    start_battle(seed=1)  # the same one each time
    director = Director()
    for _ in range(12):
        director.step()
        for game in Game.objects.running():
            drain(game.key)
    game = Game.objects.get()
    kinds = set(game.log.values_list("kind", flat=True))  # type: ignore[attr-defined]
    assert {"move"} <= kinds
    assert kinds & {"damage", "miss"}
    assert not Execution.objects.exclude(status="succeeded").exists()
    assert Unit.objects.filter(moved_turn__gt=0).exists()


@pytest.fixture
def shooter(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("shooter"))
    return client


def test_a_test_shot_runs_hit_simulator_and_acts_on_the_battle(shooter: Client, duel: Duel) -> None:
    put("damage_calculator", 'result = {"damage": 9}')
    text = (EMBEDDED / "hit_simulator.py").read_text().replace("LOWEST_CHANCE = 0.05", "LOWEST_CHANCE = 1.0")
    put("hit_simulator", text.replace("HIGHEST_CHANCE = 0.95", "HIGHEST_CHANCE = 1.0"))
    form = {"attacker": duel.tank.code, "target": duel.squad.code, "distance": "2", "terrain": ""}
    answer = shooter.post("/debug/hit", form)
    assert answer.status_code == 200
    assert answer.json()["hit"] is True
    drain(duel.game.key)
    duel.squad.refresh_from_db()
    assert duel.squad.health == 71
    assert duel.squad.name in shooter.get("/debug/hit").content.decode()


def test_the_odds_alone_change_nothing(shooter: Client, duel: Duel) -> None:
    answer = shooter.post("/debug/hit", json.dumps({"distance": 3}), content_type="application/json")
    assert answer.json()["chance"] == 0.73
    assert not BattleLogEntry.objects.exists()


def test_a_test_shot_with_a_broken_script_is_answered_by_the_built_in_rule_and_says_so(
    shooter: Client, duel: Duel
) -> None:
    put("hit_simulator", "result = 1 / 0")
    answer: Any = shooter.post("/debug/hit", {"attacker": duel.tank.code, "target": duel.squad.code, "distance": "2"})
    assert answer.json()["fallback"] is True
    assert isinstance(answer.json()["result"]["hit"], bool)


@pytest.mark.parametrize(
    "body",
    ["null", "[]", '"x"', '{"attacker": 5, "target": []}', '{"attacker": "a", "target": "b", "distance": "far"}'],
)
def test_whatever_is_posted_the_site_says_which_field_does_not_fit_and_nothing_is_hit(
    shooter: Client, duel: Duel, body: str
) -> None:
    answer = shooter.post("/debug/hit", body, content_type="application/json")
    assert answer.status_code == 422
    assert "body" in answer.json()["error"]["field"]
    duel.squad.refresh_from_db()
    assert duel.squad.health == 80
