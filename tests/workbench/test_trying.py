"""Trials in the browser: one that hangs is cancelled, two are laid side by side."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.support.stack import RunningStack
from tests.workbench.pages import Person, change, write

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(180)]

Enter = Callable[..., Person]
HITS = "wargame/hit_simulator"
LONG = "from scripting.models import Script; Script.objects.filter(name='hit_simulator').update(max_execution_time={})"


def test_a_trial_that_hangs_is_cancelled_with_escape_and_the_focus_comes_back(
    person: Enter, stack: RunningStack
) -> None:
    said = stack.manage("shell", "-c", LONG.format("60"))
    assert said.returncode == 0, said.stderr
    designer = person("designer")
    page = designer.open(HITS)
    write(page, "while True:\n    pass\n")
    run, cancel = page.locator("#run"), page.locator("#cancel")
    run.focus()
    page.keyboard.press("Enter")
    expect(cancel).to_be_focused()
    expect(run).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#outcome")).to_contain_text("Cancelled")
    expect(cancel).to_be_hidden()
    expect(run).to_be_focused()
    page.click("#sample")
    cancel.click()
    expect(page.locator("#outcome")).to_contain_text("The sample was stopped and its process ended")
    page.evaluate("window.ace.edit('editor').focus()")
    page.keyboard.press("Control+Enter")
    expect(cancel).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#outcome")).to_contain_text("The trial was stopped")
    expect(page.locator("#trial-count")).to_have_text("0")
    page.click("#discard")
    assert stack.manage("shell", "-c", LONG.format("None")).returncode == 0
    assert designer.problems == []


def test_two_trials_are_laid_side_by_side(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    page.fill("#seed", "7")
    rows, run = page.locator("#trial-rows tr"), page.locator("#run")
    for count, (old, new) in enumerate(
        [("", ""), ("LOWEST_CHANCE = 0.05", "LOWEST_CHANCE = 0.04\nlog('another line')")], 1
    ):
        if old:
            change(page, old, new)
        run.click()
        expect(rows).to_have_count(count)
        expect(run).to_be_enabled()
    expect(page.locator("#compare-trials")).to_be_hidden()
    for box in page.get_by_label("Compare trial").all():
        box.check()
    page.get_by_role("button", name="Compare 1 and 2").click()

    def part(title: str) -> Locator:
        heading = page.get_by_role("heading", name=title, exact=True)
        return page.locator("#diff-body section").filter(has=heading)

    expect(page.locator("#diff-body tr.differs").first).to_contain_text("draft on v")
    expect(part("Log").locator("tr.new")).to_contain_text("another line")
    expect(part("Text").locator("tr.gone")).to_contain_text("LOWEST_CHANCE = 0.05")
    expect(part("Inputs")).to_contain_text("the same in both")
    page.keyboard.press("Escape")
    expect(page.locator("#diff-dialog")).to_be_hidden()
    expect(page.locator("#compare-trials")).to_be_focused()
    page.click("#discard")
    assert designer.problems == []
