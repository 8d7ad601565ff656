"""The gate in the dialogs: what was found and what is exceeded, no way past it but for who may, with a reason, by keyboard."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import barriers
from tests.support.stack import RunningStack
from tests.workbench.pages import Person, change

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
DAMAGE = "wargame/damage_calculator"
SLOW = 60_000
POLICY = """
import time
from scripting.models import Execution
from scripting.registry.gate_policies import set_policy
until = time.monotonic() + 90
while Execution.objects.filter(script__name="damage_calculator").count() < 5 and time.monotonic() < until:
    time.sleep(0.5)
set_policy("wargame", "damage_calculator", actor=None, reason="for a test", mode="{mode}", last=40, max_changed=0)
"""
"""Once a few decisions are recorded."""
SEEN = os.environ.get("GATE_PICTURES", "")
"""A folder for pictures of the dialog, where somebody wants to look at it."""


@pytest.fixture
def gated(stack: RunningStack) -> Iterator[None]:
    """The damage calculator takes no change of any decision, once some are recorded."""
    stack.manage("shell", "-c", POLICY.format(mode="require"))
    yield
    stack.manage("shell", "-c", POLICY.format(mode="off"))


def look(page: Page, name: str) -> None:
    if SEEN:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=str(Path(SEEN) / f"{name}-{scheme}.png"))


def test_a_closed_gate_is_told_in_the_dialog_and_passed_by_who_may_with_a_reason(
    stack: RunningStack, person: Enter, gated: None
) -> None:
    designer = person("designer")
    page = designer.open(DAMAGE)
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.95")
    page.keyboard.press("Control+Shift+Enter")
    gate = page.locator("#publish-gate")
    expect(gate).to_contain_text("Gate: closed", timeout=SLOW)
    expect(gate).to_contain_text("decisions would change (allowed: 0 %)")
    expect(gate).to_contain_text("Policy: 0 newly failing")
    expect(page.locator("#publish-go")).to_be_disabled()
    expect(page.locator("#publish-override")).to_be_hidden()
    look(page, "designer-1280")
    assert barriers(page) == []
    page.keyboard.press("Escape")
    status, answer = designer.ask(
        "POST",
        f"/scripts/{DAMAGE}/api/publish",
        {
            "source": page.evaluate("window.ace.edit('editor').getValue()"),
            "language": "python",
            "reason": "by force",
            "base": 1,
        },
    )
    assert (status, answer["error"]["type"]) == (422, "gate_closed")
    page.click("#discard")

    admin = person("admin")
    page = admin.open(DAMAGE)
    page.set_viewport_size({"width": 390, "height": 800})
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.95")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#publish-gate")).to_contain_text("Gate: closed", timeout=SLOW)
    expect(page.locator("#publish-go")).to_be_disabled()
    page.fill("#publish-reason", "The last night of the event")
    page.focus("#publish-override-ask")
    page.keyboard.press("Enter")
    expect(page.locator("#publish-override-reason")).to_be_focused()
    look(page, "admin-390")
    page.keyboard.insert_text("It is to be wild")
    expect(page.locator("#publish-go")).to_have_text("Override, and make it live")
    assert barriers(page) == []
    page.keyboard.press("Control+Enter")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=SLOW)
    page.goto(f"/scripts/{DAMAGE}/history/")
    first = page.locator("#activations li").first
    expect(first).to_contain_text("The gate was overridden: It is to be wild")
    expect(first).to_contain_text("changed, 0 failing")
    look(page, "history-390")
    page.click("[data-rollback='1']")
    expect(page.locator("#reason-gate")).to_be_hidden()  # it was live: an emergency waits for nothing
    page.fill("#reason-field", "the battle goes on")
    page.keyboard.press("Control+Enter")
    expect(page.locator("tr.is-live")).to_contain_text("v1")
    assert json.dumps(designer.problems + admin.problems).count("422") <= 1


def test_a_missing_approval_is_asked_for_in_the_dialog_and_given_by_another_on_the_page(
    stack: RunningStack, person: Enter
) -> None:
    stack.manage("shell", "-c", POLICY.format(mode="off").replace("max_changed=0", 'approval="always"'))
    designer = person("designer")
    page = designer.open(DAMAGE)
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.12")
    page.keyboard.press("Control+Shift+Enter")
    ask = page.locator("#publish-review-ask")
    expect(ask).to_be_visible(timeout=SLOW)
    expect(page.locator("#publish-go")).to_be_disabled()
    ask.click()
    expect(page.locator("#publish-review-words")).to_contain_text("Say why first")
    expect(page.locator("#publish-reason")).to_be_focused()
    page.keyboard.insert_text("a little more luck, @admin")
    ask.click()
    link = page.locator("#publish-review-words a")
    expect(link).to_be_focused(timeout=SLOW)
    review = str(link.get_attribute("href"))
    admin = person("admin").page()
    admin.goto("/scripts/")
    admin.get_by_role("link", name="designer asks for a review").click()
    assert admin.url.endswith(review)
    assert barriers(admin) == []
    admin.click("button[value=approve]")
    expect(admin.get_by_role("status").first).to_have_text("You approved it.")
    page.goto(review)
    page.click("button[value=withdraw]")
    expect(page.locator(".review-withdrawn")).to_be_visible()
    page.goto(f"/scripts/{DAMAGE}/")
    page.click("#discard")
    stack.manage("shell", "-c", POLICY.format(mode="off").replace("max_changed=0", 'approval="none"'))
