"""The pages of executions in a real browser: live rows, following a filter, keyboard and reading order, no console error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from scripting.metrics import error_groups
from scripting.models import ErrorGroup, Execution, Script
from scripting.receipts.sharing import share
from tests.insight.runs import publish, run, set_aside, write
from tests.support.browser import barriers, be
from tests.support.game import Game

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def script(game: Game) -> Script:
    """With runs and a failure."""
    User.objects.create_superuser("boss")
    version = publish(game, "result = 1\n")
    script = game.script("dice")
    write(script, 60)
    failing = {"error_type": "timeout", "error_line": 1, "error_version_id": version.pk, "error_message": "too slow"}
    write(script, 3, end=datetime.now(UTC) + timedelta(milliseconds=1), status="failed", **failing)
    error_groups.fold()
    return script


def enter(page: Page, url: str, path: str) -> None:
    be(page, User.objects.get(username="boss"), url)
    page.goto(url + path)


def test_filters_pages_and_stories_follow_each_other(script: Script, page: Page, live_server: Any) -> None:
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    enter(page, live_server.url, reverse("admin:scripting_execution_changelist"))
    rows = page.locator("#executions tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(13)
    page.get_by_role("link", name="Newer").click()
    expect(rows).to_have_count(50)
    page.get_by_label("Outcome").select_option("failed")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(rows).to_have_count(3)
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_role("alert")).to_contain_text("high severity")
    page.get_by_role("link", name="This error").click()
    page.get_by_label("Note").fill("the limit was too low")
    page.get_by_role("button", name="Mark as resolved").click()
    expect(page.get_by_text("the limit was too low")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 720})
    page.goto(live_server.url + reverse("admin:scripting_execution_changelist"))
    expect(page.get_by_label("Worker")).to_be_hidden()
    page.get_by_text("More filters").click()
    expect(page.get_by_label("Worker")).to_be_visible()
    table = page.get_by_role("region", name="Executions")
    assert table.evaluate("element => element.scrollWidth - element.clientWidth") <= 0, "rows fold on a phone"
    assert problems == []


def test_pages_have_no_serious_barrier_and_fit_their_window(
    game: Game, script: Script, page: Page, live_server: Any
) -> None:
    fell_back = run(game, "log('a line')\nresult = 1 // 0\n", trigger="endpoint")
    letter = set_aside("chess_club:0", b"\xff no event")
    decided = Execution.objects.get(pk=fell_back.execution_id)
    _, secret = share(decided, actor=None, reason="a complaint", sentence="Someone rolled dice.")
    paths = [
        reverse("shared-decision", args=[secret]),
        reverse("admin:scripting_execution_receipts"),
        reverse("admin:scripting_execution_shares"),
        reverse("admin:scripting_execution_figures") + "?range=15m",
        reverse("admin:scripting_execution_changelist"),
        reverse("admin:scripting_execution_change", args=[fell_back.execution_id]),
        reverse("admin:scripting_errorgroup_change", args=[ErrorGroup.objects.get().pk]),
        reverse("admin:scripting_execution_letters"),
        reverse("admin:scripting_execution_letter", args=[letter]),
        reverse("admin:scripting_execution_letter_delete", args=[letter]),
    ]
    be(page, User.objects.get(username="boss"), live_server.url)
    for path in paths:
        page.set_viewport_size({"width": 1280, "height": 720})
        page.emulate_media(color_scheme="light")
        page.goto(live_server.url + path)
        assert barriers(page, "#content") == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, path
        page.emulate_media(color_scheme="dark")
        assert barriers(page, colours_only=True) == [], path
        page.set_viewport_size({"width": 800, "height": 720})
        assert page.evaluate("document.documentElement.scrollWidth") <= 800, path


def test_the_list_of_errors_shows_all_its_columns(game: Game, script: Script, page: Page, live_server: Any) -> None:
    version = publish(game, "result = 2\n")
    long = {"error_script": "chess_club/dice", "error_message": f"NameError: name '{'long_' * 20}' is not defined"}
    failing = {"error_type": "security_violation", "error_line": 1234, "error_version_id": version.pk, **long}
    write(script, 12345, every=timedelta(milliseconds=1), status="failed", **failing)
    error_groups.fold()
    enter(page, live_server.url, reverse("admin:scripting_errorgroup_changelist"))
    table = page.locator("#result_list")
    for text in ("security violation at line 1234", "chess_club/dice v2", "12345"):
        expect(table).to_contain_text(text)
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 720})
        for cell in table.locator("tr").last.locator("th, td").all():
            box = cell.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        scrolls = "element => element.scrollWidth - element.clientWidth"
        assert table.evaluate("e => Math.max(...[e, e.parentElement].map(" + scrolls + "))") <= 0


def test_a_dead_letter_is_deleted_with_the_keyboard_alone(script: Script, page: Page, live_server: Any) -> None:
    set_aside("chess_club:0", b"junk")
    enter(page, live_server.url, reverse("admin:scripting_execution_letters"))
    for role, name in (("link", None), ("link", "Delete…"), ("button", "Delete it")):
        target = page.locator("#letters a") if name is None else page.get_by_role(role, name=name)
        for _ in range(60):
            page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                break
        expect(target).to_be_focused()
        page.keyboard.press("Enter")
        expect(target).to_have_count(0)
    expect(page.get_by_text("There are none")).to_be_visible()


def test_new_executions_appear_by_themselves(script: Script, page: Page, live_server: Any) -> None:
    enter(page, live_server.url, reverse("admin:scripting_execution_changelist") + "?user=ada")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    write(script, 1, user="ada")
    expect(page.locator("#executions tbody a").first).to_be_visible()


def test_new_executions_appear_while_a_row_has_the_focus_and_leave_it_there(
    script: Script, page: Page, live_server: Any
) -> None:
    focused = "document.activeElement.closest('tr')?.dataset.key"
    enter(page, live_server.url, reverse("admin:scripting_execution_changelist"))
    rows = page.locator("#executions tbody tr")
    rows.nth(1).get_by_role("link").nth(1).focus()
    key = page.evaluate(focused)
    later = datetime.now(UTC) + timedelta(minutes=1)
    write(script, 2, end=later, user="ada")
    expect(rows.nth(3)).to_have_attribute("data-key", key)
    expect(rows.nth(3).get_by_role("link").nth(1)).to_be_focused()
    expect(rows).to_have_count(50)
    write(script, 50, end=later + timedelta(minutes=5))
    expect(page.locator(f'tr[data-key="{key}"]')).to_have_count(0)
    expect(page.get_by_role("region", name="Executions")).to_be_focused()


def test_an_error_in_the_list_has_two_lines_at_the_most_and_says_what_matters_in_them(
    script: Script, page: Page, live_server: Any
) -> None:
    message = "the script ran longer than 0.5 s, its limit: " + "make it do less " * 20
    active = script.active_version_id
    write(script, 1, status="failed", error_type="timeout", error_version_id=active, error_message=message, user="ada")
    enter(page, live_server.url, reverse("admin:scripting_execution_changelist") + "?user=ada")
    text = page.locator("#executions .goby-rest > div")
    for width, words in ((1280, 320), (800, 150)):
        page.set_viewport_size({"width": width, "height": 720})
        box = text.bounding_box()
        assert box is not None
        assert 30 < box["height"] < 45
        assert box["width"] > words
