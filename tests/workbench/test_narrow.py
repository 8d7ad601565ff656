"""The workbench on a phone, a tablet and a desk: no page is wider than the screen, and the whole header is on it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.support.stack import RunningStack
from tests.workbench.pages import Person, change, write

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

WIDTH = 390
NARROWEST = 320
WIDER = (820, 1280)
PLACES = ["Battle", "Test shot", "Scripts", "Tune", "Reviews", "Admin"]
"""Where the header leads."""
SCRIPT = "/scripts/wargame/damage_calculator/"
NEW = "/scripts/new/"
PAGES = ["/scripts/", "/scripts/?q=rand", SCRIPT, f"{SCRIPT}history/?old=1&new=1"]


def right_edges(page: Page) -> list[float]:
    """Of everything that the header shows."""
    edges: list[float] = page.evaluate(
        "[...document.querySelectorAll('.top a, .top button, .connection')].map((one) => one.getBoundingClientRect().right)"
    )
    return edges


@pytest.mark.parametrize("role", ["designer", "viewer"])
def test_every_page_fits_a_phone_and_whatever_is_wider(person: Callable[..., Person], role: str) -> None:
    page = person(role).page()
    for address in PAGES + ([NEW] if role == "designer" else []):
        page.goto(address)
        for width in WIDER:
            page.set_viewport_size({"width": width, "height": 720})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        if role == "designer":
            assert leads_to(page) == PLACES, address
        page.set_viewport_size({"width": WIDTH, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, address
        assert max(right_edges(page)) <= WIDTH, address
        expect(page.get_by_role("button", name="Log out")).to_be_in_viewport()
        if address != NEW:  # which tells nothing by itself
            expect(page.locator("#connection")).to_have_attribute("data-state", "open")
            page.evaluate("document.getElementById('connection-text').textContent = 'Not live: Redis does not answer'")
            assert max(right_edges(page)) <= WIDTH, f"the longest word on the connection of {address}"


CUT = """(parts) => [...document.querySelectorAll(parts)].flatMap(
  (part) => [part, ...part.querySelectorAll('*')].filter((one) => {
    if (!one.checkVisibility() || one.matches('.unseen, select, input') || !one.innerText?.trim()) return false;
    const { left, right } = one.getBoundingClientRect(), { overflowX, overflowY } = getComputedStyle(one);
    const isCut = (overflow, content, room) => overflow !== 'visible' && content > room + 1;
    return left < 0 || right > innerWidth || isCut(overflowX, one.scrollWidth, one.clientWidth) || isCut(overflowY, one.scrollHeight, one.clientHeight);
  }).map((one) => one.innerText))"""
"""Words within these elements that are not whole on the screen."""
AROUND = ".top, .shelf, .desk-head, .draft-row, .desk-notes, .status-line, .dock-head, .try-head, .run-options"
"""The heads and lines of the workbench."""


def test_no_words_around_the_editor_are_cut(person: Callable[..., Person]) -> None:
    designer = person("designer")
    page = designer.open("wargame/damage_calculator")
    write(page, "result = missing_name + other_name\n")
    draft = page.locator("#draft-state")
    expect(page.locator("#check-text")).to_have_text("Compiles, but will fail: 2 warnings")
    expect(draft).to_have_text("Draft saved")
    expect(page.locator("#replay-line")).to_contain_text("would fail")
    for width in (NARROWEST, WIDTH, 700, 1101, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        for words in ("Draft saved", "Not saved, in conflict with another tab: Ctrl-S settles it"):
            draft.evaluate("(one, words) => { one.textContent = words; }", words)
            assert page.evaluate(CUT, AROUND) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#discard")
    expect(draft).to_have_text("")
    assert designer.problems == []


CROWD = """() => {
  document.getElementById('live-detail').textContent = 'python override, published by a designer of a long name 11 min ago · loaded by 5 of 6';
  document.getElementById('people').innerHTML = '<li class="editing">De</li>'.repeat(6);
  document.getElementById('draft-line').insertAdjacentHTML('beforeend', '<button class="link">Merge v12 in</button>');
  for (const id of ['unheard', 'fallback']) {
    document.getElementById(id).hidden = false;
    document.getElementById(id).append(' Words that nobody on this page has asked for.'.repeat(4));
  }
}"""
"""All that others and the clock can bring to the page of somebody who types."""


def test_nothing_that_comes_while_one_types_moves_the_editor(person: Callable[..., Person]) -> None:
    designer = person("designer")
    page = designer.open("wargame/damage_calculator")
    widths = (WIDTH, 700, 1101, 1280)

    def top_edges() -> list[float]:
        edges = []
        for width in widths:
            page.set_viewport_size({"width": width, "height": 844})
            edges.append(page.evaluate("document.getElementById('editor').getBoundingClientRect().top + scrollY"))
        return edges

    before = top_edges()
    change(page, "MINIMUM_DAMAGE = 1 ", "MINIMUM_DAMAGE = 10 ")
    expect(page.locator("#replay-line")).to_contain_text("decisions, 0 would fail")
    assert top_edges() == before, "the own draft and its replay"
    page.evaluate(CROWD)
    expect(page.locator("#people li")).to_have_count(6)
    assert top_edges() == before, "others, the clock and a breaker"
    assert page.evaluate("document.documentElement.scrollWidth") <= widths[-1]
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")
    assert designer.problems == []


def test_lists_fit_the_narrowest_phone(person: Callable[..., Person]) -> None:
    page = person("designer").page()
    page.set_viewport_size({"width": NARROWEST, "height": 844})
    for address in ("/scripts/", "/scripts/topics/", "/scripts/topics/wargame.event.damage/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, address


def test_the_admin_cuts_no_name_no_cell_of_a_list_and_no_latest_run_on_a_phone(
    person: Callable[..., Person], stack: RunningStack
) -> None:
    [(script, execution)] = stack.rows(
        "SELECT s.id, max(e.id) FROM scripting_script s, scripting_execution e WHERE s.id = e.script_id AND s.name = 'damage_calculator'"
    )
    page = person("admin").page()
    for address, head in (
        ("", "Overview"),
        ("wargame/battlelogentry/", "Battle log entries"),
        ("scripting/script/", "Limits and switches"),
        (f"scripting/script/{script}/change/", "wargame/damage_calculator"),
        (f"scripting/execution/{UUID(execution)}/change/", "wargame/damage_calculator"),
    ):
        page.goto(f"/admin/{address}")
        for width in (NARROWEST, WIDTH):
            page.set_viewport_size({"width": width, "height": 844})
            expect(page.locator("h1")).to_contain_text(head)
            assert page.evaluate(CUT, "h1, #result_list, [aria-label='Latest runs']") == [], address


def leads_to(page: Page) -> list[str]:
    return page.get_by_role("navigation", name="Site").get_by_role("link").all_inner_texts()


def test_the_header_of_the_game_leads_everywhere_too(person: Callable[..., Person]) -> None:
    page = person("designer").page()
    for address in ["/wargame/", "/debug/hit"]:
        page.goto(address)
        assert leads_to(page) == PLACES, address
