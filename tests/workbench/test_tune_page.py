"""The page of knobs in a browser, for somebody who may tune and nothing else: sliders, curves, the sentence, publishing, going back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, barriers, new_context

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(240)]

ADDRESS = "/scripts/wargame/damage_calculator/tune/"
MAKE = """
from django.contrib.auth.models import Permission, User
user = User.objects.create_user("tess", password="{password}", is_staff=True)
user.user_permissions.add(Permission.objects.get(codename="tune_script"))
"""
DECIDED = """
from scripting.models import BundleKnobs, Execution
tuned = BundleKnobs.objects.values("bundle_digest")
rows = Execution.objects.filter(script__name="damage_calculator", trigger="event", bundle_digest__in=tuned)
print("critical", {row.result_value["critical"] for row in rows})
"""


class Tuner(Person):
    """Somebody with the one permission, made for the test."""

    def __init__(self, stack: RunningStack, browser: Browser) -> None:
        self.word = secrets.token_urlsafe(12)
        done = stack.manage("shell", "-v", "0", "-c", MAKE.format(password=self.word))
        assert done.returncode == 0, done.stderr
        super().__init__(stack, new_context(stack, browser), "tess")

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
def tuner(stack: RunningStack, browser: Browser) -> Iterator[Tuner]:
    person = Tuner(stack, browser)
    yield person
    person.context.close()


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
    stack = tuner.stack
    wait_until(
        lambda: "critical" in decided(stack) and "critical set()" not in decided(stack), 60, "an event is decided"
    )
    assert decided(stack) == "critical {True}"

    page.get_by_role("button", name="Make live the defaults").click()
    page.fill("#back-reason", "as it was")
    page.locator("#back-go").click()
    expect(page.locator(".live-line")).to_contain_text("v1 is live")
    assert tuner.problems == []


def decided(stack: RunningStack) -> str:
    """Which flags the events have that values of knobs decided."""
    return stack.manage("shell", "-v", "0", "-c", DECIDED).stdout.strip()


def looks_well(page: Page) -> None:
    """By day and night, on a screen and a phone: nothing is wider than it, and nobody is kept out."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
        assert barriers(page) == [], scheme
