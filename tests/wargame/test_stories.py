"""The story of a log entry: one sentence, the decisions behind it, and the way to its executions and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from scripting.bus import publishing
from scripting.models import SEGMENTS, Attempt, Execution
from scripting.registry import knobs
from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from tests.wargame.test_chain import drain, put
from wargame import stories
from wargame.models import BattleLogEntry, Game, Unit
from wargame.play.said import said

pytestmark = pytest.mark.django_db(transaction=True)

LUCKY = 'result = {"hit": True, "chance": 0.61, "roll": 0.23}'
HARD = 'POINTS = 50  # knob 0..90: points\nresult = {"damage": POINTS}'


@pytest.fixture(scope="module", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()


@pytest.fixture(autouse=True)
def scripts(db: None, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    registry.forget()
    call_command("sync_scripts", verbosity=0)
    put("hit_simulator", LUCKY)
    yield
    registry.forget()


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("chief"))
    return client


def attack(duel: Duel, health: int = 80) -> None:
    Unit.objects.filter(pk=duel.squad.pk).update(health=health)
    Unit.objects.update(acted_turn=0)
    publishing.publish("wargame.action", duel.action(), key=duel.game.key)
    drain(duel.game.key)


def entry(kind: str) -> BattleLogEntry:
    return BattleLogEntry.objects.select_related("unit", "target", "game").get(kind=kind)


def test_the_sentence_names_chance_roll_damage_and_the_version_that_stood_in_for_a_broken_one(duel: Duel) -> None:
    put("damage_calculator", HARD)
    put("damage_calculator", "result = 1 / 0")
    attack(duel, health=30)
    by = "damage_calculator v2, standing in for v3, which was broken"
    told = f"Harbour Armour 1 shot at Ridge Infantry 1: 61 % to hit, rolled 23; 50 damage by {by}; that destroyed it."
    assert stories.sentence(entry("destroyed")) == told
    assert stories.sentence(entry("damage")) == told


@pytest.mark.slow
def test_a_version_that_its_breaker_withheld_is_named_with_the_reason(
    duel: Duel, chief: Client, settings: Settings
) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 1
    put("damage_calculator", HARD)
    put("damage_calculator", "result = 1 / 0")
    attack(duel)
    attack(duel, health=30)
    fallen = entry("destroyed")
    assert "by damage_calculator v2, standing in for v3, which was broken; that destroyed it" in stories.sentence(
        fallen
    )
    page = chief.get(f"/wargame/{duel.game.pk}/log/{fallen.sequence}/").content.decode()
    assert re.search(
        r"v3 was live since <time.*It was not tried: v3 failed once.*So v2 stood in for it", page, re.DOTALL
    )
    page = chief.get(f"/admin/scripting/execution/{fallen.execution_id}/change/").content.decode()
    assert "50 damage, by damage_calculator v2, standing in for v3, which was broken." in page


def test_the_log_names_the_set_of_values_that_decided_and_who_is_left(duel: Duel) -> None:
    knobs.publish(put("damage_calculator", HARD), {"POINTS": 20}, actor=None, reason="a calm evening")
    attack(duel)
    found = entry("damage")
    assert (found.version, found.knobs, found.side) == (2, 1, "harbour")
    assert found.decided_by == "damage_calculator v2 · override · knobs 1"
    assert stories.sentence(found).endswith("20 damage by damage_calculator v2 with knobs 1; 60 of 80 health left.")


def test_values_for_a_segment_alone_are_named_with_the_segment(duel: Duel, chief: Client) -> None:
    values: Any = {"POINTS": 20, SEGMENTS: [["segment Lower Ford", {"POINTS": 30}]]}
    knobs.publish(put("damage_calculator", HARD), values, actor=None, reason="a calm evening")
    Game.objects.update(map_name="Lower Ford")
    attack(duel)
    found = entry("damage")
    assert (found.after, found.knobs) == (50, 1)
    page = chief.get(f"/wargame/{duel.game.pk}/log/{found.sequence}/").content.decode()
    assert "Its knobs had the values of set 1 for segment Lower Ford." in page


def test_without_any_record_left_the_log_alone_tells_the_story(duel: Duel, chief: Client) -> None:
    put("damage_calculator", HARD)
    attack(duel)
    before = stories.sentence(entry("damage"))
    Attempt.objects.all().delete()
    Execution.objects.all().delete()
    assert stories.sentence(entry("damage")) == before
    page = chief.get(f"/wargame/{duel.game.pk}/log/{entry('damage').sequence}/").content.decode()
    assert before in page
    assert page.count("is no longer kept") == 4


def test_an_entry_of_earlier_times_tells_what_its_columns_hold(duel: Duel) -> None:
    old = logged(
        duel.game, "damage", "a hit", unit=duel.tank, target=duel.squad, before=80, after=50,  # type: ignore[arg-type]
        script="damage_calculator", version=2, role="fallback", error="it broke",
        decisions=[{"script": "damage_calculator", "version": 2, "role": "fallback", "execution": "", "error": "it broke"}],
    )  # fmt: skip
    assert stories.sentence(old) == (
        "Harbour Armour 1 shot at Ridge Infantry 1: a hit; 30 damage by damage_calculator v2, standing in for the live version, "
        "which was broken; 50 of 80 health left."
    )


@pytest.mark.slow
def test_from_an_entry_to_its_executions_and_from_each_of_them_back(duel: Duel, chief: Client) -> None:
    put("damage_calculator", HARD)
    put("damage_calculator", "result = 1 / 0")
    attack(duel, health=30)
    fallen = entry("destroyed")
    address = f"/wargame/{duel.game.pk}/log/{fallen.sequence}/"
    page = chief.get(address).content.decode()
    assert "It failed: division by zero." in re.sub(r"ZeroDivisionError: ", "", page)
    assert "So v2 stood in for it." in page
    linked = set(re.findall(r"/admin/scripting/execution/([0-9a-f-]{36})/change/", page))
    assert linked == {decision["execution"] for decision in fallen.decisions}
    assert len(linked) == 4
    for execution in linked:
        assert address in chief.get(f"/admin/scripting/execution/{execution}/change/").content.decode()
    shot = Execution.objects.get(script__name="hit_simulator")
    told = chief.get(f"/admin/scripting/execution/{shot.pk}/change/").content.decode()
    assert "61 % to hit, rolled 23, by hit_simulator v2." in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("topic", "payload", "result", "words"),
    [
        ("wargame.action", {}, {"valid": False, "reason": "out of range"}, "order refused, out of range"),
        ("wargame.attack", {}, {"hit": False, "chance": 0.61, "roll": 0.7}, "61 % to hit, rolled 70: a miss"),
        ("wargame.attack", {}, {"hit": False, "chance": 0.611, "roll": 0.6142}, "61.1 % to hit, rolled 61.4: a miss"),
        ("wargame.attack", {}, {"hit": True}, "a hit"),
        ("/debug/hit", {}, {"hit": True, "chance": 1.0, "roll": "much"}, "100 % to hit, a hit"),
        ("wargame.hit", {}, {"damage": 12, "critical": True}, "12 damage, critical"),
        ("wargame.event.damage", {"damageAmount": 9}, {"damage": 6, "message": "last stand"}, "6 damage instead of 9 (last stand)"),
        ("wargame.event.damage", {"damageAmount": 9}, {"damage": 9, "message": ""}, ""),
        ("wargame.state.update", {}, {"processed": True}, ""),
        ("wargame.hit", {}, None, ""),
    ],
)  # fmt: skip
def test_what_a_script_decided_in_a_few_words(
    topic: str, payload: dict[str, object], result: object, words: str
) -> None:
    assert said(topic, payload, result) == words
