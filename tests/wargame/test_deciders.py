"""The battle page says when another version takes over, and how the rule to change first has fared under each."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from scripting.models import Breaker, Script
from scripting.registry import knobs, publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from wargame import presentation
from wargame.battle import start_battle
from wargame.deciders import rule_card, takeovers
from wargame.models import BattleLogEntry, LogKind

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public(settings: Any) -> None:
    settings.WARGAME_PUBLIC = True


def hit(duel: Duel, version: int, *, critical: bool = False, role: str = "primary") -> BattleLogEntry:
    """An outcome that damage_calculator decided."""
    decision = {"script": "damage_calculator", "version": version, "execution": "", "role": role}
    return logged(
        duel.game, LogKind.DAMAGE, "a hit", unit=duel.tank, target=duel.squad, before=80, after=60,
        script="damage_calculator", version=version, role=role, critical=critical, decisions=[decision],
    )  # fmt: skip


def taken(entries: list[BattleLogEntry]) -> dict[int, list[tuple[str, int]]]:
    return {at: [(each.script, each.version) for each in found] for at, found in takeovers(entries).items()}


def test_an_entry_that_another_version_decided_says_so(client: Client, duel: Duel) -> None:
    hit(duel, 1)
    hit(duel, 2)
    hit(duel, 2)
    html = client.get(f"/wargame/{duel.game.pk}/").content.decode()
    assert html.count("decides from here on") == 1
    assert "damage_calculator v2 decides from here on" in html
    assert "/scripts/wargame/damage_calculator/history/?old=1&amp;new=2" in html


def test_going_back_to_an_earlier_version_is_a_takeover_too(duel: Duel) -> None:
    entries = [hit(duel, 1), hit(duel, 2), hit(duel, 1)]
    assert taken(entries) == {2: [("damage_calculator", 2)], 3: [("damage_calculator", 1)]}


def test_a_version_that_stands_in_for_a_failing_one_has_not_taken_over(duel: Duel) -> None:
    assert taken([hit(duel, 2), hit(duel, 1, role="fallback"), hit(duel, 2)]) == {}


def test_a_page_that_has_seen_the_change_is_not_told_again(duel: Duel) -> None:
    hit(duel, 1)
    hit(duel, 2)
    assert taken([hit(duel, 2)]) == {}
    assert taken([hit(duel, 3)]) == {4: [("damage_calculator", 3)]}


def test_a_version_published_between_two_battles_is_noticed_in_the_second(duel: Duel) -> None:
    hit(duel, 1)
    duel.game.finish(None, "Nobody wins")
    duel.game = start_battle(seed=1)
    duel.tank, duel.squad = duel.game.units.all()[:2]
    assert taken([hit(duel, 2)]) == {2: [("damage_calculator", 2)]}


def publish(source: str, language: str = "python") -> None:
    script, _ = Script.objects.get_or_create(module="wargame", name="damage_calculator")
    publishing.publish(script, language, source, actor=None, reason="for a test", base=AnyBase)
    registry.forget()


def live() -> Script:
    return Script.objects.select_related("active_version").get(module="wargame", name="damage_calculator")


def open_breaker() -> None:
    """As after five failures in a row of what is live."""
    Breaker.objects.create(version=live().active_version, failures=5, opened_at=timezone.now(), last_error="1 / 0")


@pytest.mark.parametrize(
    ("line", "percent", "proposed"),
    [("CRITICAL_CHANCE = 0.10  # rare", 10, "0.9"), ("CRITICAL_CHANCE = 0.9", 90, "0.1"), ("LUCK = 2", None, "0.9")],
)
def test_the_card_says_what_the_rule_says_and_proposes_what_shows(
    line: str, percent: int | None, proposed: str
) -> None:
    publish(f"{line}\nresult = {{'damage': 1}}\n")
    card = rule_card()
    assert (card["version"], card["percent"], card["proposed"]) == (1, percent, proposed)
    assert card["url"].endswith("/damage_calculator/?find=CRITICAL_CHANCE" if percent else "/damage_calculator/")


def test_the_card_counts_what_each_version_did_in_this_battle(duel: Duel) -> None:
    publish("result = {'damage': 1}\n")
    hit(duel, 1, critical=True)
    hit(duel, 1)
    publish("result = {'damage': 2}\n")
    rows = rule_card(duel.game)["figures"]
    assert [(row["version"], row["now"], row["hits"], row["critical"]) for row in rows] == [
        (2, True, 0, 0),
        (1, False, 2, 1),
    ]
    hit(duel, 2, critical=True)
    assert rule_card(duel.game)["figures"][0]["percent"] == 100


def test_the_end_of_a_battle_names_who_did_most_and_leads_on(client: Client, duel: Duel) -> None:
    hit(duel, 1)
    duel.game.demo = True
    duel.game.save()
    duel.game.finish(duel.tank.side, f"{duel.tank.side.name} wins: the other is routed")
    address = f"/wargame/{duel.game.pk}/"
    html = client.get(address).content.decode()
    assert f"Most damage: {duel.tank.name}, 20 points" in html
    assert "Hits decided by damage_calculator: 1 by v1." in html
    assert "The next battle begins in a moment" in html
    start_battle(seed=1)
    assert "Watch the battle that runs now" in client.get(address).content.decode()


def test_each_step_on_the_way_is_named_by_what_it_decided(duel: Duel) -> None:
    scripts = ["event_processor", "hit_simulator", "damage_calculator", "event_processor"]
    decisions = [{"script": name, "version": 1, "execution": "", "role": "primary"} for name in scripts]
    entry = logged(duel.game, LogKind.DAMAGE, "a hit", decisions=decisions)
    row = presentation.row_of(entry)
    assert [decision["step"] for decision in row["decisions"]] == ["order", "shot", "damage", "effect"]


@pytest.mark.parametrize(
    ("language", "line", "said", "find"),
    [
        ("tengo", "critical_chance := 0.10  // rare", "critical_chance := 0.10", "critical_chance"),
        ("zygomys", "(def critical_chance 0.10)  // rare", "(def critical_chance 0.10)", "critical_chance"),
    ],
)
def test_the_card_names_the_constant_as_the_live_language_writes_it(
    client: Client, duel: Duel, language: str, line: str, said: str, find: str
) -> None:
    publish(f"{line}\n" + ("result := {damage: 1}\n" if language == "tengo" else "{damage: 1}\n"), language)
    card = rule_card()
    assert (card["said"], card["percent"], card["proposed"]) == (said, 10, "0.9")
    assert card["url"].endswith(f"?find={find}")
    assert said in client.get("/wargame/").content.decode()


def test_the_card_names_no_constant_that_the_live_text_lacks(client: Client, duel: Duel) -> None:
    publish("result = {'damage': 1}\n")
    html = client.get("/wargame/").content.decode()
    assert "CRITICAL_CHANCE" not in html
    assert "change a number in it" in html
    assert rule_card()["url"] == "/scripts/wargame/damage_calculator/"


def test_while_the_breaker_is_open_the_card_says_who_decides_and_that_the_live_version_does_not(
    client: Client, duel: Duel
) -> None:
    publish("result = {'damage': 1}\n")
    publish("CRITICAL_CHANCE = 0.1\nresult = {'damage': 1 / 0}\n")
    hit(duel, 1, role="fallback")
    open_breaker()
    html = client.get(f"/wargame/{duel.game.pk}/").content.decode()
    assert "but v2 failed 5 times in a row: v1 decides now. Mend it and publish." in html
    rows = rule_card(duel.game)["figures"]
    assert [(row["name"], row["now"], row["set_aside"], row["hits"]) for row in rows] == [
        ("v1", True, False, 1),
        ("v2", False, True, 0),
    ]
    assert html.count("decides now</span>") == 1
    assert "<b>v2</b> set aside" in html


def test_where_no_version_can_stand_in_the_built_in_rule_is_said_to_decide(duel: Duel) -> None:
    publish("result = {'damage': 1 / 0}\n")
    open_breaker()
    logged(duel.game, LogKind.DAMAGE, "a hit", script="damage_calculator", role="built_in")
    rows = rule_card(duel.game)["figures"]
    assert [(row["name"], row["now"], row["hits"]) for row in rows] == [
        ("the built-in rule", True, 1),
        ("v1", False, 0),
    ]


def test_a_disabled_script_is_not_said_to_decide(client: Client, duel: Duel) -> None:
    publish("result = {'damage': 1}\n")
    Script.objects.filter(pk=live().pk).update(enabled=False)
    html = client.get(f"/wargame/{duel.game.pk}/").content.decode()
    assert "but it is disabled: the built-in rule decides now" in html
    assert "<b>the built-in rule</b> decides now" in html


def test_the_card_says_the_value_that_a_knob_is_set_to() -> None:
    publish("CRITICAL_CHANCE = 0.10  # knob 0..1: rare\nresult = {'damage': 1}\n")
    knobs.publish(live(), {"CRITICAL_CHANCE": 0.6}, actor=None, reason="for a test")
    card = rule_card()
    assert card["said"] == "CRITICAL_CHANCE = 0.10, set to 0.6 by knobs 1"
    assert (card["percent"], card["proposed"]) == (60, "0.1")
