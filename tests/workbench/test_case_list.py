"""Cases in the browser: the badge beside Problems, the list, and a trial that is kept, goes red, is tried and deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import barriers
from tests.workbench.pages import Person, change

pytestmark = pytest.mark.e2e

SCRIPT = "wargame/damage_calculator"


def test_a_trial_kept_as_a_case_goes_red_in_the_badge_and_is_deleted_again(person: Callable[..., Person]) -> None:
    designer = person("designer")
    page = designer.open(SCRIPT)
    expect(page.locator("#case-count")).to_have_text("4")
    page.select_option("#input-source", "")
    page.fill("#seed", "7")
    page.click("#run")
    page.click("#keep-trial")
    page.keyboard.type("tank_on_squad")
    page.keyboard.press("Enter")
    expect(page.locator("#case-count")).to_have_text("5")
    change(page, "SPREAD = 0.25", "SPREAD = 0.45")
    expect(page.locator("#case-count")).to_have_text("5, 1 red")
    page.focus("#tab-trials")
    page.keyboard.press("ArrowRight")
    red = page.locator("#case-list .red")
    expect(red).to_contain_text("result.damage: expected")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "the parts scroll, not the page"
    assert barriers(page) == []
    red.get_by_role("button", name="Try it").click()
    expect(page.locator("#input-note")).to_contain_text("The inputs of case tank_on_squad")
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_contain_text("It decides differently")
    page.click("#tab-cases")
    red.get_by_role("button", name="Edit").click()
    page.fill("#change-expect", '[{"at": "result.damage", "between": [1, 90]}]')
    page.click("#change-case [type=submit]")
    expect(page.locator("#case-count")).to_have_text("5")
    page.locator("#case-list li", has_text="tank_on_squad").get_by_role("button", name="Delete").click()
    expect(page.locator("#remove-text")).to_have_text("It is gone for good.")
    page.click("#remove-case [type=submit]")
    expect(page.locator("#case-count")).to_have_text("4")
    page.click("#discard")
    _, found = designer.ask("GET", f"/scripts/{SCRIPT}/api/events")  # as a link on an execution's page does
    designer.open(SCRIPT, f"?execution={found['events'][0]['id']}&keep=1", tab=page)
    expect(page.locator("#keep-title")).to_be_visible()
    expect(page.locator("#keep-name")).to_be_focused()
    page.keyboard.press("Escape")
    assert designer.problems == []
