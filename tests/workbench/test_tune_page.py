"""The page of knobs in a browser, for somebody who may tune and nothing else: sliders, curves, the sentence, publishing, going back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripting.sandbox.protocol import decode_value
from tests.support.browser import barriers
from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

ADDRESS = "/scripts/wargame/damage_calculator/tune/"
MAKE = """
from django.contrib.auth.models import Permission, User
user = User.objects.create_user("tess", password="{password}", is_staff=True)
user.user_permissions.add(Permission.objects.get(codename="tune_script"))
"""
DECIDED = """
SELECT result FROM scripting_execution JOIN scripting_script ON scripting_script.id = script_id
WHERE name = 'damage_calculator' AND "trigger" = 'event' AND bundle_digest IN (SELECT bundle_digest FROM scripting_bundleknobs)
"""
"""Events that values of knobs decided."""


class Tuner(Person):
    """Somebody with the one permission, made for the test."""

    def __init__(self, stack: RunningStack, context: BrowserContext) -> None:
        self.word = secrets.token_urlsafe(12)
        done = stack.manage("shell", "-v", "0", "-c", MAKE.format(password=self.word))
        assert done.returncode == 0, done.stderr
        super().__init__(stack, context, "tess")

    def enter(self) -> Page:
        page = self.page()
        page.goto(ADDRESS)
        page.fill("[name=username]", "tess")
        page.fill("[name=password]", self.word)
        page.click("[type=submit]")
        self.is_ready(page)
        return page

    @staticmethod
    def is_ready(page: Page) -> None:
        expect(page.locator("body[data-ready]")).to_be_attached()


@pytest.fixture
def tuner(stack: RunningStack, newcomer: Callable[[], Person]) -> Iterator[Tuner]:
    person = Tuner(stack, newcomer().context)
    yield person
    person.leave()


def test_who_may_only_tune_sets_a_chance_sees_what_it_does_publishes_it_and_goes_back(tuner: Tuner) -> None:
    page = tuner.enter()
    chance = page.locator("[data-knob=CRITICAL_CHANCE]")
    expect(chance).to_contain_text("Chance that a hit finds a weak spot", ignore_case=True)
    expect(chance.locator("svg").first).to_be_visible(timeout=60_000)
    expect(chance.get_by_role("img", name="share of critical")).to_be_visible()

    slider = page.get_by_role("slider", name="chance that a hit finds a weak spot")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#field-CRITICAL_CHANCE")).to_have_value("0.11")
    page.fill("#field-CRITICAL_CHANCE", "1.5")
    expect(chance).to_contain_text("It goes from 0 to 1.")
    expect(page.locator("#tune-publish")).to_be_disabled()
    page.fill("#field-CRITICAL_CHANCE", "1")
    expect(page.locator("#tune-replay")).to_contain_text("decisions, 0 would fail.", timeout=30_000)
    looks_well(page)

    page.fill("#tune-reason", "every hit counts")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".live-line")).to_contain_text("knobs 1 is live")
    expect(page.locator("[data-knob=CRITICAL_CHANCE]")).to_contain_text("Set by tess")
    expect(page.locator("[data-knob=CRITICAL_CHANCE]")).to_contain_text("every hit counts")
    tuner.stack.let_battle(True)
    decided = wait_until(lambda: tuner.stack.rows(DECIDED), 50, "an event is decided by them")
    tuner.stack.let_battle(False)
    assert {decode_value(value)["critical"] for (value,) in decided} == {True}

    page.get_by_role("button", name="Make live the defaults").click()
    page.fill("#back-reason", "as it was")
    page.locator("#back-go").click()
    expect(page.locator(".live-line")).to_contain_text("v1 is live")

    page.get_by_text("For a time", exact=True).click()
    page.fill("#field-CRITICAL_CHANCE", "0.9")
    page.fill("#time-from", "2099-12-31T20:00:00")
    page.fill("#time-until", "2099-12-31T22:00:00")
    page.fill("#tune-reason", "the last night")
    page.get_by_role("button", name="Plan").click()
    planned = page.get_by_role("row", name="2099-12-31 20:00:00 until")
    expect(planned).to_contain_text("2099-12-31 20:00:00 until 2099-12-31 22:00:00")
    looks_well(page)
    planned.get_by_role("button", name="Cancel").click()
    page.fill("#back-reason", "no party")
    page.locator("#back-go").click()
    expect(planned).to_contain_text("cancelled")
    assert tuner.problems == []


def looks_well(page: Page) -> None:
    """By day and night, on a screen and a phone: nothing is wider than it, and nobody is kept out."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
        assert barriers(page, colours_only=scheme == "dark") == [], scheme
