"""A real browser for tests of pages: Debian's Chromium driven by Playwright, with no connection of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--no-opt --no-maglev --single-threaded-gc",  # no page here runs for long enough to be worth optimising
]


def chromium_path() -> str | None:
    """The Chromium to use: the environment's CHROMIUM, else the one on PATH, else None.

    The headless shell first: the same engine without the parts of a desktop takes half the processor time.
    """
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


QUICK = 30_000
"""Milliseconds that a page may take for anything on a busy machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Skips the calling test where there is none; the summary then says so."""
    import pytest
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=QUICK)
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium was not found")
    # Playwright's own event loop runs in this thread, also for the tests that follow while the browser is open: Django would take
    # each for an asynchronous caller.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


DESK = {"width": 1280, "height": 720}


class KeptBrowser:
    """A browser for tests of several files, from the first that asks for it until it is closed."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._context: BrowserContext | None = None

    def context(self) -> BrowserContext:
        """It is as wide as a desk, with things at rest. Skips the calling test where there is no Chromium."""
        if self._context is None:
            running = self._open.enter_context(chromium())
            self._context = running.new_context(reduced_motion="reduce", viewport=DESK)  # type: ignore[arg-type]
        return self._context

    def close(self) -> None:
        """Nothing where none is open."""
        self._context = None
        self._open.close()


def forget(context: BrowserContext, url: str) -> None:
    """Remove what the site at `url` has stored; what is cached of its files stays, and two tabs on a page without anything.

    The next page opens in such a tab's process: for half the processor time that it takes in a new one.
    """
    left = f"{url}/healthz#left"
    for page in context.pages[2:]:
        page.close()
    for page in context.pages:
        if page.url == left:
            continue  # nobody has used it since
        _leave(page, left)  # first: a page may still write something when it is left
        page.unroute_all()  # now that no request can be of the moment in which a route goes
        page.mouse.move(0, 0)
        page.evaluate("sessionStorage.clear()")
        tools = context.new_cdp_session(page)
        tools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "local_storage,indexeddb"})
        tools.detach()
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
    context.clear_cookies()


def _leave(page: Page, address: str) -> None:
    """Go there from a page that may just be going somewhere by itself."""
    from playwright.sync_api import Error

    try:
        page.goto(address)
    except Error:  # its way came in between, and ends here
        page.goto(address)


def be(page: Page, user: AbstractBaseUser, url: str) -> None:
    """Make the page's browser one that `user` has logged in with, without opening the form."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": name, "value": one.value, "url": url} for name, one in client.cookies.items()])


SERIOUS = {"serious", "critical"}
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules about colours that axe-core applies unless told otherwise. They are most of its work, and all that differs by night."""
JUDGE = """async ([place, colours, rest]) => {
  const never = axe._audit.rules.filter((rule) => ['minor', 'moderate'].includes(rule.impact) || !rest && !colours.includes(rule.id));
  const rules = Object.fromEntries(never.map((rule) => [rule.id, {enabled: false}]));
  const parts = ['color', 'backgroundColor', 'backgroundImage', 'opacity', 'textShadow', 'fontSize', 'fontWeight', 'position', 'filter', 'mixBlendMode'];
  const numbers = new Map(), known = new Map([[null, 0]]), contrasting = new Set();
  const look = (one) => {
    if (!known.has(one)) {
      const style = getComputedStyle(one);
      const words = [look(one.parentElement), one.tagName, one.getAttribute('class'), ...parts.map((part) => style[part])].join();
      if (!numbers.has(words)) numbers.set(words, numbers.size + 1);
      known.set(one, numbers.get(words));
    }
    return known.get(one);
  };
  const check = axe._audit.checks['color-contrast'], {evaluate} = check;
  check.evaluate = function (one, ...others) {
    if (contrasting.has(look(one))) return true;
    const found = evaluate.call(this, one, ...others);
    if (found) contrasting.add(look(one));
    return found;
  };
  try {
    return (await axe.run({include: [[place || 'html']]}, {resultTypes: ['violations'], preload: false, rules})).violations;
  } finally {
    check.evaluate = evaluate;
  }
}"""
"""A text that can be read stands for all with the same colours, sizes and classes, up to the page; a rule whose violations are never
serious is not asked."""


def barriers(page: Page, context: str | None = None, *, colours_only: bool = False) -> list[str]:
    """Name what axe-core calls serious or critical, each with its place and text.

    `colours_only` is for a page that was judged already and has other colours now.
    """
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(JUDGE, [context, COLOURS, not colours_only])
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]
