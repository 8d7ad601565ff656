"""The battle page, its JSON state and the page of test shots."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from scripting.models import Script, uuid7
from scripting.sandbox.protocol import encode_value
from tests.insight.runs import write
from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from wargame.battle import start_battle
from wargame.models import BattleLogEntry, LogKind

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public(settings: Any) -> None:
    settings.WARGAME_PUBLIC = True


def user_with(*names: str) -> User:
    user = User.objects.create_user("watcher")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def test_the_start_page_leads_to_the_battle(client: Client) -> None:
    assert client.get("/", follow=True).redirect_chain == [("/wargame/", 302)]


def test_without_a_battle_the_page_says_how_to_start_one(client: Client) -> None:
    page = client.get("/wargame/")
    assert b"play_wargame" in page.content
    assert client.get("/wargame/state/").json() == {"game": None}


def test_the_first_paint_holds_the_whole_battle(client: Client) -> None:
    game = start_battle(seed=1)
    html = client.get("/wargame/").content.decode()
    assert html.count('class="unit side-') == 24
    assert html.count('class="hex ') == 160
    assert html.count("data-show=") == 24
    assert f"The battle begins at {game.map_name}" in html
    assert "Start with\n  <b>damage_calculator</b>" in html


def test_the_page_needs_nothing_that_its_policy_forbids(client: Client) -> None:
    start_battle(seed=1)
    page = client.get("/wargame/")
    html = page.content.decode()
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|\son\w+=|javascript:", html)
    assert all(re.search(r"\ssrc=|\snonce=", tag) for tag in re.findall(r"<script[^>]*>", html))
    assert not re.search(r"(?:src|href)=\"https?:", html)


def test_an_entry_shows_before_and_after_and_what_decided_it(client: Client, duel: Duel) -> None:
    logged(
        duel.game, LogKind.DAMAGE, "a hit", target=duel.squad, before=80, after=57,
        script="damage_calculator", version=3, origin="editor", role="primary",
    )  # fmt: skip
    logged(
        duel.game, LogKind.MISS, "a miss", target=duel.squad, before=57, after=57,
        script="hit_simulator", role="built_in", error="execution: line 3",
    )  # fmt: skip
    html = client.get("/wargame/").content.decode()
    assert "80 → 57" in html
    assert "damage_calculator v3 · override" in html
    assert "hit_simulator · built-in rule" in html
    assert ">fallback</b>" in html
    assert "execution: line 3" in html


def test_text_from_scripts_and_names_of_units_are_escaped(client: Client, duel: Duel) -> None:
    duel.squad.name = "<img src=x onerror=alert(1)>"
    duel.squad.save()
    logged(duel.game, LogKind.TURN, "<script>alert(1)</script>")
    html = client.get("/wargame/").content.decode()
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_where_the_battle_is_not_public_it_takes_a_permission(client: Client, settings: Any, duel: Duel) -> None:
    settings.WARGAME_PUBLIC = False
    assert client.get("/wargame/").status_code == 302
    client.force_login(user_with())
    assert client.get("/wargame/").status_code == 403
    assert client.get("/wargame/state/").status_code == 403
    client.force_login(User.objects.create_superuser("chief"))
    assert client.get("/wargame/").status_code == 200


def test_the_state_gives_units_and_what_was_missed(client: Client, duel: Duel) -> None:
    for number in range(3):
        logged(duel.game, LogKind.TURN, f"entry {number}")
    state = client.get(f"/wargame/{duel.game.pk}/state/?since=1").json()
    assert [entry["sequence"] for entry in state["entries"]] == [2, 3]
    assert {unit["id"]: unit["health"] for unit in state["units"]} == {duel.tank.code: 120, duel.squad.code: 80}


@pytest.mark.parametrize(
    "address", ["/wargame/999/", "/wargame/99999999999999999999999/", "/wargame/999/state/?since=x"]
)
def test_a_battle_that_does_not_exist_is_not_found(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/debug/hit", "/wargame/debug/hit"])
def test_looking_at_test_shots_fires_none(client: Client, duel: Duel, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200
    assert duel.squad.name in page.content.decode()
    assert not BattleLogEntry.objects.exists()


@pytest.mark.any_database
def test_test_shots_are_listed_in_words(client: Client, duel: Duel) -> None:
    result = {"hit": False, "message": "needed 5%", "attacker": duel.tank.code, "target": duel.squad.code}
    script = Script.objects.create(module="wargame", name="hit_simulator")
    write(script, 1, trigger="endpoint", result=encode_value(result))
    html = client.get("/debug/hit").content.decode()
    assert f"{duel.tank.name} at {duel.squad.name}. Miss: needed 5%" in html


def test_the_page_of_test_shots_says_who_decides_while_the_live_version_is_set_aside(
    client: Client, duel: Duel
) -> None:
    Script.objects.create(module="wargame", name="hit_simulator", enabled=False)
    html = client.get("/debug/hit").content.decode()
    assert "should decide, but no version of it is live: the built-in rule decides now" in html


def test_the_page_of_test_shots_says_what_is_real_and_without_javascript_asks_for_a_tick(
    client: Client, duel: Duel
) -> None:
    client.force_login(User.objects.create_superuser("chief"))
    html = client.get("/debug/hit").content.decode()
    assert "With both the shot is real" in html
    assert re.search(r"<noscript>.*<input type=\"checkbox\" required>.*</noscript>", html)


def test_firing_takes_the_permission_and_a_csrf_token(duel: Duel) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_with("play_game"))
    assert client.post("/debug/hit", {}).status_code == 403
    client = Client()
    client.force_login(User.objects.create_user("somebody"))
    assert client.post("/debug/hit", {}).status_code == 403


@pytest.mark.parametrize("model", ["game", "battlelogentry"])
@pytest.mark.any_database
def test_the_admin_shows_battles_and_their_logs_and_changes_neither(client: Client, duel: Duel, model: str) -> None:
    client.force_login(User.objects.create_superuser("chief"))
    entry = logged(duel.game, LogKind.TURN, "<b>bold</b>")
    pk = duel.game.pk if model == "game" else entry.pk
    for address in (f"/admin/wargame/{model}/", f"/admin/wargame/{model}/{pk}/change/"):
        page = client.get(address)
        assert page.status_code == 200
        assert b"<b>bold" not in page.content
    assert client.post(f"/admin/wargame/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.slow
@pytest.mark.any_database
def test_the_battle_log_has_times_and_filters_for_time_battle_and_unit(client: Client, duel: Duel) -> None:
    client.force_login(User.objects.create_superuser("chief"))
    at = datetime(2030, 1, 31, 12, 0, 0, 7000, tzinfo=UTC)
    old = logged(duel.game, LogKind.MISS, "long ago", unit=duel.tank, target=duel.squad)
    BattleLogEntry.objects.filter(pk=old.pk).update(created=at)
    new = logged(duel.game, LogKind.TURN, "just now")
    address = "/admin/wargame/battlelogentry/"
    assert ">2030-01-31 12:00:00.007<" in client.get(address).content.decode()

    def found(query: str) -> list[int]:
        return [entry.pk for entry in client.get(f"{address}?{query}").context["cl"].result_list]

    BattleLogEntry.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(hours=2))
    assert found("time=1h") == [new.pk]
    assert found("time=24h") == [new.pk, old.pk]
    assert found(f"unit={duel.squad.name}") == found(f"unit={duel.tank.name}") == [old.pk]
    assert found("unit=nobody") == []
    assert found(f"battle={duel.game.pk}") == [new.pk, old.pk]
    assert found(f"battle={duel.game.pk + 1}") == []


def test_an_entry_of_the_log_names_every_version_on_the_way_and_the_one_that_decided(
    client: Client, duel: Duel
) -> None:
    client.force_login(User.objects.create_superuser("chief"))
    runs = [str(uuid7()) for _ in range(2)]
    decisions = [
        {"script": script, "version": version, "origin": "editor", "execution": run, "role": "primary", "error": ""}
        for script, version, run in zip(("hit_simulator", "damage_calculator"), (4, 9), runs, strict=True)
    ]
    entry = logged(duel.game, LogKind.DAMAGE, "a hit", decisions=decisions, execution_id=UUID(runs[1]))
    text = client.get(f"/admin/wargame/battlelogentry/{entry.pk}/change/").content.decode()
    steps = re.findall(r"<li><a [^>]*>(.*?)</a> <b>(.*?)</b>", text)
    assert steps == [("hit_simulator v4 · override", ""), ("damage_calculator v9 · override", "decided")]
