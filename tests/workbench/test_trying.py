"""Trials in the browser: what is shown is what runs, one that hangs is cancelled, two are laid side by side."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, change, discard, write
from tests.workbench.test_answers import stat_of

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
HITS = "wargame/hit_simulator"
PROCESSOR = "wargame/event_processor"
DIGITS = "9007199254740993"
LIMIT = "UPDATE scripting_script SET max_execution_time = ? WHERE name = 'hit_simulator'"
HANGS = "while True:\n    pass\n"


@pytest.fixture
def patient(person: Enter, stack: RunningStack) -> Iterator[Person]:
    """A designer whose runs of HITS have a minute: one that hangs goes on until its page ends it."""
    stack.rows(LIMIT, 60)
    designer = person("designer")
    yield designer
    stack.rows(LIMIT, None)
    assert designer.problems == []


def test_a_trial_that_hangs_is_cancelled_with_escape_and_the_focus_comes_back(patient: Person) -> None:
    page = patient.open(HITS)
    write(page, HANGS)
    run, cancel = page.locator("#run"), page.locator("#cancel")
    run.focus()
    page.keyboard.press("Enter")
    expect(cancel).to_be_focused()
    expect(run).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#outcome")).to_contain_text("Cancelled")
    expect(cancel).to_be_hidden()
    expect(run).to_be_focused()
    page.click("#sample")
    cancel.click()
    expect(page.locator("#outcome")).to_contain_text("The sample was stopped and its process ended")
    page.evaluate("window.ace.edit('editor').focus()")
    page.keyboard.press("Control+Enter")
    expect(cancel).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#outcome")).to_contain_text("The trial was stopped")
    expect(page.locator("#trial-count")).to_have_text("0")
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


def test_what_the_page_tries_by_itself_is_stopped_once_the_text_has_changed(patient: Person) -> None:
    page = patient.open(HITS)
    with page.expect_request("**/api/replay") as begun:
        write(page, HANGS)
    name = json.loads(begun.value.post_data or "")["trial"]
    with page.expect_request(lambda asked: asked.url.endswith("/api/cancel") and name in (asked.post_data or "")):
        page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


def test_a_trial_whose_page_is_left_is_cancelled(patient: Person, stack: RunningStack) -> None:
    page = patient.open(HITS)
    write(page, HANGS)
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.click("#run")
    wait_until(lambda: computing(stack), 60, "the trial runs")
    page.goto(f"{stack.url}/healthz")
    wait_until(lambda: not computing(stack), 40, "the trial went on")
    discard(patient, HITS)


def computing(stack: RunningStack) -> bool:
    """Whether a sandbox of the stack wants a processor each time that it is looked at."""
    looks = []
    for _ in range(4):
        time.sleep(0.05)
        sandboxes = [pid for pid, command in stack.members().items() if "scripting.sandbox" in command]
        looks.append({pid for pid in sandboxes if stat_of(pid)[:1] == ["R"]})
    return bool(set.intersection(*looks))


def test_two_trials_are_laid_side_by_side(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    page.fill("#seed", "7")
    rows, run = page.locator("#trial-rows tr"), page.locator("#run")
    for count, (old, new) in enumerate(
        [("", ""), ("LOWEST_CHANCE = 0.05", "LOWEST_CHANCE = 0.04\nlog('another line')")], 1
    ):
        if old:
            change(page, old, new)
        run.click()
        expect(rows).to_have_count(count)
        expect(run).to_be_enabled()
    expect(page.locator("#compare-trials")).to_be_hidden()
    for box in page.get_by_label("Compare trial").all():
        box.check()
    page.get_by_role("button", name="Compare 1 and 2").click()

    def part(title: str) -> Locator:
        heading = page.get_by_role("heading", name=title, exact=True)
        return page.locator("#diff-body section").filter(has=heading)

    expect(page.locator("#diff-body tr.differs").first).to_contain_text("draft on v")
    expect(part("Log").locator("tr.new")).to_contain_text("another line")
    expect(part("Text").locator("tr.gone")).to_contain_text("LOWEST_CHANCE = 0.05")
    expect(part("Inputs")).to_contain_text("the same in both")
    page.keyboard.press("Escape")
    expect(page.locator("#diff-dialog")).to_be_hidden()
    expect(page.locator("#compare-trials")).to_be_focused()
    page.click("#discard")
    assert designer.problems == []


def test_numbers_keep_their_digits_from_the_page_to_the_script_and_back(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(PROCESSOR)
    write(
        page, "award = message['payload']['timestamp']\nresult = {'given': award, 'more': award + 342161316540874753}\n"
    )
    page.locator("#input-form label", has_text="timestamp").locator("input").fill(DIGITS)
    page.click("#run")
    row = page.locator("#outcome tr", has_text="given").first
    expect(row).to_contain_text(DIGITS)
    expect(page.locator("#outcome")).to_contain_text(str(int(DIGITS) + 342161316540874753))
    page.click("#as-json")
    expect(page.locator("#input-json")).to_have_value(re.compile(DIGITS))
    page.locator("#input-json").fill(page.locator("#input-json").input_value().replace(DIGITS, f"{DIGITS[:-1]}1"))
    page.click("#run")
    expect(row).to_contain_text(f"{DIGITS[:-1]}1")
    for box in page.get_by_label("Compare trial").all():
        box.check()
    page.click("#compare-trials")
    expect(page.locator("#diff-body tr.differs", has_text="given")).to_contain_text(DIGITS)
    page.keyboard.press("Escape")
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")  # the next test begins with the live text
    assert designer.problems == []


def test_a_recorded_event_is_found_by_its_words_and_what_is_shown_of_it_runs(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(PROCESSOR)
    field, options = page.locator("#recorded"), page.locator("#recorded-list [role=option]")
    field.press("ArrowDown")
    expect(options.nth(1)).to_be_visible()
    page.keyboard.type("damage to")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(options.first).to_contain_text("damage to")
    page.keyboard.press("Enter")
    expect(options.first).to_be_hidden()
    expect(field).to_have_value(re.compile("damage to .* turn"))
    form = page.locator("#input-form")
    expect(form.locator("label", has_text="gameID").locator("input")).to_have_value(re.compile(r"^\d+$"))
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_contain_text("No difference on this")
    expect(page.locator("#outcome")).to_contain_text("Read from the recording")
    page.click("#as-json")
    payload = page.locator("#input-json")
    document = json.loads(payload.input_value())
    for name, value in (("turn", 77), ("damageAmount", 5)):
        document[name] = value
        payload.fill(json.dumps(document))
    page.select_option("#reads", "now")
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_contain_text("recorded event, changed")
    expect(page.locator("#input-note")).to_contain_text("Your inputs, begun from execution")
    page.click("#as-form")
    expect(form.locator("label", has_text="turn").locator("input")).to_have_value("77")
    page.click("#recorded-clear")
    expect(page.locator("#reads-field")).to_be_hidden()
    expect(field).to_have_value("")
    assert designer.problems == []


def test_a_long_name_of_a_result_stays_in_its_column(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(PROCESSOR)
    page.select_option("#input-source", label="wargame.action")
    write(page, "result = {'requires_validation': True, 'valid': True}")
    page.keyboard.press("Control+Enter")
    name = page.locator("#outcome th", has_text="requires_validation")
    expect(name).to_be_visible()
    assert name.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    discard(designer, PROCESSOR)
