"""A simulated battle played back in a browser: by keys, buttons and slider, on a wide and a narrow page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import barriers
from tests.workbench.pages import Person

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

PLAYS = "/scripts/wargame/damage_calculator/plays/"


def opened(person: Person) -> Page:
    """The first battle of a comparison, which need not be played for it."""
    page = person.page()
    page.goto(PLAYS)
    page.get_by_role("button", name="Play them").click()
    page.wait_for_url("**/plays/*-*/")
    report = page.url
    cancel = page.get_by_role("button", name="Cancel")
    if cancel.is_visible():
        cancel.click()
    page.goto(f"{report}1/?side=live")
    expect(page.locator("body[data-playback=ready]")).to_be_attached(timeout=30_000)
    return page


def standing(page: Page) -> list[str]:
    """Where each living unit is, and with what health."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.board .unit:not(.gone)')].map((unit) => "
        "unit.dataset.unit + unit.style.transform + unit.querySelector('title').textContent).sort()"
    )
    return found


def test_a_battle_is_played_back_step_by_step_and_fits_a_narrow_dark_page_too(person: Callable[..., Person]) -> None:
    designer = person("designer")
    page = opened(designer)
    place, slider = page.locator("#playback-place"), page.locator("#playback-slider")
    last = int(slider.get_attribute("max") or 0)
    assert last > 100
    expect(place).to_have_text(f"0 of {last}")
    begun = standing(page)
    assert len(begun) == 24
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(place).to_have_text(f"4 of {last}")
    expect(page.locator("#playback-now li")).to_contain_text(["moves to"])
    assert standing(page) != begun
    page.keyboard.press("End")
    expect(place).to_have_text(f"{last} of {last}")
    expect(page.locator("#playback-now li").last).to_contain_text("wins")
    over = standing(page)
    assert len(over) < 24
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(place).to_have_text(f"{last - 1} of {last}")
    page.get_by_role("button", name="One step on").click()
    expect(place).to_have_text(f"{last} of {last}")
    assert standing(page) == over, "the same board, whichever way it was come to"
    page.keyboard.press("Home")
    assert standing(page) == begun
    page.get_by_role("button", name="Play", exact=True).click()
    expect(place).not_to_have_text(f"0 of {last}")
    slider.fill(str(last // 2))
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.get_by_text("What happened, line by line").click()
    assert page.locator("#playback-lines li.current").count() >= 1
    assert not barriers(page)

    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.keyboard.press("Home")
    page.get_by_role("button", name="One step on").click()
    page.get_by_role("button", name="One step on").evaluate("(one) => { for (let n = 1; n < 30; n++) one.click(); }")
    expect(place).to_have_text(f"30 of {last}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not barriers(page)
    assert not designer.problems
