"""The battle page in a real browser, on the stack as `make run` starts it."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from goby_site.paths import BASE_DIR
from tests.support.browser import barriers
from tests.support.stack import RunningStack
from tests.workbench.pages import Person, weaken

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@pytest.fixture
def visitor(newcomer: Callable[[], Person]) -> Person:
    """Someone who has not logged in."""
    return newcomer()


@pytest.fixture
def problems(visitor: Person) -> list[str]:
    return visitor.problems


@pytest.fixture
def tab(visitor: Person) -> Page:
    return visitor.page()


@pytest.fixture
def page(tab: Page) -> Page:
    """The start page."""
    tab.goto("/")
    return tab


@pytest.mark.usefixtures("battle")
def test_a_new_visitor_sees_outcomes_come_in_and_what_decided_them(page: Page, problems: list[str]) -> None:
    page.emulate_media(
        reduced_motion="no-preference"
    )  # the one test that sees units move: it takes three times the processor
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    outcomes = page.locator(".entry.kind-damage, .entry.kind-miss")
    expect(outcomes.nth(2)).to_be_visible(timeout=60_000)
    newest = outcomes.first
    expect(newest.locator(".change")).to_contain_text("→")
    expect(newest.locator(".entry-by a").first).to_have_attribute("href", re.compile("^/admin/scripting/execution/"))
    expect(page.locator(".card a:visible")).to_have_text("Open damage_calculator")
    assert page.locator(".board .unit").count() > 12
    assert not problems


@pytest.mark.usefixtures("battle")
def test_the_page_reconnects_by_itself_and_has_missed_nothing(page: Page, stack: RunningStack) -> None:
    connection = page.locator("#connection")
    expect(connection).to_have_attribute("data-state", "open")
    page.evaluate("window.stays = true")
    os.kill(stack.pids("web")[0], signal.SIGKILL)
    expect(connection).to_have_attribute("data-state", "waiting")
    expect(connection).to_have_attribute("data-state", "open", timeout=90_000)
    shown = entries_shown(page)
    assert shown == sorted(set(shown), reverse=True)
    game = page.locator("#battle").get_attribute("data-game")
    state = page.request.get(f"{stack.url}/wargame/{game}/state/").json()
    expected = {entry["sequence"] for entry in state["entries"] if min(shown) <= entry["sequence"] <= max(shown)}
    assert expected <= set(shown), "an entry between the first and the last is missing"
    assert page.evaluate("window.stays") is True


@pytest.mark.usefixtures("battle")
def test_a_published_rule_is_seen_to_take_over(
    page: Page, stack: RunningStack, problems: list[str], tmp_path: Path
) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=30_000)
    expect(page.locator(".entry", has_text="damage_calculator v1").first).to_be_visible(timeout=30_000)
    changed = tmp_path / "damage_calculator.py"
    text = (BASE_DIR / "wargame/scripts/damage_calculator.py").read_text()
    changed.write_text(text.replace("CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 1.0"))
    done = stack.manage("publish_script", "wargame/damage_calculator", "--source", str(changed), "-m", "for a test")
    assert done.returncode == 0, done.stderr
    expect(page.locator("#toast.shown")).to_have_text("damage_calculator v2 decides from here on", timeout=60_000)
    expect(page.locator(".entry-takeover").first).to_contain_text("damage_calculator v2")
    expect(page.locator("#card")).to_contain_text("CRITICAL_CHANCE = 1.0")
    expect(page.locator("#card .now-live")).to_contain_text("v2 decides now")
    assert not problems
    done = stack.manage("rollback_script", "wargame/damage_calculator", "1", "-m", "After the test")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("battle")
def test_why_a_unit_died_is_three_clicks_and_ten_seconds_away(
    page: Page, stack: RunningStack, problems: list[str]
) -> None:
    """From the start page, by what it shows: the fallen unit in the lists, its end in the log, the sentence."""
    weaken(stack)
    expect(page.locator(".roster-unit.fallen").first).to_be_visible(timeout=90_000)
    page.goto("about:blank")
    began = time.monotonic()
    page.goto(f"{stack.url}/")
    opened = time.monotonic() - began
    page.locator(".roster-unit.fallen").first.click()
    page.locator(".kind-destroyed .entry-words a").first.click()
    sentence = page.locator("h1").inner_text()
    assert time.monotonic() - began < 10 * max(1.0, opened), "on a busy machine the start page alone takes longer"
    assert re.search(r"\d+ damage.* by .+; that destroyed it\.$", sentence), sentence
    page.get_by_role("link", name="Show the map at this moment").click()
    expect(page.locator("#card-title")).to_have_text("What decided at this moment")
    assert not problems


@pytest.mark.usefixtures("battle")
def test_the_map_is_rewound_by_the_keyboard_and_stays_there_while_the_battle_goes_on(
    page: Page, problems: list[str]
) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    slider = page.get_by_role("slider", name="Moment of the battle")
    expect(page.locator("#log .entry").nth(4)).to_be_visible(timeout=60_000)
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    expect(page.locator("[data-told]")).to_contain_text("The battle begins")
    assert page.locator(".board .unit:not(.gone)").count() == 24
    assert re.search(r"/wargame/\d+/\?at=1$", page.url)
    places = "shapes => shapes.map(shape => shape.style.transform)"
    start = page.locator(".board .unit").evaluate_all(places)
    expect(page.locator("[data-went-on]")).to_contain_text("The battle went on", timeout=60_000)
    assert page.locator(".board .unit").evaluate_all(places) == start
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator("[data-told]")).not_to_contain_text("The battle begins")
    page.keyboard.press("Escape")
    expect(page.locator("[data-told]")).to_be_empty()
    expect(page.locator("#card-title")).not_to_have_text("What decided at this moment", timeout=60_000)
    assert "at=" not in page.url
    assert not problems


def entries_shown(page: Page) -> list[int]:
    """The numbers of the log's entries, top to bottom, all read at one moment."""
    numbers: list[int] = page.locator(".entry").evaluate_all("rows => rows.map(row => Number(row.dataset.sequence))")
    return numbers


