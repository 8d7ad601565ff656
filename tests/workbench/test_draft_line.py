"""The line above the editor: whose text stands there, how it differs from what is live, and reading another version."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import barriers
from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, change, discard, hover, text_of, write

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
DAMAGE = "wargame/damage_calculator"


def test_a_draft_is_named_as_such_with_what_differs_from_live_also_after_a_reload(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(DAMAGE)
    expect(page.locator("#draft-line")).to_contain_text("which is live")
    write(page, text_of(page).replace("SPREAD = 0.25", "SPREAD = 0.35"))
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#draft-line")).to_contain_text("your draft")
    expect(page.locator("#draft-line")).to_contain_text("1 line differs from v")
    expect(page.locator(".ace_gutter-cell.changed-row")).to_have_count(1)
    page.click("#show-live")
    expect(page.locator("#publish")).to_be_disabled()
    assert "SPREAD = 0.25" in text_of(page)
    page.click("#read-back")
    assert "SPREAD = 0.35" in text_of(page)
    page.click("#discard")
    expect(page.locator(".ace_gutter-cell.changed-row")).to_have_count(0)
    assert designer.problems == []


def test_a_draft_whose_saving_a_reload_cut_off_is_discarded_without_a_conflict(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(DAMAGE)
    cut_off: list[str] = []
    is_away = True

    def cut(route: Route) -> None:
        if not is_away:
            route.continue_()
            return
        cut_off.append(route.request.post_data or "")
        route.abort()

    page.route("**/api/draft", cut)
    write(page, text_of(page).replace("SPREAD = 0.25", "SPREAD = 0.45"))
    wait_until(lambda: page.evaluate("1") and cut_off, 30)
    is_away = False
    page.reload()  # the server has not heard of the text yet
    page.wait_for_selector("body[data-ready]")
    status, draft = designer.ask("PUT", f"/scripts/{DAMAGE}/api/draft", json.loads(cut_off[0]))
    assert status == 200, draft
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")
    assert "SPREAD = 0.25" in text_of(page)
    assert [each for each in designer.problems if "ERR_FAILED" not in each] == []


def test_a_draft_is_discarded_though_the_page_is_left_at_once(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(DAMAGE)
    change(page, "SPREAD = 0.25", "SPREAD = 0.55")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    change(page, "SPREAD = 0.55", "SPREAD = 0.65")  # and this the server has not heard of yet
    with page.expect_navigation():
        page.evaluate("document.getElementById('discard').click(); location.assign('/healthz')")
    wait_until(lambda: not designer.stack.rows("SELECT 1 FROM scripting_draft"), 30)
    page = designer.open(DAMAGE)
    assert "SPREAD = 0.25" in text_of(page)
    expect(page.locator("#discard")).to_be_hidden()


def test_reading_a_version_changes_nothing_until_a_draft_is_started_from_it(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(DAMAGE, "?version=1")
    expect(page.locator("#draft-line")).to_contain_text("reading v1")
    page.keyboard.type("x")
    status, tree = designer.ask("GET", f"/scripts/{DAMAGE}/api/active")
    assert status == 200, tree
    page.click("#start-draft")
    page.keyboard.press("Control+Home")
    page.keyboard.type("# mine\n")
    expect(page.locator("#draft-line")).to_contain_text("your draft")
    assert text_of(page).startswith("# mine")
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


def test_the_head_says_what_a_draft_would_have_changed_and_leads_to_the_report(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(DAMAGE)
    change(page, "MINIMUM_DAMAGE = 1 ", "MINIMUM_DAMAGE = 10 ")
    expect(page.locator("#replay-line")).to_contain_text("decisions, 0 would fail")
    page.click("#publish")
    expect(page.locator("#publish-replay")).to_contain_text("decisions, 0 would fail")
    page.keyboard.press("Escape")
    page.locator("#replay-line a").press("Enter")
    expect(page.locator("h1")).to_contain_text("would fail")
    assert barriers(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    designer.open(DAMAGE, tab=page)
    page.click("#discard")
    expect(page.locator("#replay-line")).to_have_text("")
    assert designer.problems == []


def test_a_double_click_takes_a_number_whole(person: Enter) -> None:
    page = person("designer").open(DAMAGE)
    change(page, "SPREAD = 0.25", "SPREAD = -1.5e-3")
    found = page.evaluate(
        """() => {
          const { session } = window.ace.edit('editor');
          const row = session.getDocument().getAllLines().findIndex((line) => line.startsWith('SPREAD'));
          const words = [10, 12, 14, 16, 2].map((column) => session.getTextRange(session.getWordRange(row, column)));
          return [...words, session.getTextRange(session.getWordRange(row, 10))];
        }"""
    )
    assert found == ["-1.5e-3"] * 4 + ["SPREAD", "-1.5e-3"]
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


def test_zygomys_has_its_comments_and_raw_texts_in_colour(person: Enter) -> None:
    page = person("designer").open(DAMAGE)
    page.select_option("#language", "zygomys")
    write(page, "// a ( note\n(log `raw ( text`) /* one\n( more */ (def x 1)\n")
    kinds = page.evaluate(
        """() => [0, 1, 2].map((row) => window.ace.edit('editor').session.getTokens(row)
             .filter((token) => /comment|string/.test(token.type)).map((token) => [token.type, token.value]))"""
    )
    joined = [{kind: "".join(value for one, value in row if one == kind) for kind, _ in row} for row in kinds]
    assert joined == [
        {"comment": "// a ( note"},
        {"string": "`raw ( text`", "comment": "/* one"},
        {"comment": "( more */"},
    ]
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


def test_zygomys_has_completion_and_help_as_the_other_languages(person: Enter) -> None:
    page = person("designer").open(DAMAGE)
    with page.expect_response(re.compile("api/names.language=zygomys")):
        page.select_option("#language", "zygomys")
    write(page, '(log (sprintf "%d" 1))\n(calculate_damage 3)\n')
    hover(page, "sprintf")
    expect(page.locator(".ace_tooltip .help-signature")).to_contain_text("sprintf")
    page.mouse.move(5, 400)
    page.evaluate("{ const e = window.ace.edit('editor'); e.navigateFileEnd(); e.focus(); }")
    page.keyboard.type("(calculate_d", delay=60)
    expect(page.locator(".ace_autocomplete .ace_line").first).to_contain_text("calculate_damage")
    page.keyboard.press("Escape")
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


@contextlib.contextmanager
def stopped(processes: Iterable[int]) -> Iterator[None]:
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


NIGHT = """SELECT count(*) > 9 FROM scripting_execution AS run JOIN scripting_script AS script ON script.id = run.script_id
    WHERE script.name = 'damage_calculator' AND run.trigger = 'event' AND run.status = 'succeeded'"""
"""Whether there is so much to replay that it takes five seconds and more, each decision half a second."""


@pytest.mark.usefixtures("battle")
def test_a_night_is_replayed_in_the_background_with_progress_and_cancelled_by_the_keyboard(
    person: Enter, stack: RunningStack
) -> None:
    wait_until(lambda: stack.rows(NIGHT) == [(1,)], 150, "the battle does not go on", every=0.5)
    stack.let_battle(False)
    designer = person("designer")
    live = designer.ask("GET", f"/scripts/{DAMAGE}/api/active")[1]["active"]
    slow = live["source"].replace("MINIMUM_DAMAGE = 1 ", "for _ in range(30_000_000):\n    pass\nMINIMUM_DAMAGE = 2 ")
    draft = {"source": slow, "language": "python", "base": live["number"], "revision": None}
    # By a request: the workbench would try so slow a text by itself too.
    status, answer = designer.ask("PUT", f"/scripts/{DAMAGE}/api/draft", draft)
    assert status == 200, answer
    page = designer.page()
    page.goto(f"/scripts/{DAMAGE}/replay/")
    page.select_option("[name=candidate]", "draft")
    page.locator("[name=night]").press("Enter")
    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#sentence")).to_contain_text("so far changes", timeout=30_000)
    with stopped(stack.pids("evidence")):  # however long looking takes, it is not done before
        assert barriers(page) == []
        page.get_by_role("button", name="Cancel").press("Enter")
    expect(page.locator("main")).to_contain_text("Cancelled by designer after")
    expect(page.locator("#progress")).to_have_count(0)
    discard(designer, DAMAGE)
    assert designer.problems == []
