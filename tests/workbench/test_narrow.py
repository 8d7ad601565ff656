"""The workbench on a phone: no page is wider than the screen, and the whole header is on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.workbench.pages import Person

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(180)]

WIDTH = 390
SCRIPT = "/scripts/wargame/damage_calculator/"
PAGES = ["/scripts/", "/scripts/?q=rand", SCRIPT, f"{SCRIPT}history/?old=1&new=1"]


def right_edges(page: Page) -> list[float]:
    """Of everything that the header shows."""
    edges: list[float] = page.evaluate(
        "[...document.querySelectorAll('.top a, .top button, .connection')].map((one) => one.getBoundingClientRect().right)"
    )
    return edges


@pytest.mark.parametrize("role", ["designer", "viewer"])
def test_every_page_fits_a_phone(person: Callable[..., Person], role: str) -> None:
    page = person(role, viewport={"width": WIDTH, "height": 844}).page()
    for address in PAGES:
        page.goto(address)
        expect(page.locator("#connection")).to_have_attribute("data-state", "open")
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, address
        assert max(right_edges(page)) <= WIDTH, address
        expect(page.get_by_role("button", name="Log out")).to_be_in_viewport()


def test_the_longest_word_on_the_connection_fits_too(person: Callable[..., Person]) -> None:
    page = person("viewer", viewport={"width": WIDTH, "height": 844}).page()
    page.goto("/scripts/")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    page.evaluate("document.getElementById('connection-text').textContent = 'Not live: Redis does not answer'")
    assert max(right_edges(page)) <= WIDTH


def test_the_header_leads_everywhere_from_everywhere(person: Callable[..., Person]) -> None:
    page = person("designer").page()
    for address in ["/wargame/", "/debug/hit", *PAGES]:
        page.goto(address)
        assert page.get_by_role("navigation", name="Site").get_by_role("link").all_inner_texts() == [
            "Battle", "Test shot", "Scripts", "Tune", "Reviews", "Admin",
        ], address  # fmt: skip
