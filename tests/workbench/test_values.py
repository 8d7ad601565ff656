"""Values beside the lines, in the browser: of a trial, of one turn of a loop, of the constants that are live, of a past execution."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import barriers
from tests.workbench.pages import Person, change, write

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
TEXT = """\
BASE = 3
def damage(n):
    total = BASE
    for step in range(n):
        total += step
        if total > 4:
            total = total - 1
    return total
hits = [damage(2), damage(3)]
if not hits:
    hits = None
result = {"damage": hits[0], "note": "<b>" + "long " * 100}
"""


def go_to(page: Page, line: int) -> None:
    page.evaluate("(line) => window.ace.edit('editor').gotoLine(line)", line)


def notes(page: Page) -> list[str]:
    """Whole notes, from top to bottom."""
    found: list[str] = page.eval_on_selector_all(
        ".margin-layer .value-note",
        "(all) => all.sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top)).map((one) => one.title)",
    )
    return found


def test_a_trial_shows_what_each_line_did_and_a_pager_the_turns_of_a_loop(person: Enter) -> None:
    designer = person("designer")
    page = designer.open("wargame/damage_calculator")
    write(page, TEXT)
    page.click("#run")
    bar, said = page.locator("#values-bar"), page.locator("#values-line")
    expect(bar).to_be_visible()
    go_to(page, 5)
    expect(said).to_have_text("5: total = 6")
    assert notes(page)[:3] == ["called: n = 3  ×2", "3  ×2", "step = 2  ×5"]
    assert notes(page)[-1].startswith("{'damage': 4, 'note': '<b>long long")
    expect(page.locator(".idle-line")).to_have_count(1)
    expect(page.locator("#turn-words")).to_have_text("turn 5 of 5")
    page.keyboard.press("Shift+F7")
    expect(said).to_have_text("5: total = 4")
    page.click("#turn-back")
    expect(page.locator("#turn-words")).to_have_text("turn 3 of 5")
    expect(said).to_have_text("5: total = 3")
    assert barriers(page) == []
    page.locator("#values").uncheck()
    expect(bar).to_be_hidden()
    expect(page.locator(".value-note")).to_have_count(0)
    page.reload()
    expect(page.locator("#values")).not_to_be_checked()
    page.locator("#values").check()
    page.click("#run")
    expect(bar).to_be_visible()
    change(page, "BASE = 3", "BASE = 4")
    expect(bar).to_be_hidden()
    page.click("#discard")
    assert designer.problems == []


def test_while_typing_the_live_value_of_a_constant_stands_beside_it(person: Enter) -> None:
    designer = person("designer")
    page = designer.open("wargame/damage_calculator")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".value-note")).to_have_count(0)
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.2")
    note = page.locator(".value-note.is-live")
    expect(note).to_have_text("live: 0.10")
    box = note.bounding_box()
    assert box is not None
    assert 0 < box["x"] < 330
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    change(page, "CRITICAL_CHANCE = 0.2", "CRITICAL_CHANCE = 0.1")
    expect(note).to_have_count(0)
    page.click("#discard")
    assert designer.problems == []


def test_an_execution_of_the_past_is_repeated_and_shown_on_its_versions_own_text(person: Enter) -> None:
    admin = person("admin")
    page = admin.page()
    page.goto("/admin/scripting/execution/?status=succeeded")
    page.select_option("select[name=script]", label="wargame/damage_calculator")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.wait_for_url("**script=*")
    page.locator("#executions a[href*='/change/']").first.click()
    page.get_by_role("button", name="Show values").click()
    expect(page.locator(".goby-good")).to_contain_text("Same")
    expect(page.locator(".values-list li").first).to_be_visible()
    expect(page.locator(".values-list .value-note").first).to_be_visible()
    assert barriers(page) == []
    assert admin.problems == []
