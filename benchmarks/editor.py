"""How soon a designer can write, and how soon the editor says what is wrong: a real browser on the running stack.

Each page begins with an empty cache. The peer is the same page without its scripts: what the server and the browser cost anyway.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks import Missing
from tests.support.browser import chromium, chromium_path
from tests.support.stack import RunningStack

PAGES = 12
KEYS = 20
EDITOR_TARGET_MS = 1500
CHECK_TARGET_MS = 300
SCRIPT = "/scripts/wargame/damage_calculator/"

BARE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
USABLE = "performance.getEntriesByName('goby:editor')[0].startTime"
CHECKED = "performance.getEntriesByName('goby:check').map(entry => entry.duration)"


def measure() -> list[dict[str, Any]]:
    """Milliseconds from navigation to a usable editor, and from the last key to its diagnostics. Raises Missing."""
    if chromium_path() is None:
        raise Missing("Chromium was not found: install the package `chromium`, or set CHROMIUM.")
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder) / "var") as stack, chromium() as browser:
        session = log_in(browser, stack)
        usable, bare = [], []
        for _ in range(PAGES):
            usable.append(load(browser, session, stack.url, scripts=True))
            bare.append(load(browser, session, stack.url, scripts=False))
        checked = check(browser, session, stack.url)
    without = statistics.median(bare)
    return [
        figure(f"navigation → usable editor, median of {PAGES}", statistics.median(usable), without, None),
        figure(f"navigation → usable editor, slowest of {PAGES}", max(usable), without, EDITOR_TARGET_MS),
        figure(f"last key → diagnostics shown, slowest of {len(checked)}", max(checked), None, CHECK_TARGET_MS),
    ]


def figure(name: str, value: float, bare: float | None, target: int | None) -> dict[str, Any]:
    return {
        "figure": name,
        "value": round(value),
        "unit": "ms",
        "peer": "the same page without its scripts" if bare else None,
        "peer_value": round(bare) if bare else None,
        "ratio": round(value / bare, 2) if bare else None,
        "target": f"<= {target}" if target else None,
        "holds": value <= target if target else None,
    }


def log_in(browser: Browser, stack: RunningStack) -> Any:
    """The cookies of the demo designer."""
    page = browser.new_page()
    page.goto(f"{stack.url}/admin/login/?next=/healthz")
    page.fill("[name=username]", "designer")
    page.fill("[name=password]", stack.password("designer"))
    page.click("[type=submit]")
    page.wait_for_url("**/healthz")
    session = page.context.storage_state()
    page.context.close()
    return session


def load(browser: Browser, session: Any, url: str, *, scripts: bool) -> float:
    """Milliseconds from navigation until the editor can be written in, or until the page without scripts is there."""
    context = browser.new_context(storage_state=session)
    page = context.new_page()
    if not scripts:
        page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{url}{SCRIPT}")
    if scripts:
        page.wait_for_selector("body[data-ready]")
    taken: float = page.evaluate(USABLE if scripts else BARE)
    context.close()
    return taken


def check(browser: Browser, session: Any, url: str) -> list[float]:
    """Milliseconds from each key to the diagnostics of the text that it made."""
    context = browser.new_context(storage_state=session)
    page = context.new_page()
    page.goto(f"{url}{SCRIPT}")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#check-state[data-state=good]")
    page.evaluate("window.ace.edit('editor').focus()")
    for number in range(KEYS):
        page.keyboard.press("(" if number % 2 == 0 else "Backspace")
        await_checks(page, number + 1)
    found: list[float] = page.evaluate(CHECKED)
    context.close()
    return found


def await_checks(page: Page, wanted: int) -> None:
    """Until so many checks have been shown. Raises TimeoutError after 10 s."""
    for _ in range(200):
        if page.evaluate(f"{CHECKED}.length") >= wanted:
            return
        page.wait_for_timeout(50)
    raise TimeoutError(f"check {wanted} was not shown within 10 s")
