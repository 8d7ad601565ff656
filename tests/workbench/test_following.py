"""The tree and the history follow what happens elsewhere, and take neither the focus nor the place of who looks at them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.stack import RunningStack
from tests.workbench.pages import Person

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
EVENTS = "wargame/event_processor"


def opened(person: Person, address: str) -> Page:
    page = person.page()
    page.goto(address)
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    return page


def publish_elsewhere(person: Person, reason: str) -> int:
    """Publish a text with one more comment; the version's number."""
    _, now = person.ask("GET", f"/scripts/{EVENTS}/api/active")
    active = now["active"]
    text: dict[str, Any] = {"source": f"{active['source']}\n# {reason}\n", "language": "python"}
    status, answer = person.ask(
        "POST", f"/scripts/{EVENTS}/api/publish", text | {"base": active["number"], "reason": reason}
    )
    assert status == 200, json.dumps(answer)
    number: int = answer["active"]["number"]
    return number


def test_a_row_of_the_tree_changes_in_place_and_keeps_the_focus(person: Enter) -> None:
    designer, admin = person("designer"), person("admin")
    page = opened(designer, "/scripts/")
    row = page.locator(f"tr[data-key='{EVENTS}']")
    link = row.get_by_role("link", name="History of event_processor")
    link.focus()
    page.set_viewport_size({"width": 1280, "height": 360})  # lower than the page, whatever becomes of the row
    page.evaluate("scrollTo(0, 40)")
    before = page.evaluate("[scrollY, document.querySelectorAll('tr').length]")
    assert before[0] == 40
    number = publish_elsewhere(admin, "Told to the tree")
    expect(row).to_contain_text("Told to the tree")
    expect(row.locator(".version")).to_have_text(f"v{number}")
    expect(row).to_contain_text("published by admin")
    expect(page.locator(".toast")).to_contain_text(
        f"event_processor: v{number} is live now, by admin: Told to the tree"
    )
    expect(link).to_be_focused()
    assert page.evaluate("[scrollY, document.querySelectorAll('tr').length]") == before
    assert designer.problems == []


def test_the_history_says_what_happened_and_shows_it_when_asked(person: Enter) -> None:
    designer, admin = person("designer"), person("admin")
    publish_elsewhere(admin, "Something to compare")
    page = opened(designer, f"/scripts/{EVENTS}/history/")
    rows = page.locator("#versions-rows tr")
    count = rows.count()
    oldest = page.locator("input[name=old]").last
    oldest.check()
    number = publish_elsewhere(admin, "Told to the history")
    news = page.locator(".toast", has_text=f"v{number} is live now, by admin: Told to the history")
    expect(news).to_be_visible()
    expect(rows).to_have_count(count)
    expect(page.locator(".chip.live")).to_have_count(0)  # what is shown is not what is live: the notice says so
    news.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(count + 1)
    expect(page.locator("tr.is-live")).to_contain_text(f"v{number}")
    expect(page.locator("#activations li").first).to_contain_text("Told to the history")
    expect(oldest).to_be_checked()
    expect(rows.first.get_by_role("link").first).to_be_focused()
    assert designer.problems == []


def test_a_change_of_limits_reaches_the_history(person: Enter) -> None:
    designer, admin = person("designer"), person("admin")
    page = opened(designer, f"/scripts/{EVENTS}/history/")
    of_script = admin.page()
    of_script.goto("/admin/scripting/script/")
    of_script.get_by_role("link", name=EVENTS).click()
    of_script.fill("[name=max_execution_time]", "7")
    of_script.fill("[name=reason]", "it has much to do")
    of_script.locator("[name=_save]").click()
    of_script.wait_for_url("**/script/")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#changes")).to_contain_text("time limit: the module's → 7")


LARGE = "large = [0] * 7_000_000\nresult = {'processed': True}\n"
"""Fails by the module's limit of memory, and does well when the script's own is higher."""
LIMIT = "from scripting.models import Script; s = Script.objects.get(name='event_processor'); s.max_memory_bytes = {}; s.save()"


@pytest.fixture
def put_back(stack: RunningStack) -> Iterator[None]:
    """The script is as it was afterwards."""
    yield
    for command in (("rollback_script", EVENTS, "1", "-m", "After the test"), ("shell", "-c", LIMIT.format(None))):
        said = stack.manage(*command)
        assert said.returncode == 0, said.stderr


def publish_text(person: Person, source: str, reason: str) -> int:
    _, now = person.ask("GET", f"/scripts/{EVENTS}/api/active")
    text = {"source": source, "language": "python", "base": now["active"]["number"], "reason": reason}
    status, answer = person.ask("POST", f"/scripts/{EVENTS}/api/publish", text)
    assert status == 200, json.dumps(answer)
    number: int = answer["active"]["number"]
    return number


@pytest.mark.usefixtures("battle", "put_back")
def test_open_pages_are_told_what_stands_in_for_a_version_that_fails_and_when_it_runs_again(
    person: Enter, stack: RunningStack
) -> None:
    designer, viewer, admin = person("designer"), person("viewer"), person("admin")
    page, tree, other = designer.open(EVENTS), opened(viewer, "/scripts/"), designer.open("wargame/hit_simulator")
    row = tree.locator(f"tr[data-key='{EVENTS}']")
    before = publish_elsewhere(admin, "A good one")
    number = publish_text(admin, LARGE, "Takes too much")
    words = re.compile(rf"v{number} failed \d+ times in a row: v{before} decides as fallback")
    expect(page.locator("#fallback")).to_contain_text(words, timeout=60_000)
    expect(page.locator("#fallback")).to_contain_text("memory")
    expect(page.locator("#live-chip")).to_have_text(f"v{before} decides instead of v{number}")
    expect(page.locator(".toast.bad")).to_contain_text(words)
    expect(page.locator(".shelf [aria-current] .chip")).to_be_visible()
    expect(other.locator(".shelf [data-name=event_processor] .chip")).to_be_visible()
    expect(row).to_contain_text(words)
    expect(tree.locator(".toast")).to_contain_text(f"event_processor: v{number} is set aside and its fallback runs")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#fallback")).to_contain_text(words)
    expect(page.locator("#fallback").get_by_role("link", name="See the failures")).to_have_attribute(
        "href", re.compile(r"/execution/\?script=\d+&version=\d+&status=tried$")
    )
    assert stack.manage("shell", "-c", LIMIT.format(128 << 20)).returncode == 0
    expect(page.locator(".toast.good")).to_contain_text(f"v{number} runs again.", timeout=60_000)
    expect(page.locator("#fallback")).to_be_hidden()
    expect(page.locator("#live-chip")).to_have_text(f"v{number} is live")
    expect(other.locator(".shelf [data-name=event_processor] .chip")).to_be_hidden()
    expect(row).not_to_contain_text("fallback")
    assert designer.problems + viewer.problems == []