OTHERS = ("/wargame/log/", "/wargame/1/log/3/", "/wargame/1/?at=9")


@pytest.mark.parametrize("address", ["/wargame/", "/debug/hit", *OTHERS])
def test_there_is_no_serious_barrier_in_light_or_dark(tab: Page, address: str) -> None:
    tab.goto(address)
    assert barriers(tab) == []
    tab.emulate_media(color_scheme="dark")
    assert barriers(tab, colours_only=True) == []


def test_nothing_sticks_out_at_the_side(page: Page) -> None:
    page.evaluate("document.getElementById('connection-text').textContent = 'Reconnecting…'")
    for address in ("/", *OTHERS):
        if address != "/":
            page.goto(address)
        for width in (390, 834, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)


def two_friends(page: Page, stack: RunningStack) -> list[str]:
    """Two living units of one side, in a battle that stands still from here on: none of them falls while the test goes on."""
    wait_for_friends(page)
    stack.let_battle(False)
    page.reload()
    return wait_for_friends(page)


def wait_for_friends(page: Page) -> list[str]:
    """Between two battles there are none for a moment."""
    codes: list[str] = []
    for _ in range(40):
        codes = page.locator("[name=attacker] optgroup:first-of-type option").evaluate_all(
            "all => all.map(o => o.value)"
        )
        if len(codes) > 1:
            break
        page.wait_for_timeout(500)
        page.reload()
    return codes[:2]


@pytest.mark.usefixtures("battle")
def test_a_test_shot_at_a_live_unit_is_asked_about_and_a_friend_is_named_as_one(
    tab: Page, stack: RunningStack, problems: list[str]
) -> None:
    page = tab
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{stack.url}/admin/login/?next=/debug/hit")
    page.fill("[name=username]", "designer")
    page.fill("[name=password]", stack.password("designer"))
    page.click("[type=submit]")
    fired: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            fired.append(request.url)

    page.on("request", note)
    expect(page.locator("#hit-go")).to_have_text("Try the odds")
    friends = two_friends(page, stack)
    page.select_option("[name=attacker]", friends[0])
    page.select_option("[name=target]", friends[1])
    expect(page.locator("#hit-note")).to_contain_text("Friendly fire: ")
    page.focus("#hit-go")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Both are of the same side.")
    expect(dialog).to_contain_text("changes the battle that runs now")
    expect(page.get_by_role("button", name="Do not fire")).to_be_focused()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.click("#hit-go")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert fired == [], "neither Escape nor the button that has the focus fires"
    page.click("#hit-go")
    expect(dialog).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".shot-result")).to_be_visible(timeout=30_000)
    page.select_option("[name=target]", "")
    page.click("#hit-go")
    expect(page.locator(".shot-result")).to_have_count(2, timeout=30_000)
    expect(dialog).to_be_hidden()
    assert len(fired) == 2
    page.remove_listener("request", note)
    assert not problems
