"""A tab that is closed, a line that breaks, a session that ends, somebody who is quicker: what was typed is still there, and each page says what is so."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, change, intercept, text_of, write

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
DAMAGE, HITS = "wargame/damage_calculator", "wargame/hit_simulator"
IN_TENGO = 'result := {damage: 3, base_damage: 3, message: "in Tengo"}\n'
SLOW = 40_000
LIVE = """
SELECT number FROM scripting_scriptversion JOIN scripting_script ON scripting_scriptversion.id = active_version_id
WHERE name = 'hit_simulator'
"""


@pytest.fixture(autouse=True)
def as_shipped(stack: RunningStack) -> Iterator[None]:
    """After each test v1 is live again, and no draft is left."""
    yield
    if stack.rows(LIVE) != [(1,)]:
        done = stack.manage("rollback_script", HITS, "1", "-m", "As shipped")
        assert done.returncode == 0, done.stderr
    stack.rows("DELETE FROM scripting_draft")


def log_in_again(person: Person, page: Page) -> None:
    person.log_in(page)
    page.wait_for_selector("body[data-ready]")


def test_who_only_looks_gets_a_version_in_another_language_as_what_it_is(person: Enter) -> None:
    designer, admin = person("designer"), person("admin")
    page = designer.open(HITS)
    _, now = admin.ask("GET", f"/scripts/{HITS}/api/active")
    document = {"source": IN_TENGO, "language": "tengo", "base": now["active"]["number"], "reason": "In Tengo"}
    status, answer = admin.ask("POST", f"/scripts/{HITS}/api/publish", document)
    assert status == 200, answer
    expect(page.locator("#language")).to_have_value("tengo")
    expect(page.locator("#check-state")).to_have_attribute("data-state", "good")
    assert text_of(page) == IN_TENGO
    expect(page.locator("#publish")).to_be_disabled()
    page.wait_for_timeout(2000)  # longer than a change rests before it is saved
    expect(page.locator("#draft-state")).to_have_text("")
    assert designer.problems == []


def test_a_text_that_a_closed_tab_could_not_save_is_in_the_next_one_at_once(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    page.route("**/api/draft", lambda route: route.abort())
    page.select_option("#language", "tengo")
    write(page, IN_TENGO)
    expect(page.locator("#draft-state")).to_have_text("Not saved: kept in this browser")
    beside = designer.open(HITS, tab=designer.context.new_page())
    assert text_of(beside) != IN_TENGO, "the tab that is open keeps what is its own"
    beside.close()
    fresh = designer.context.new_page()
    page.close()
    designer.open(HITS, tab=fresh)
    wait_until(lambda: text_of(fresh) == IN_TENGO, 20, "the text comes back")
    expect(fresh.locator("#language")).to_have_value("tengo")
    expect(fresh.locator("#draft-state")).to_have_text("Draft saved")
    fresh.click("#discard")
    expect(fresh.locator("#draft-state")).to_have_text("")
    fresh.close()


def test_a_draft_whose_answer_was_lost_is_no_conflict_for_what_is_written_after_it(person: Enter) -> None:
    page = person("designer").open(HITS)

    def lose(route: Route) -> None:
        assert route.fetch().status == 200
        route.abort()

    losing = intercept(page, "**/api/draft")
    for change_of, then in (("# first", "# second"), ("# third", "")):
        losing.append(lose)
        write(page, f"{text_of(page)}\n{change_of}\n")
        expect(page.locator("#draft-state")).to_have_text("Not saved: kept in this browser")
        if not then:
            page.click("#discard")
            break
        change(page, change_of, then)
        expect(page.locator("#draft-state")).to_have_text("Draft saved")
        expect(page.locator("#merge-dialog")).to_be_hidden()
    expect(page.locator("#draft-line")).to_contain_text("which is live. Typing starts a draft of your own.")
    expect(page.locator("#merge-dialog")).to_be_hidden()


def test_a_publishing_whose_answer_is_lost_is_seen_to_have_gone_live(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    change(page, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.83")

    def lose(route: Route) -> None:
        assert route.fetch().status == 200
        route.abort()

    intercept(page, "**/api/publish", lose)
    page.click("#publish")
    page.fill("#publish-reason", "Its answer is lost")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    page.click("#publish-go")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=SLOW)
    page.click("#going-done")
    expect(page.locator("#draft-line")).to_contain_text("which is live. Typing starts a draft of your own.")
    expect(page.locator("#publish")).to_be_disabled()


@pytest.mark.parametrize("has_heard", [False, True], ids=["", "and the page has heard of it"])
def test_a_publishing_whose_server_dies_before_it_answers_is_seen_to_have_gone_live_once_it_is_back(
    person: Enter, stack: RunningStack, has_heard: bool
) -> None:
    page = person("designer").open(HITS)
    change(page, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.82")
    page.click("#publish")
    page.fill("#publish-reason", "The server dies")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)

    def die(route: Route) -> None:
        assert route.fetch().status == 200
        if has_heard:
            expect(page.locator("#live-chip")).not_to_have_text("v1 is live")
        for pid in stack.pids("web"):
            os.kill(pid, signal.SIGKILL)
        route.abort()

    intercept(page, "**/api/publish", die)
    page.click("#publish-go")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=60_000)
    expect(page.locator("#merge-dialog")).to_be_hidden()


def test_the_reason_of_a_publishing_outlives_the_session(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    change(page, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.81")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.click("#publish")
    page.fill("#publish-reason", "Typed with care")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    designer.context.clear_cookies(name="sessionid")
    page.click("#publish-go")
    page.click("#login-link")
    log_in_again(designer, page)
    expect(page.locator("#publish-dialog")).to_be_visible()
    expect(page.locator("#publish-reason")).to_have_value("Typed with care")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    expect(page.locator("#publish-check")).to_contain_text("It compiles")
    page.click("#publish-go")
    expect(page.locator("#going-title")).to_contain_text("Live on", timeout=SLOW)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#publish-dialog")).to_be_hidden()


def test_values_of_knobs_and_their_reason_outlive_the_session_a_look_at_the_report_and_what_others_set(
    person: Enter,
) -> None:
    designer, admin = person("designer"), person("admin")
    page = designer.page()
    page.goto(f"/scripts/{DAMAGE}/tune/")
    page.wait_for_selector("body[data-ready]")
    page.fill("#field-CRITICAL_CHANCE", "0.31")
    page.fill("#tune-reason", "Typed with care")
    designer.context.clear_cookies(name="sessionid")
    page.click("#tune-publish")
    page.get_by_role("button", name="Log in").click()
    log_in_again(designer, page)
    expect(page.locator("#field-CRITICAL_CHANCE")).to_have_value("0.31")
    expect(page.locator("#tune-state")).to_have_text("1 value is changed.")
    expect(page.locator("#tune-reason")).to_have_value("Typed with care")

    page.locator("#tune-replay a").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Tune")
    page.go_back()
    expect(page.locator("#field-CRITICAL_CHANCE")).to_have_value("0.31")
    expect(page.locator("#tune-reason")).to_have_value("Typed with care")

    quicker = admin.page()
    quicker.goto(f"/scripts/{DAMAGE}/tune/")
    quicker.wait_for_selector("body[data-ready]")
    quicker.fill("#field-CRITICAL_CHANCE", "0.2")
    quicker.fill("#tune-reason", "Quicker")
    quicker.click("#tune-publish")
    expect(quicker.locator(".toast")).to_contain_text("Done.")
    page.click("#tune-publish")
    page.get_by_role("button", name="Show them").click()
    expect(page.locator("[data-knob=CRITICAL_CHANCE]")).to_contain_text("Quicker")
    expect(page.locator("#field-CRITICAL_CHANCE")).to_have_value("0.31")
    page.click("#tune-publish")
    expect(page.locator("[data-knob=CRITICAL_CHANCE]")).to_contain_text("Typed with care")
    page.reload()
    expect(page.locator("#tune-reason")).to_have_value("")
    page.get_by_role("button", name="Make live the defaults").click()
    page.fill("#back-reason", "As it was")
    page.click("#back-go")
    expect(page.locator(".toast")).to_contain_text("Done.")


def test_a_rollback_names_what_somebody_made_live_since_it_was_asked_about_and_takes_it_off_only_then(
    person: Enter,
) -> None:
    designer, admin = person("designer"), person("admin")

    def publish(who: Person, reason: str) -> int:
        _, now = who.ask("GET", f"/scripts/{HITS}/api/active")
        active = now["active"]
        document = {"source": f"{active['source']}# {reason}\n", "language": "python", "base": active["number"]}
        status, answer = who.ask("POST", f"/scripts/{HITS}/api/publish", document | {"reason": reason})
        assert status == 200, answer
        number: int = answer["active"]["number"]
        return number

    publish(designer, "My own, to be taken back")
    for address, opener in (
        (f"/scripts/{HITS}/history/", "[data-rollback='1']"),
        ("/scripts/", "[data-revert][data-name=hit_simulator]"),
    ):
        page = designer.page()
        page.goto(address)
        page.click(opener)
        page.fill("#reason-field", "Taken back")
        number = publish(admin, f"Seen by nobody on {address}")
        page.click("#reason-go")
        expect(page.locator("#reason-problem")).to_have_text(
            f"v{number} became live since you opened this, by admin: Seen by nobody on {address}. Go ahead again to replace it."
        )
        _, now = admin.ask("GET", f"/scripts/{HITS}/api/active")
        assert now["active"]["number"] == number
        page.click("#reason-go")
        expect(page.locator("#reason-dialog")).to_be_hidden()
        _, now = admin.ask("GET", f"/scripts/{HITS}/api/active")
        assert now["active"]["number"] == 1
        publish(designer, f"Once more after {address}")


def test_words_of_a_review_outlive_the_session_a_form_that_is_too_old_and_its_withdrawal(person: Enter) -> None:
    designer, admin = person("designer"), person("admin")
    _, now = designer.ask("GET", f"/scripts/{HITS}/api/active")
    document = {"source": f"{now['active']['source']}# looked at\n", "language": "python", "reason": "Please look"}
    status, asked = designer.ask("POST", f"/scripts/{HITS}/api/review", document)
    assert status == 200, asked
    page = admin.page()
    page.goto(asked["address"])
    page.fill("#words", "Typed with care")
    admin.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Comment", exact=True).click()
    admin.log_in(page)
    expect(page.locator("#words")).to_have_value("Typed with care")
    admin.context.clear_cookies(name="csrftoken")  # as a login in another tab changes it
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form was too old")
    page.go_back()
    expect(page.locator("#words")).to_have_value("Typed with care")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".thread .said")).to_have_text("Typed with care")
    expect(page.locator("#words")).to_have_value("")

    page.fill("#answer-words", "A long refusal")
    other = designer.page()
    other.goto(asked["address"])
    other.get_by_role("button", name="Withdraw").click()
    expect(other.locator(".review-withdrawn")).to_be_visible()
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(".problem")).to_contain_text("is withdrawn already")
    expect(page.locator(".unsent")).to_have_text("A long refusal")


def test_the_name_of_a_new_script_outlives_the_session(person: Enter) -> None:
    designer = person("designer")
    page = designer.page()
    page.goto("/scripts/new/")
    page.fill("#name", "typed_with_care")
    designer.context.clear_cookies(name="sessionid")
    page.click("#new-go")
    designer.log_in(page)
    expect(page.locator("#name")).to_have_value("typed_with_care")
    expect(page.locator("#name-said")).to_contain_text("can be had")
