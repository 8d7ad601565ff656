"""The admin's pages in a real browser: no console error under the site's policy, light and dark, desk and tablet."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from scripting.engine import get_engine
from scripting.metrics import error_groups
from scripting.models import ErrorGroup
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from scripting.types import ExecutionRequest
from tests.support.browser import chromium
from tests.support.game import BROKEN, Game

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def addresses(game: Game) -> list[str]:
    """Every kind of page, with something on it. Made before the browser starts, whose loop the ORM refuses to run in."""
    User.objects.create_superuser("boss", password="browser-test")
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


def enter(page: Page, url: str) -> None:
    page.goto(f"{url}{reverse('admin:login')}?next={reverse('admin:index')}")
    page.fill("input[name=username]", "boss")
    page.fill("input[name=password]", "browser-test")
    page.click("button[type=submit]")
    expect(page.get_by_text("Latest runs")).to_be_visible()


WINDOWS = (1280, 800)
"""Pixels across: a desk, a tablet."""


def test_every_page_shows_without_console_error_and_fits_its_window(addresses: list[str], live_server: Any) -> None:
    problems: list[str] = []
    with chromium() as browser:
        page = browser.new_page(reduced_motion="reduce")
        page.on(
            "console", lambda m: problems.append(f"{page.url}: {m.text}") if m.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        enter(page, live_server.url)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for address in addresses:
                response = page.goto(live_server.url + address)
                assert response is not None
                assert response.status == 200, address
                for width in WINDOWS:
                    page.set_viewport_size({"width": width, "height": 720})
                    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    assert wide <= 0, f"{address} by {scheme} is {wide} pixels too wide for {width}"
            expect(page.locator("html.dark")).to_have_count(int(scheme == "dark"))
    assert problems == []


def test_a_text_is_checked_published_and_rolled_back_by_hand(addresses: list[str], live_server: Any) -> None:
    """Requirement 7.4, and DESIGN.md's sentence: a designer changes a rule, publishes it, and can prove which version decided."""
    of_script = next(address for address in addresses if re.search(r"/script/\d+/change/", address))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        enter(page, live_server.url)
        page.goto(live_server.url + of_script)
        page.locator(f"a[href='{of_script.replace('change', 'publish')}']").click()
        page.get_by_label("Text").fill("import os\nresult = 2\n")
        page.get_by_role("button", name="Check only").click()
        expect(page.get_by_role("alert")).to_contain_text("line 1, column 1")
        page.get_by_label("Text").fill("result = damge\n")
        page.get_by_label("Reason").fill("mended")
        page.get_by_role("button", name="Check and publish").click()
        expect(page.get_by_role("heading", name="This will fail. Publish it all the same?")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text('nothing here defines "damge"')
        expect(page.get_by_role("button", name="Publish it all the same")).to_be_visible()
        page.get_by_label("Text").fill("result = 2\n")
        page.get_by_role("button", name="Check and publish").click()
        expect(page.get_by_text("is live.")).to_be_visible()
        expect(page.locator(".goby-code").first).to_contain_text("result = 2")
        page.get_by_role("link", name="Roll back to this").last.click()
        page.get_by_label("Reason").fill("as it was")
        page.get_by_role("button", name="Make v1 active").click()
        expect(page.get_by_text("is live again.")).to_be_visible()
        expect(page.locator(".goby-code").first).to_contain_text("double(21)")


def test_a_script_is_disabled_and_enabled_with_the_keyboard_alone(addresses: list[str], live_server: Any) -> None:
    of_script = next(address for address in addresses if re.search(r"/script/\d+/change/", address))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        enter(page, live_server.url)
        page.goto(live_server.url + of_script)
        for name, said in (("Disable", "is disabled."), ("Enable", "is enabled.")):
            page.get_by_role("link", name=name, exact=True).focus()
            page.keyboard.press("Enter")
            expect(page.get_by_label("Reason")).to_be_focused()
            page.keyboard.type("for the evening")
            page.keyboard.press("Enter")
            expect(page.get_by_text(said)).to_be_visible()
