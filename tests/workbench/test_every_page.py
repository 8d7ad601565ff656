"""Every page of the site in a real browser, as admin: nothing to complain of in the console, and times of one form in one named zone."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from tests.support.addresses import address, routes
from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(300)]

LEAVES = re.compile(r"^admin/(logout|login)/|^metrics|^ws/")
"""They end the session, or are for programs."""
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
LINKS = (
    "() => [...document.querySelectorAll('a[href]')].filter((a) => a.origin === location.origin).map((a) => a.pathname)"
)
AMISS = """() => {
  const zones = [...document.querySelectorAll('[data-zone]')].map((one) => one.dataset.zone);
  const found = [];
  const times = [...document.querySelectorAll('time')];
  if (times.length && zones.length !== 1) found.push(`${zones.length} names of a zone`);
  const written = (at, zone) => new Intl.DateTimeFormat('sv-SE', {dateStyle: 'short', timeStyle: 'medium', timeZone: zone}).format(at);
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
  return found;
}"""


def test_no_page_has_anything_to_complain_of(person: Callable[..., Person], stack: RunningStack) -> None:
    wait_until(lambda: "battlelogentry" in latest(stack), 60)
    admin = person("admin", timezone_id="America/New_York")
    draft = {"source": "result = {'damage': 1}\n", "language": "python"}
    status, report = admin.ask("POST", "/scripts/wargame/damage_calculator/api/replay", draft)
    assert status == 200, report
    seen, complaints = walk(admin.page(), addresses(stack) | {"a report": report["address"]})
    assert complaints == []
    assert len(seen) > 60


def walk(page: Page, waiting: dict[str, str]) -> tuple[list[str], list[str]]:
    """Open what waits, an address by route, and what its links lead to: the pages seen, and what there was to complain of."""
    seen: list[str] = []
    complaints: list[str] = []
    at = ""

    def complain(text: str) -> None:
        complaints.append(f"{at}: {text}")

    page.on("console", lambda message: complain(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complain(str(error)))
    known: set[str] = set()
    queue = list(waiting.values())
    asked: set[str] = set()
    while queue:
        at = queue.pop()
        if at in asked or resolve(at).route in known:
            continue
        asked.add(at)
        answer = page.request.get(at, max_redirects=0)
        if answer.status != 200 or not answer.text().lstrip().lower().startswith("<!doctype html"):
            continue  # refused, for programs, or a part of a page
        before = len(complaints)
        shown = page.goto(at)
        if shown is None or shown.status == 404:  # a job that was there a moment ago
            del complaints[before:]
            continue
        seen.append(at)
        known.add(resolve(at).route)
        for problem in page.evaluate(AMISS):
            complain(problem)
        for path in page.evaluate(LINKS):
            with contextlib.suppress(Resolver404):
                route = resolve(path).route
                if route not in known and not LEAVES.search(route):
                    queue.append(path)
    return seen, complaints


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
