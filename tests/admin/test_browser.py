"""The admin's pages in a real browser: no console error under the site's policy, light and dark, desk and tablet."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from scripting.engine import get_engine
from scripting.metrics import error_groups
from scripting.models import ErrorGroup
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from scripting.types import ExecutionRequest
from tests.support.browser import be
from tests.support.game import BROKEN, Game

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def addresses(game: Game) -> list[str]:
    """Every kind of page, with something on it."""
    User.objects.create_superuser("boss")
    game.ship("dice", "log('a line')\nresult = double(21)\n")
    sync.sync()
    good = get_engine().execute(ExecutionRequest("chess_club", "dice")).execution_id
    game.override("dice", BROKEN)
    sync.sync()
    script = game.script("dice")
    publishing.publish(script, "python", "result = 1 / 0\n", actor=None, reason="a mistake", base=AnyBase)
    registry.forget()
    bad = get_engine().execute(ExecutionRequest("chess_club", "dice", trigger="endpoint")).execution_id
    rejected = script.versions.rejected().get()
    error_groups.fold()
    kinds = ("script", "scriptversion", "activation", "execution", "errorgroup")
    lists = [reverse(f"admin:scripting_{name}_changelist") for name in kinds]
    of_script = reverse("admin:scripting_script_change", args=[script.pk])
    return [
        reverse("admin:index"),
        *lists,
        reverse("admin:scripting_execution_figures") + "?range=15m",
        reverse("admin:scripting_errorgroup_change", args=[ErrorGroup.objects.get().pk]),
        of_script,
        *(
            of_script.replace("change", end)
            for end in ("publish", "rollback/1", "revert", "extract", "history", "switch/retire")
        ),
        reverse("admin:scripting_script_add"),
        reverse("admin:scripting_scriptversion_change", args=[rejected.pk]),
        *(reverse("admin:scripting_execution_change", args=[id_]) for id_ in (good, bad)),
        reverse("admin:auth_user_changelist"),
    ]


@pytest.fixture
def boss(addresses: list[str], page: Page, live_server: LiveServer) -> Page:
    """Somebody who may do everything, before these pages."""
    be(page, User.objects.get(username="boss"), live_server.url)
    return page


WINDOWS = (1280, 800)
"""Pixels across: a desk, a tablet."""


def test_every_page_shows_without_console_error_and_fits_its_window(
    addresses: list[str], boss: Page, live_server: LiveServer
) -> None:
    problems: list[str] = []
    boss.on("console", lambda m: problems.append(f"{boss.url}: {m.text}") if m.type in {"error", "warning"} else None)
    boss.on("pageerror", lambda error: problems.append(f"{boss.url}: {error}"))
    for place, address in enumerate(addresses):
        first, then = ("dark", "light") if place % 2 else ("light", "dark")
        boss.emulate_media(color_scheme=first)  # type: ignore[arg-type]
        response = boss.goto(live_server.url + address)
        assert response is not None
        assert response.status == 200, address
        for scheme, windows in ((first, WINDOWS), (then, WINDOWS[::-1])):
            boss.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in windows:
                boss.set_viewport_size({"width": width, "height": 720})
                wide = boss.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, f"{address} by {scheme} is {wide} pixels too wide for {width}"
    for scheme in ("dark", "light"):
        boss.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        boss.reload()
        expect(boss.locator("html.dark")).to_have_count(int(scheme == "dark"))
    assert problems == []


def test_a_text_is_checked_published_and_rolled_back_by_hand(
    addresses: list[str], boss: Page, live_server: LiveServer
) -> None:
    """Requirement 7.4, and DESIGN.md's sentence: a designer changes a rule, publishes it, and can prove which version decided."""
    of_script = next(address for address in addresses if re.search(r"/script/\d+/change/", address))
    boss.goto(live_server.url + of_script)
    boss.locator(f"a[href='{of_script.replace('change', 'publish')}']").click()
    boss.get_by_label("Text").fill("import os\nresult = 2\n")
    boss.get_by_role("button", name="Check only").click()
    expect(boss.get_by_role("alert")).to_contain_text("line 1, column 1")
    boss.get_by_label("Text").fill("result = damge\n")
    boss.get_by_label("Reason").fill("mended")
    boss.get_by_role("button", name="Check and publish").click()
    expect(boss.get_by_role("heading", name="This will fail. Publish it all the same?")).to_be_visible()
    expect(boss.get_by_role("alert")).to_contain_text('nothing here defines "damge"')
    expect(boss.get_by_role("button", name="Publish it all the same")).to_be_visible()
    boss.get_by_label("Text").fill("result = 2\n")
    boss.get_by_role("button", name="Check and publish").click()
    expect(boss.get_by_text("is live.")).to_be_visible()
    expect(boss.locator(".goby-code").first).to_contain_text("result = 2")
    boss.get_by_role("link", name="Roll back to this").last.click()
    boss.get_by_label("Reason").fill("as it was")
    boss.get_by_role("button", name="Make v1 active").click()
    expect(boss.get_by_text("is live again.")).to_be_visible()
    expect(boss.locator(".goby-code").first).to_contain_text("double(21)")


def test_a_script_is_disabled_and_enabled_with_the_keyboard_alone(
    addresses: list[str], boss: Page, live_server: LiveServer
) -> None:
    of_script = next(address for address in addresses if re.search(r"/script/\d+/change/", address))
    boss.goto(live_server.url + of_script)
    for name, said in (("Disable", "is disabled."), ("Enable", "is enabled.")):
        boss.get_by_role("link", name=name, exact=True).focus()
        boss.keyboard.press("Enter")
        expect(boss.get_by_label("Reason")).to_be_focused()
        boss.keyboard.type("for the evening")
        boss.keyboard.press("Enter")
        expect(boss.get_by_text(said)).to_be_visible()
