"""The workbench's pages for everyone: no serious barrier by axe-core, and everything by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import barriers
from tests.workbench.pages import Person, change

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

PAGES = {
    "tree": "/scripts/?q=rand",
    "workbench": "/scripts/wargame/damage_calculator/?find=CRITICAL_CHANCE",
    "history": "/scripts/wargame/damage_calculator/history/",
    "new script": "/scripts/new/",
}


CARET = """() => new Promise((tell) => {
  new MutationObserver(() => tell('it blinks')).observe(document.querySelector('.ace_cursor'), {attributes: true});
  setTimeout(() => tell(document.getAnimations().length ? 'it draws all the time' : 'at rest'), 1100);
})"""
"""How the caret of the focused editor behaves for as long as it would blink once."""


def stops_nobody(page: Page, what: str) -> None:
    """By day and by night: the same page, so only its colours are judged again."""
    assert barriers(page) == [], what
    page.emulate_media(color_scheme="dark")
    assert barriers(page, colours_only=True) == [], f"{what}, dark"
    page.emulate_media(color_scheme="light")


def test_there_is_no_serious_barrier_in_light_or_dark(person: Callable[..., Person]) -> None:
    page = person("designer").page()
    for name, address in PAGES.items():
        page.goto(address)
        if name == "workbench":
            expect(page.locator("#connection")).to_have_attribute("data-state", "open")
            page.click("#run")
            expect(page.locator("#outcome .verdict")).to_be_visible()
            change(page, "SPREAD = 0.25", "SPREAD = nothing")
            expect(page.locator("#problem-list li").first).to_be_attached()
            page.locator("#recorded").press("ArrowDown")
            expect(page.locator("#recorded-list")).to_be_visible()
        stops_nobody(page, name)
        if name == "workbench":
            page.keyboard.press("Escape")
            page.click("#publish")
            expect(page.locator("#publish-diff tr.new").first).to_be_visible()
            stops_nobody(page, "publish dialog")
            page.keyboard.press("Escape")
            page.click("#run")
            expect(page.locator("#trial-rows tr")).to_have_count(2)
            for box in page.get_by_label("Compare trial").all():
                box.check()
            stops_nobody(page, "two trials")
            page.click("#compare-trials")
            expect(page.locator("#diff-body tr.new").first).to_be_visible()
            stops_nobody(page, "two trials side by side")
            page.keyboard.press("Escape")
            page.click("#discard")


def test_everything_is_reached_by_keyboard(person: Callable[..., Person]) -> None:
    page = person("designer").open("wargame/damage_calculator")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.locator("#run").focus()
    page.keyboard.press("?")
    expect(page.locator("#shortcut-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#outcome .verdict")).to_be_visible()
    expect(page.locator("#run")).to_be_enabled()
    page.evaluate("window.ace.edit('editor').focus()")
    assert page.evaluate(CARET) == "at rest", "the browser of the tests wants nothing to move"
    page.locator("#run").focus()
    for _ in range(60):  # round the page: the editor lets go of the focus again
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('brand')"):
            break
    else:
        pytest.fail("the focus never came round to the first link")
