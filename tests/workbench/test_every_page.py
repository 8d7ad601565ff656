"""Every page of the site in a real browser, as admin: nothing to complain of in the console, and times of one form in one named zone."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable
from http.client import HTTPConnection

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import ConsoleMessage, Page
from playwright.sync_api import Error as PlaywrightError

from tests.support.addresses import address, routes
from tests.support.stack import RunningStack
from tests.workbench.pages import Person

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

LEAVES = re.compile(r"^admin/(logout|login)/|^metrics|^ws/")
"""They end the session, or are for programs."""
FAR_AWAY = "America/New_York"
"""The zone of the browser: neither the site's nor this machine's."""
SMALL = {"width": 390, "height": 320}
"""Less to draw. That pages fit windows is for the tests of each."""
LATEST = {
    "script": "SELECT id FROM scripting_script WHERE name = 'damage_calculator'",
    "scriptversion": "SELECT max(id) FROM scripting_scriptversion",
    "activation": "SELECT max(id) FROM scripting_activation",
    "execution": "SELECT id FROM scripting_execution ORDER BY id DESC LIMIT 1",
    "errorgroup": "SELECT max(id) FROM scripting_errorgroup",
    "game": "SELECT max(id) FROM wargame_game",
    "battlelogentry": "SELECT max(id) FROM wargame_battlelogentry WHERE kind = 'damage'",
    "user": "SELECT id FROM auth_user WHERE username = 'viewer'",
    "group": "SELECT id FROM auth_group WHERE name = 'viewer'",
}
LOOK = """() => {
  const zones = [...document.querySelectorAll('[data-zone]')].map((one) => one.dataset.zone);
  const found = [];
  const times = [...document.querySelectorAll('time')];
  if (times.length && zones.length !== 1) found.push(`${zones.length} names of a zone`);
  const writers = {};
  const written = (at, zone) => (writers[zone] ??=
    new Intl.DateTimeFormat('sv-SE', {dateStyle: 'short', timeStyle: 'medium', timeZone: zone})).format(at);
  for (const time of times) {
    const words = time.textContent.trim(), at = new Date(time.dateTime);
    const exact = written(at, zones[0]);
    const is_one = words.replace(/[.]\\d{3}$/, '') === exact || words === exact.slice(11);
    if (!is_one && !/ago$|^just now$|^\\d+ (s|min|h|d)$/.test(words)) found.push(`${words}, which is ${exact}`);
    if (!time.title.includes(written(at, 'UTC'))) found.push(`${words} without UTC: ${time.title}`);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const inside = texts.currentNode.parentElement.closest('time, svg, script, style, pre, code, textarea, select, .entry, .shots');
    if (!inside && /(?<![:\\w])\\d\\d:\\d\\d|\\d{4}-\\d\\d-\\d\\d/.test(texts.currentNode.data)) found.push(texts.currentNode.data.trim());
  }
  const links = [...document.querySelectorAll('a[href]')].filter((a) => a.origin === location.origin).map((a) => a.pathname);
  return {whole: document.doctype !== null, amiss: found, links};
}"""
"""Finds the faults of the page that is open, and where it leads."""


def test_no_page_has_anything_to_complain_of(person: Callable[..., Person], stack: RunningStack) -> None:
    admin = person("admin")
    draft = {"source": "result = {'damage': 1}\n", "language": "python"}
    status, report = admin.ask("POST", "/scripts/wargame/damage_calculator/api/replay", draft)
    assert status == 200, report
    page = admin.page()
    page.set_viewport_size(SMALL)
    tools = admin.context.new_cdp_session(page)
    # Not a browser of its own, which would have no file cached.
    tools.send("Emulation.setTimezoneOverride", {"timezoneId": FAR_AWAY})
    seen, complaints = walk(page, stack, addresses(stack) | {"a report": report["address"]})
    assert complaints == []
    assert len(seen) > 80
    assert page.evaluate("new Intl.DateTimeFormat().resolvedOptions().timeZone") == FAR_AWAY
    tools.detach()


def walk(page: Page, stack: RunningStack, waiting: dict[str, str]) -> tuple[list[str], list[str]]:
    """Open what waits, an address by route, and what its links lead to: the pages seen, and what there was to complain of."""
    seen: list[str] = []
    complaints: list[tuple[str, str]] = []
    at = ""

    def complain(text: str, about: str = "") -> None:
        complaints.append((about, f"{at}: {text}"))

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complain(message.text, message.location["url"])

    def fail(error: PlaywrightError) -> None:
        complain(str(error))

    page.on("console", hear)
    page.on("pageerror", fail)
    known: set[str] = set()
    asked: set[str] = set()
    linked: list[str] = []
    guessed = list(waiting.values())  # most of them are refused, for programs, or lead elsewhere
    while linked or guessed:
        is_guessed = not linked
        at = (linked or guessed).pop()
        if at in asked or resolve(at).route in known:
            continue
        asked.add(at)
        if is_guessed and not is_page(page, stack, at):
            continue
        if not opens(page, at):
            complaints = [one for one in complaints if one[0] != page.url]  # that it is refused
            continue
        found = page.evaluate(LOOK)
        if not found["whole"]:
            continue  # a part of a page
        seen.append(at)
        known.add(resolve(at).route)
        for problem in found["amiss"]:
            complain(problem)
        for path in found["links"]:
            with contextlib.suppress(Resolver404):
                route = resolve(path).route
                if route not in known and not LEAVES.search(route):
                    linked.append(path)
    page.remove_listener("console", hear)
    page.remove_listener("pageerror", fail)
    return seen, [text for _, text in complaints]


def is_page(page: Page, stack: RunningStack, at: str) -> bool:
    """Ask as the page's browser would, at a fraction of its work."""
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())  # type: ignore[typeddict-item]
    with contextlib.closing(HTTPConnection("127.0.0.1", stack.port, timeout=60)) as connection:
        connection.request("GET", at, headers={"Cookie": cookies})
        answer = connection.getresponse()
        return answer.status == 200 and answer.read().lstrip().lower().startswith(b"<!doctype html")


def opens(page: Page, at: str) -> bool:
    """Whether the browser shows a page at this very address."""
    try:
        shown = page.goto(at)
    except PlaywrightError as error:
        if "Download is starting" not in str(error):
            raise
        return False
    return bool(
        shown
        and shown.status == 200
        and shown.headers["content-type"].startswith("text/html")
        and shown.request.redirected_from is None
    )


def addresses(stack: RunningStack) -> dict[str, str]:
    """By route, one address that people can look at, of what is there; links lead to the others."""
    found = latest(stack)
    values = {"module": "wargame", "name": "damage_calculator", "queue_index": "0", "connection_index": "0", **found}
    values |= {"case": "every_hit_does_something", "topic": "wargame.unit.destroyed"}
    values |= {"script_id": found["script"], "execution_id": found["execution"]}
    made = {
        route: address(route, values | ({"name": "disable"} if "/switch/" in route else {}))
        for route in routes()
        if "report_id" not in route and not route.startswith("api/v1/")  # what a token opens
    }
    return {route: path for route, path in made.items() if not LEAVES.search(route)}


def latest(stack: RunningStack) -> dict[str, str]:
    """Ids of records that there are."""
    with contextlib.closing(sqlite3.connect(stack.folder / "goby.sqlite3")) as database:
        return {
            name: str(row[0])
            for name, query in LATEST.items()
            if (row := database.execute(query).fetchone()) and row[0]
        }
