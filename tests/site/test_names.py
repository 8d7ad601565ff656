"""A page has one name: in the menu, in its title, and in the breadcrumb of what lies below it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from scripting.models import Script
from scripting.sources import sync
from tests.wargame.entries import logged
from wargame.battle import start_battle
from wargame.models import Game, LogKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chief() -> Client:
    user = User.objects.create_superuser("chief")
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    client = Client()
    client.force_login(user)
    return client


def found(pattern: str, page: Any) -> list[str]:
    return [html.unescape(text).strip() for text in re.findall(pattern, page.content.decode(), re.DOTALL)]


@pytest.mark.slow
def test_every_entry_of_the_menu_leads_to_a_page_of_that_name(chief: Client) -> None:
    groups = chief.get("/admin/").context["sidebar_navigation"]
    entries = [(item["title"], str(item["link"])) for group in groups for item in group["items"]]
    entries.remove(("Battle", "/wargame/"))  # named after its map
    titles = {name: found("<title>(.*?)</title>", chief.get(link, follow=True))[0] for name, link in entries}
    assert {name: re.split(r" [|·] ", title)[0] for name, title in titles.items()} == {
        name: name for name, _ in entries
    }
    assert {"Processes", "Limits and switches", "Battles", "Errors"} <= {name for name, _ in entries}


@pytest.mark.slow
def test_the_breadcrumb_of_a_record_names_its_list_as_the_menu_does(chief: Client) -> None:
    sync.sync()
    script = Script.objects.get(name="hit_simulator")
    game = start_battle()
    entry = logged(Game.objects.get(pk=game.pk), LogKind.TURN, "a turn")
    crumbs = r'class="align-middle inline-block[^>]*>(.*?)<'
    for address, name in (
        (f"/admin/scripting/script/{script.pk}/change/", "Limits and switches"),
        (f"/admin/wargame/game/{game.pk}/change/", "Battles"),
        (f"/admin/wargame/battlelogentry/{entry.pk}/change/", "Battle log entries"),
    ):
        assert found(crumbs, chief.get(address))[1] == name
