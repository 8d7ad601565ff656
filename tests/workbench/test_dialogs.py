"""The dialogs that ask why: by keyboard alone, over a session that ended, and while Redis is unavailable."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, change

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
HITS = "wargame/hit_simulator"
SLOW = 40_000


def test_a_version_is_published_and_rolled_back_by_keyboard_and_the_reason_outlives_the_session(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    change(page, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.84")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    page.fill("#publish-reason", "By keyboard")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=SLOW)
    expect(page.locator("#going-done")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#publish-dialog")).to_be_hidden()

    page.goto(f"/scripts/{HITS}/history/")
    page.click("[data-rollback='1']")
    designer.context.clear_cookies(name="sessionid")
    page.keyboard.insert_text("Kept through the login")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reason-login")).to_be_focused()
    expect(page.locator("#reason-field")).to_have_value("Kept through the login")
    page.keyboard.press("Enter")
    designer.log_in(page)
    expect(page.locator("#reason-field")).to_be_focused()
    expect(page.locator("#reason-field")).to_have_value("Kept through the login")
    page.keyboard.press("Control+Enter")
    expect(page.locator("tr.is-live")).to_contain_text("v1")
    expect(page.locator("#activations li").first).to_contain_text("Kept through the login")


def test_what_will_certainly_fail_is_named_and_confirmed_once_more_by_keyboard(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    change(page, 'message.get("payload") or {})', 'message.get("payload")["atacker"])')
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#publish-check")).to_contain_text("will fail: line", timeout=SLOW)
    page.fill("#publish-reason", "Sure of it")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#failing-title")).to_be_focused(timeout=SLOW)
    expect(page.locator("#failing-list li")).to_contain_text(["did you mean attacker?"])
    page.keyboard.press("Control+Enter")  # the key that asked does not answer
    expect(page.locator("#publish-failing")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#failing-back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#publish-dialog")).to_be_hidden()
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#failing-title")).to_be_focused(timeout=SLOW)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=SLOW)
    page.keyboard.press("Enter")
    status, answer = designer.ask(
        "POST", f"/scripts/{HITS}/api/rollback", {"number": 1, "reason": "the battle goes on"}
    )
    assert status == 200, answer


@contextmanager
def without_redis(stack: RunningStack) -> Iterator[None]:
    """Redis ends, and begins again at the end."""
    with stack.supervisor() as supervisor:
        supervisor.stopProcess("redis:redis")
        try:
            yield
        finally:
            supervisor.startProcess("redis:redis")


def test_while_redis_does_not_answer_the_header_and_the_publish_dialog_say_so(
    person: Enter, stack: RunningStack
) -> None:
    page = person("designer").open(HITS)
    change(page, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.86")
    with without_redis(stack):
        expect(page.locator("#connection-text")).to_have_text("Not live: Redis does not answer", timeout=SLOW)
        page.click("#publish")
        page.fill("#publish-reason", "Without Redis")
        expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
        page.click("#publish-go")
        expect(page.locator("#going-title")).to_have_text(re.compile(r"v\d+ is active"), timeout=SLOW)
        expect(page.locator("#going-detail")).to_have_text(
            "Redis does not answer: processes take it within 5 s; who has it cannot be told now."
        )
    expect(page.locator("#connection-text")).to_have_text("Live", timeout=SLOW)


def test_publishing_over_a_file_that_differs_says_so_and_leads_to_where_it_is_written(
    person: Enter, stack: RunningStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = stack.folder.parent / "scripts" / "wargame" / "filed.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("result = {'damage': 1}\n")
    designer = person("designer")
    wait_until(lambda: designer.ask("GET", "/scripts/wargame/filed/api/active")[0] == 200, 60, every=0.2)
    wait_until(lambda: designer.ask("GET", "/scripts/wargame/filed/api/active")[1]["active"] is not None, 60, every=0.2)
    page = designer.open("wargame/filed")
    change(page, "'damage': 1", "'damage': 2")
    page.keyboard.press("Control+Shift+Enter")
    told = page.locator("#publish-file")
    expect(told).to_contain_text(
        "scripts/wargame/filed.py holds another text and will take over when it is saved the next time", timeout=SLOW
    )
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    page.screenshot(path=tmp_path_factory.getbasetemp() / "publish-over-a-file.png")
    page.fill("#publish-reason", "Over a file")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=SLOW)
    page.click("#going-file a")
    expect(page.locator("[value=active]")).to_be_checked()
    page.get_by_label("Overwrite scripts/wargame/filed.py").check()
    page.get_by_role("button", name="Extract", exact=True).click()
    expect(page.get_by_text("filed.py: overwritten")).to_be_visible()
    assert file.read_text() == "result = {'damage': 2}\n"
    same = {"source": file.read_text(), "language": "python"}
    assert designer.ask("POST", "/scripts/wargame/filed/api/file", same) == (200, {"path": None})
    page.goto("/scripts/wargame/filed/history/")
    page.click("[data-rollback='1']")
    expect(page.locator("#reason-file")).to_contain_text("scripts/wargame/filed.py holds another text")
    page.screenshot(path=tmp_path_factory.getbasetemp() / "roll-back-over-a-file.png")
    file.write_text("from shared import lacking\nresult = lacking.f()\n")
    expect(page.get_by_text("a text was refused")).to_be_visible(timeout=SLOW)
    page.reload()
    expect(page.locator("[data-rollback='3'][data-rejected]")).to_have_text(re.compile("Check again"), timeout=SLOW)
    file.write_text("result = {'damage': 2}\n")
    assert designer.problems == []
    file.unlink()
