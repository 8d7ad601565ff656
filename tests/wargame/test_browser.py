"""The battle page in a real browser, on the stack as `make run` starts it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import chromium
from tests.support.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder: Path = tmp_path_factory.mktemp("battle") / "var"
    with RunningStack(folder, WARGAME_TICK_SECONDS="0.5") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def page(stack: RunningStack, browser: Browser, problems: list[str]) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    opened.on("console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(f"{stack.url}/")
    yield opened
    opened.close()


def test_a_new_visitor_sees_outcomes_come_in_and_what_decided_them(page: Page, problems: list[str]) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=15_000)
    outcomes = page.locator(".entry.kind-damage, .entry.kind-miss")
    expect(outcomes.nth(2)).to_be_visible(timeout=20_000)
    newest = outcomes.first
    expect(newest.locator(".change")).to_contain_text("→")
    expect(newest.locator(".entry-by a").first).to_have_attribute("href", r"".join(["/admin/"]) + newest_path(newest))
    expect(page.locator(".card a")).to_have_text("Open damage_calculator")
    assert page.locator(".board .unit").count() > 12
    assert not problems


def newest_path(entry: object) -> str:
    """The rest of the link to an execution, as the page has it."""
    href: str = entry.locator(".entry-by a").first.get_attribute("href")  # type: ignore[attr-defined]
    assert href.startswith("/admin/scripting/execution/")
    return href.removeprefix("/admin/")


def test_the_page_reconnects_by_itself_and_has_missed_nothing(page: Page) -> None:
    connection = page.locator("#connection")
    expect(connection).to_have_attribute("data-state", "open", timeout=15_000)
    page.evaluate("window.stays = true")
    page.context.set_offline(True)
    page.evaluate("performance.getEntriesByType('resource')")
    page.context.set_offline(False)
    expect(connection).to_have_attribute("data-state", "open", timeout=20_000)
    seen = [int(entry.get_attribute("data-sequence") or 0) for entry in page.locator(".entry").all()]
    assert seen == sorted(seen, reverse=True)
    assert page.evaluate("window.stays") is True


@pytest.mark.parametrize("width", [390, 834, 1280])
def test_nothing_sticks_out_at_the_side(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
