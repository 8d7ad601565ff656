"""A rule for an event that none answers yet, made by somebody who is new: from the Scripts page to its first execution."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import barriers
from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, publish, text_of, weaken

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
TOPIC = "wargame.unit.destroyed"
RULE = "wargame/on_unit_destroyed"
LIMIT_SECONDS = 180


def test_a_rule_for_a_destroyed_unit_runs_within_three_minutes_of_the_scripts_page(
    person: Enter, stack: RunningStack
) -> None:
    designer = person("designer")
    page = designer.page()
    began = time.monotonic()
    page.goto("/scripts/")
    page.get_by_role("link", name="New rule").click()
    expect(page.locator("h1")).to_have_text("New rule")
    card = page.locator(".topic-card", has_text=TOPIC)
    expect(card).to_contain_text("no rule answers it yet")
    assert barriers(page) == []
    card.get_by_role("link").click()
    expect(page.locator(".fields")).to_contain_text("unit.side")
    assert barriers(page) == []
    page.get_by_label("What should it decide?").focus()  # the keyboard is enough
    page.keyboard.type("Who fell, and to whom?")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#unheard")).to_have_text(f"It runs on {TOPIC} as soon as you publish it.")
    assert "Who fell, and to whom?" in text_of(page)
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_be_visible()
    publish(page, "Count the fallen")
    page.keyboard.press("Escape")
    expect(page.locator("#live-line")).to_contain_text("v1 is live")
    weaken(stack)
    stack.let_battle(True)
    wait_until(lambda: bool(designer.ask("GET", f"/scripts/{RULE}/api/events")[1]["events"]), LIMIT_SECONDS, every=0.5)
    assert time.monotonic() - began < LIMIT_SECONDS
    stack.let_battle(False)
    [first, *_] = designer.ask("GET", f"/scripts/{RULE}/api/events")[1]["events"]
    assert (first["topic"], first["status"]) == (TOPIC, "succeeded")
    page.goto(f"/scripts/topics/{TOPIC}/")
    expect(page.get_by_role("heading", name=re.compile("^Who answers it"))).to_contain_text("processes go by them")
    form = page.locator("form", has=page.get_by_role("button", name="Go back"))
    form.get_by_label("Why?").fill("Only a test")
    form.get_by_role("button").click()
    expect(page.locator(".form-message")).to_contain_text("is as it was")
    expect(page.get_by_role("heading", name=re.compile("^Who answers it"))).to_contain_text("as the module's code says")
    assert designer.problems == []
