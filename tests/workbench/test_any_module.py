"""The engine's pages name nothing of a game by themselves: modules and the site say what things are called."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripting.engine import get_engine
from scripting.insight import menu
from scripting.modules.installed import key_in_words
from scripting.modules.scriptable import ModulePage, ModuleScriptConfig
from scripting.types import ExecutionRequest, ScriptInput
from tests.support.arena import Arena, make_script
from tests.support.engine import arena

__all__ = ["arena"]

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]
PAGE = "/scripts/arena/scorer/"


@pytest.fixture
def boss(arena: Arena) -> Client:
    make_script("result = {'points': 1}\n")
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


NAMED = re.compile(r"(?i:battle|wargame|goby_site)|\bGoby\b")


def test_no_file_of_the_engine_names_a_game_or_a_brand() -> None:
    listed = subprocess.run(["git", "ls-files", "scripting"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in listed.stdout.split():
        if Path(name).suffix in {".py", ".html", ".js", ".css"}:
            text = (ROOT / name).read_text()
            found += [f"{name}: {line}" for line in text.splitlines() if NAMED.search(line)]
    assert not found


def test_a_live_page_carries_the_module_s_own_title_on_every_page_of_the_workbench(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Arena, "live_page", ModulePage("The <match>", "admin:index"))
    monkeypatch.setattr(Arena, "more_pages", (ModulePage("Rules", "admin:index"), ModulePage("Gone", "no-such-view")))
    for address in (PAGE, f"{PAGE}history/"):
        page = boss.get(address).content.decode()
        assert "See it live: The &lt;match&gt;" in page
    listed = boss.get("/scripts/").content.decode()
    menu = listed[listed.index('<nav aria-label="Site">') : listed.index("</nav>")]
    titles = ["The &lt;match&gt;", "Rules", "Battle", "Test shot", "Scripts", "Tune", "Reviews", "Admin"]
    assert re.findall(r">([^<]+)</a>", menu) == titles, "the other module's after it"


def test_a_module_without_a_live_page_is_led_to_nowhere(boss: Client) -> None:
    assert "See it live" not in boss.get(PAGE).content.decode()


def test_the_side_bar_leads_to_the_live_pages_that_the_site_has(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arena, "live_page", ModulePage("Match", "admin:index"))
    assert ("Match", "/admin/", "grade") in [
        (each["title"], each["link"], each["icon"]) for each in menu.live_pages("grade")
    ]
    monkeypatch.setattr(Arena, "live_page", ModulePage("Match", "no-such-view"))
    assert "Match" not in [each["title"] for each in menu.live_pages()]


def test_pages_call_an_ordering_key_what_the_module_calls_it(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arena, "key_name", "match")
    request = ExecutionRequest("arena", "scorer", ScriptInput({}), key="<5>")
    execution = get_engine().execute(request).execution_id
    told = boss.get(reverse("admin:scripting_execution_change", args=[execution])).content.decode()
    assert "for match &lt;5&gt;" in told
    assert "match &lt;5&gt;" in boss.get(reverse("admin:scripting_execution_changelist")).content.decode()
    assert (key_in_words("arena", ""), key_in_words("no_module", "5")) == ("", "key 5")


def test_the_brand_is_the_admin_site_s(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib import admin

    each = admin.site.each_context
    monkeypatch.setattr(
        admin.site, "each_context", lambda request: each(request) | {"site_title": "Arcade", "site_header": "Arcade 9"}
    )
    page = boss.get(PAGE).content.decode()
    assert re.search(r"<title>[^<]* · Arcade</title>", page)
    assert "<span>Arcade 9</span>" in page
    assert "Goby" not in page


def test_the_form_of_an_endpoint_begins_with_the_module_s_example(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripting.models import Script
    from scripting.workbench import inputs

    config = ModuleScriptConfig(
        endpoint_scripts={"/score": "scorer", "/bare": "scorer"}, endpoint_examples={"/score": {"points": 4}}
    )
    monkeypatch.setattr(Arena, "config", config)
    described = {each["key"]: each["example"] for each in inputs.described(Script.objects.get())}
    assert described == {"endpoint:/score": {"points": 4}, "endpoint:/bare": {}, "": {}}
