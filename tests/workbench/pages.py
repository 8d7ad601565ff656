"""Shared by the browser tests of the workbench: a logged-in browser, its pages, and what went wrong in their consoles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from tests.support.browser import DESK, QUICK
from tests.support.stack import RunningStack


class Person:
    """Someone with a browser; `problems` collects what its consoles complain of."""

    def __init__(self, stack: RunningStack, context: BrowserContext, role: str) -> None:
        self.stack, self.context, self.role = stack, context, role
        self.problems: list[str] = []
        self.tabs: list[Page] = []
        self.hearing: dict[str, Callable[[Any], None]] = {
            "console": self._message,
            "pageerror": lambda error: self.problems.append(str(error)),
        }

    def log_in(self, page: Page) -> None:
        """Fill in the login form that `page` shows."""
        page.fill("[name=username]", self.role)
        page.fill("[name=password]", self.stack.password(self.role))
        page.click("[type=submit]")

    def page(self) -> Page:
        """A tab whose console is watched: the one that the browser has left of the test before, or a new one."""
        left = [tab for tab in self.context.pages if tab not in self.tabs]
        page = left[0] if left else self.context.new_page()
        self.tabs.append(page)
        for event, hears in self.hearing.items():
            page.on(event, hears)  # type: ignore[call-overload]
        return page

    def leave(self) -> None:
        """Watch no more: the tab that is left is for another test."""
        for page in self.tabs:
            for event, hears in self.hearing.items():
                page.remove_listener(event, hears)

    def _message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)

    def open(self, script: str, query: str = "", *, tab: Page | None = None) -> Page:
        """The workbench of `module/name`, ready and with its socket open, in a tab of its own unless one is given."""
        page = tab or self.page()
        page.goto(f"/scripts/{script}/{query}")
        page.wait_for_selector("body[data-ready]")
        expect(page.locator("#connection")).to_have_attribute("data-state", "open")
        return page

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A request as the page's scripts make them: status and document, which is None where the answer is a page."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}
        headers = {"X-CSRFToken": cookies.get("csrftoken", ""), "Content-Type": "application/json"}
        options: dict[str, Any] = {"method": method, "headers": headers}
        if body is not None:
            options["data"] = json.dumps(body)
        answer = self.context.request.fetch(path, **options)
        return answer.status, answer.json() if "json" in answer.headers["content-type"] else None


def new_context(stack: RunningStack, browser: Browser, **options: Any) -> BrowserContext:
    """A browser that knows nothing yet, as wide as a desk and with things at rest unless the options say otherwise."""
    usual = {"viewport": DESK, "base_url": stack.url, "reduced_motion": "reduce"}
    context = browser.new_context(**usual | options)
    context.set_default_timeout(QUICK)
    return context


def session(stack: RunningStack, browser: Browser, role: str) -> Any:
    """The cookies of a role that has logged in: by the form's requests, since no test here looks at how it is shown."""
    context = new_context(stack, browser)
    form = "/admin/login/?next=/healthz"
    assert context.request.get(form).ok
    token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "csrftoken")  # type: ignore[typeddict-item]
    filled = {"csrfmiddlewaretoken": token, "username": role, "password": stack.password(role), "next": "/healthz"}
    answer = context.request.post(form, form=filled, headers={"Referer": stack.url})
    assert answer.url.endswith("/healthz"), "the form is shown again"
    state = context.storage_state()
    context.close()
    return state


def intercept(page: Page, url: str, *handlers: Callable[[Route], object]) -> list[Callable[[Route], object]]:
    """Have the next requests of this pattern handled, each by one of these; those after them go to the server. More handlers may be put behind.

    The route stays as long as the page: where one is taken away (`times`, `unroute`), Chromium may leave a request of that moment
    without an answer for ever.
    """
    left = list(handlers)

    def handle(route: Route) -> None:
        if left:
            left.pop(0)(route)
        else:
            route.continue_()

    page.route(url, handle)
    return left


def text_of(page: Page) -> str:
    """The text in the editor."""
    text: str = page.evaluate("window.ace.edit('editor').getValue()")
    return text


def write(page: Page, text: str) -> None:
    """Replace all of the text by typing, as a person would paste it."""
    page.evaluate("window.ace.edit('editor').focus()")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def change(page: Page, old: str, new: str) -> None:
    """Replace one place of the text, through the editor."""
    found = page.evaluate(
        "([old, fresh]) => { const e = window.ace.edit('editor'); e.focus(); const at = e.find(old, {backwards: false, wrap: true}); if (at) e.insert(fresh); return Boolean(at); }",
        [old, new],
    )
    assert found, f"{old!r} isn't in the text:\n{text_of(page)}"


def discard(person: Person, script: str) -> None:
    """Delete somebody's draft by the requests of a page, without one, which would try the text by itself."""
    address = f"/scripts/{script}/api/discard"
    status, answer = person.ask("POST", address, {"revision": None})
    if status == 409:
        status, answer = person.ask("POST", address, {"revision": answer["theirs"]["revision"]})
    assert status == 200, answer


def publish(page: Page, reason: str) -> None:
    """Through the dialog, until every process has taken it."""
    page.click("#publish")
    page.fill("#publish-reason", reason)
    expect(page.locator("#publish-go")).to_be_enabled()
    page.click("#publish-go")
    expect(page.locator("#going-title")).to_contain_text("Live on")


def hover(page: Page, name: str) -> None:
    """Move the pointer over a name in the editor."""
    page.evaluate(
        f"{{ const e = window.ace.edit('editor'); e.find('{name}', {{wrap: true}}); e.clearSelection(); e.focus(); }}"
    )
    expect(page.locator(".ace_line", has_text=name).first).to_be_visible()
    box = page.locator(".ace_cursor").bounding_box()
    assert box is not None
    for step in range(3):  # the pointer has to move over the name
        page.mouse.move(box["x"] - 20 - step, box["y"] + 8)


def weaken(stack: RunningStack) -> None:
    """Let the next hit on about every second unit of the battle destroy it."""
    stack.rows("UPDATE wargame_unit SET health = 1 WHERE health > 1 AND id % 2")
    stack.rows("UPDATE wargame_game SET stamp = 0")
