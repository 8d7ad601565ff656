"""The workbench in a real browser, on the stack as `make run` starts it: what designers, admins and viewers live through."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser import barriers
from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, change, discard, hover, intercept, publish, text_of, write

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

Enter = Callable[..., Person]
DAMAGE, HITS, EVENTS = "wargame/damage_calculator", "wargame/hit_simulator", "wargame/event_processor"


def live_number(person: Person, script: str) -> int:
    """The number of the version that is live."""
    number: int = person.ask("GET", f"/scripts/{script}/api/active")[1]["active"]["number"]
    return number


def test_a_stranger_changes_a_rule_and_sees_the_battle_follow_it(newcomer: Callable[[], Person]) -> None:
    stranger = newcomer()
    stranger.role = "designer"
    page = stranger.page()
    page.goto("/")
    page.click(".card a")
    stranger.log_in(page)
    page.wait_for_selector("body[data-ready]")
    expect(page.locator(".line-mark.found")).to_be_attached()
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 1.0")
    page.fill("#seed", "11")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#outcome .verdict")).to_contain_text("It decides differently")
    expect(page.locator("#outcome tr.differs").filter(has=page.get_by_text("critical", exact=True))).to_contain_text(
        "true"
    )
    expect(page.locator("#replay-line")).to_contain_text("would fail")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#publish-diff tr.new")).to_contain_text("CRITICAL_CHANCE = 1.0")
    page.fill("#publish-reason", "Every hit finds a weak spot")
    page.click("#publish-go")
    expect(page.locator("#going-title")).to_have_text(re.compile(r"Live on (\d+) of \1"))
    expect(page.locator("#replay-line")).to_have_text("")  # it compared with the version that was live
    page.click("#going-live a")
    stranger.stack.let_battle(True)
    hit = page.locator(".entry.critical", has_text="critical").first
    expect(hit).to_be_visible(timeout=60_000)
    expect(page.locator(".entry .entry-by", has_text="damage_calculator v2").first).to_be_visible(timeout=60_000)
    assert stranger.problems == []


def test_an_event_of_the_battle_opens_in_the_workbench_with_its_inputs(person: Enter) -> None:
    admin = person("admin")
    page = admin.page()
    page.goto("/wargame/")
    page.locator(".entry-by a").first.click()
    page.click("text=Try it in the workbench with these inputs")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#input-note")).to_contain_text("The inputs of execution")
    expect(page.locator("#recorded")).to_have_value(re.compile("turn "))
    expect(page.get_by_label("gameID")).to_have_value(re.compile(r"^\d+$"))
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_contain_text("recorded event")
    expect(page.locator("#outcome")).to_contain_text("Read from the recording")


def test_a_broken_script_is_marked_while_typing_and_cannot_be_published(person: Enter) -> None:
    designer = person("designer")
    live = live_number(designer, HITS)
    page = designer.open(HITS)
    editor = page.locator("#editor")
    before = editor.bounding_box()
    change(page, "roll = rand()", "roll = rand(")
    expect(page.locator("#check-state")).to_have_attribute("data-state", "bad")
    expect(page.locator("#problem-list li.error").first).to_be_visible()
    expect(page.locator(".ace_gutter-cell.ace_error").first).to_be_attached()
    assert editor.bounding_box() == before, "the editor must not move while one types"
    page.click("#publish")
    expect(page.locator("#publish-check")).to_contain_text("This cannot go live")
    page.fill("#publish-reason", "It must not get through")
    expect(page.locator("#publish-go")).to_be_disabled()
    status, answer = designer.ask(
        "POST", f"/scripts/{HITS}/api/publish",
        {"source": "result = (", "language": "python", "reason": "by hand", "base": live},
    )  # fmt: skip
    assert (status, answer["error"]["type"]) == (422, "check_failed")
    assert live_number(designer, HITS) == live
    page.keyboard.press("Escape")
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")
    assert "roll = rand()" in text_of(page)


def test_a_trial_shows_what_the_script_wrote_and_when(person: Enter) -> None:
    page = person("designer").open(HITS)
    write(page, "log('first')\nlog('second')\nresult = {'hit': True, 'chance': 1.0, 'message': ''}\n")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#outcome pre")).to_have_text(
        re.compile(r"^\s*\+[\d.]+ (µs|ms)\s+first\s+\+[\d.]+ (µs|ms)\s+second\s*$")
    )
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")


def test_two_designers_in_conflict_lose_nothing(person: Enter) -> None:
    designer, admin = person("designer"), person("admin")
    hers, his = designer.open(EVENTS), admin.open(EVENTS)
    expect(hers.locator("#people li")).to_have_count(2)
    change(hers, "BLAST_DAMAGE = 14", "BLAST_DAMAGE = 20")
    expect(his.locator("#people li.editing")).to_have_count(1)
    expect(hers.locator("#replay-line")).to_contain_text("would fail")
    change(his, "HOLD_FIRE_BELOW = 0.0", "HOLD_FIRE_BELOW = 0.1")
    with hers.expect_request("**/api/replay"):  # her draft is compared with the new one
        publish(his, "The badly hurt hold their fire")
    expect(hers.locator("#replay-line")).to_contain_text("would fail", timeout=60_000)
    expect(hers.locator(".toast", has_text="The badly hurt hold their fire")).to_be_visible()
    hers.click("#publish")
    expect(hers.locator("#publish-behind")).to_contain_text(f"v{live_number(admin, EVENTS)} went live since, by admin")
    expect(hers.locator("#publish-tried")).to_contain_text("haven't tried this version yet")
    hers.click("#publish-go")
    expect(hers.locator("#merge-title")).to_have_text("Another version went live")
    hers.keyboard.press("Escape")
    expect(hers.locator("dialog[open]")).to_have_count(0)
    assert "HOLD_FIRE_BELOW = 0.0" in text_of(hers), "what is left for later stays as it was"
    hers.locator(".toast").get_by_role("button", name="Merge it in").click()
    expect(hers.locator("#merge-title")).to_have_text("Another version went live")
    expect(hers.locator("#merge-diff tr.gone", has_text="HOLD_FIRE_BELOW = 0.1")).to_be_attached()
    hers.click("#merge-see-merged")
    expect(hers.locator("#merge-told")).to_have_text(
        "Nothing was changed by both. 2 changes are in the text already: 1 of theirs, 1 of yours."
    )
    expect(hers.locator("#merge-diff tr.new", has_text="BLAST_DAMAGE = 20")).to_be_attached()
    expect(hers.locator("#merge-diff tr.gone", has_text="HOLD_FIRE_BELOW")).to_have_count(0)
    hers.click("#merge-both")
    expect(hers.locator("#merge-dialog")).to_be_hidden()
    wait_until(lambda: "HOLD_FIRE_BELOW = 0.1" in text_of(hers) and "BLAST_DAMAGE = 20" in text_of(hers))
    publish(hers, "Bigger blasts")
    hers.keyboard.press("Escape")
    expect(his.locator("#live-chip")).to_have_text(f"v{live_number(designer, EVENTS)} is live")
    wait_until(lambda: "BLAST_DAMAGE = 20" in text_of(his), what="a page without changes shows what is live")


def test_two_tabs_of_one_person_do_not_overwrite_each_other(person: Enter) -> None:
    admin = person("admin")
    first, second = admin.open(HITS), admin.open(HITS)
    change(first, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.80")
    first.keyboard.press("Control+S")
    expect(first.locator("#draft-state")).to_have_text("Draft saved")
    change(second, "TOWN_COVER = 0.25", "TOWN_COVER = 0.30")
    second.keyboard.press("Control+S")
    expect(second.locator("#merge-title")).to_have_text("This script was changed in another tab")
    second.keyboard.press("Escape")
    expect(second.locator("#draft-state")).to_contain_text("Ctrl-S settles it")
    second.keyboard.press("Control+S")
    expect(second.locator("#merge-title")).to_be_visible()
    second.click("#keep-mine")
    expect(second.locator("#draft-state")).to_have_text("Draft saved")
    change(first, "HILL_COVER = 0.10", "HILL_COVER = 0.15")
    first.keyboard.press("Control+S")
    expect(first.locator("#merge-count")).to_have_text("0 of 1 decided")
    first.keyboard.press("3")
    first.keyboard.press("Enter")
    expect(first.locator("#merge-both")).to_be_focused()
    first.keyboard.press("Enter")
    expect(first.locator("#draft-state")).to_have_text("Draft saved")
    first.reload()
    first.wait_for_selector("body[data-ready]")
    assert "BASE_CHANCE = 0.80" not in text_of(first) or "TOWN_COVER = 0.30" in text_of(first)
    assert "TOWN_COVER = 0.30" in text_of(first)
    first.click("#discard")
    expect(first.locator("#draft-state")).to_have_text("")


def test_places_that_both_changed_are_decided_by_keyboard_and_no_mark_reaches_the_editor(person: Enter) -> None:
    admin = person("admin")
    first, second = admin.open(HITS), admin.open(HITS)
    change(first, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.80")
    change(first, "HILL_VIEW = 0.10", "HILL_VIEW = 0.20")
    change(first, "SCOUTS_HIDE = 0.10", "SCOUTS_HIDE = 0.20")
    first.keyboard.press("Control+S")
    expect(first.locator("#draft-state")).to_have_text("Draft saved")
    change(second, "BASE_CHANCE = 0.85", "BASE_CHANCE = 0.70")
    change(second, "HILL_VIEW = 0.10", "HILL_VIEW = 0.30")
    second.keyboard.press("Control+S")
    expect(second.locator("#merge-told")).to_have_text(
        "2 places were changed by both. 1 other change is in the text already: 1 of theirs."
    )
    place = second.locator(".place:visible")
    expect(place.locator(".mine pre")).to_contain_text("BASE_CHANCE = 0.70")
    expect(place.locator(".theirs pre")).to_contain_text("BASE_CHANCE = 0.80")
    expect(place.locator(".base pre")).to_contain_text("BASE_CHANCE = 0.85")
    before = text_of(second)
    second.click("#merge-both")
    expect(second.locator("#merge-dialog")).to_be_visible()
    second.keyboard.press("2")
    expect(second.locator("#merge-count")).to_have_text("1 of 2 decided")
    assert barriers(second) == []
    second.keyboard.press("Escape")
    expect(second.locator("#merge-dialog")).to_be_hidden()
    assert text_of(second) == before, "what is left for later stays as it was"
    second.keyboard.press("Control+S")
    expect(second.locator("#merge-count")).to_have_text("0 of 2 decided")
    second.keyboard.press("ArrowDown")  # from one choice to the next, as radio buttons go
    expect(second.locator("#merge-count")).to_have_text("1 of 2 decided")
    second.keyboard.press("Enter")
    expect(place.locator("legend")).to_contain_text("Place 2 of 2")
    second.keyboard.press("3")
    second.keyboard.press("Enter")
    expect(second.locator("#merge-both")).to_be_focused()
    second.keyboard.press("Enter")
    expect(second.locator("#draft-state")).to_have_text("Draft saved")
    text = text_of(second)
    assert "<<<" not in text
    assert "BASE_CHANCE = 0.80" in text, "theirs, to which the arrow went"
    assert re.search(r"HILL_VIEW = 0.20.*\nHILL_VIEW = 0.30", text)
    assert "SCOUTS_HIDE = 0.20" in text
    second.click("#discard")
    expect(second.locator("#draft-state")).to_have_text("")
    assert [problem for problem in admin.problems if "409" not in problem] == []


def test_a_new_script_is_named_tried_and_published_and_said_to_run_on_nothing(person: Enter) -> None:
    designer = person("designer")
    page = designer.page()
    page.goto("/scripts/")
    page.get_by_role("link", name="New script").click()
    said = page.locator("#name-said")
    for name, words in {
        "Chain": "Write c for C: names have small letters.",
        "hit_simulator": "wargame/hit_simulator exists already: choose another name, or open it.",
        "chain_bonus": "wargame/chain_bonus can be had.",
    }.items():
        page.fill("#name", name)
        expect(said).to_have_text(words)
    page.check("[value=helper]")
    expect(page.locator("#module")).to_have_value("shared")
    page.check("[value=event]")
    expect(page.locator("#module")).to_have_value("wargame")
    page.focus("#name")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator(".toast")).to_contain_text("nothing is live until you publish")
    expect(page.locator("#live-line")).to_have_text(re.compile(r"^nothing is live\s*$"))
    expect(page.locator("#unheard")).to_contain_text("No event or endpoint runs it yet")
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_be_visible()
    publish(page, "A first try")
    expect(page.locator("#going-detail")).to_contain_text("No event or endpoint runs it yet")
    expect(page.get_by_role("link", name=re.compile("See it live"))).to_have_count(0)
    assert designer.problems == []


@pytest.mark.usefixtures("battle")
def test_a_rollback_under_load_decides_the_very_next_events(person: Enter, stack: RunningStack) -> None:
    admin = person("admin")
    page = admin.page()
    page.goto(f"/scripts/{DAMAGE}/history/")
    page.click("[data-rollback='1']")
    page.fill("#reason-field", "Too much drama")
    page.click("#reason-go")
    expect(page.locator("tr.is-live")).to_contain_text("v1")
    expect(page.locator(".timeline").first).to_contain_text("Too much drama")

    def decided_by_v1() -> bool:
        events = admin.ask("GET", f"/scripts/{DAMAGE}/api/events")[1]["events"]
        return (
            bool(events) and admin.ask("GET", f"/scripts/{DAMAGE}/api/executions/{events[0]['id']}")[1]["version"] == 1
        )

    wait_until(decided_by_v1, 60, "the battle goes on with version 1", every=0.5)
    events = admin.ask("GET", f"/scripts/{DAMAGE}/api/events")[1]["events"]
    assert {event["status"] for event in events} == {"succeeded"}


def test_a_viewer_looks_and_changes_nothing(person: Enter) -> None:
    viewer = person("viewer")
    page = viewer.open(DAMAGE)
    expect(page.locator("#publish")).to_have_count(0)
    expect(page.locator("#run")).to_be_disabled()
    expect(page.locator("#outcome")).to_contain_text("scripting.run_script")
    before = text_of(page)
    write(page, "result = 1")
    assert text_of(page) == before
    whole = {"source": "result = 1", "language": "python", "reason": "mine", "base": 1, "revision": None, "number": 1}
    for method, path in (
        ("POST", "check"),
        ("POST", "trial"),
        ("PUT", "draft"),
        ("POST", "publish"),
        ("POST", "rollback"),
    ):
        status, answer = viewer.ask(method, f"/scripts/{DAMAGE}/api/{path}", whole)
        assert (status, answer["error"]["type"]) == (403, "forbidden"), path


def test_a_session_that_ends_while_writing_costs_no_text(person: Enter) -> None:
    designer = person("designer")
    page = designer.open(HITS)
    designer.context.clear_cookies(name="sessionid")
    change(page, "SCOUTS_HIDE = 0.10", "SCOUTS_HIDE = 0.12")
    expect(page.locator("#login-title")).to_be_visible()
    expect(page.locator("#draft-state")).to_have_text("Not saved: kept in this browser")
    page.click("#login-link")
    designer.log_in(page)
    page.wait_for_selector("body[data-ready]")
    wait_until(lambda: "SCOUTS_HIDE = 0.12" in text_of(page), what="the text comes back")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.evaluate("window.ace.edit('editor').undo()")
    page.click("#discard")


def test_undo_survives_a_reload(person: Enter) -> None:
    page = person("designer").open(HITS)
    change(page, "LOWEST_CHANCE = 0.05", "LOWEST_CHANCE = 0.01")
    page.keyboard.press("Control+S")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    assert "LOWEST_CHANCE = 0.01" in text_of(page)
    page.evaluate("window.ace.edit('editor').undo()")
    assert "LOWEST_CHANCE = 0.05" in text_of(page)
    page.click("#discard")
    expect(page.locator("#discard")).to_be_hidden()


def test_a_cut_socket_comes_back_and_what_happened_meanwhile_is_told(person: Enter, stack: RunningStack) -> None:
    page = person("designer").open(EVENTS)
    live = page.locator("#live-chip").inner_text()
    os.kill(stack.pids("web")[0], signal.SIGKILL)
    expect(page.locator("#connection")).to_have_attribute("data-state", "waiting")
    source = stack.folder.parent / "meanwhile.py"
    source.write_text("result = {'processed': True}\n")
    said = stack.manage("publish_script", EVENTS, "--source", str(source), "-m", "Published while the page was cut off")
    assert said.returncode == 0, said.stderr
    expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=40_000)
    expect(page.locator(".toast", has_text="while the page was cut off")).to_be_visible()
    expect(page.locator("#live-chip")).not_to_have_text(live)
    page.click("text=See the diff")
    expect(page.locator("#diff-body tr.new").first).to_be_visible()


def test_a_script_of_five_thousand_lines_is_edited_like_any_other(person: Enter, stack: RunningStack) -> None:
    lines = [f"value_{number} = {number}  # line {number}" for number in range(4_998)]
    source = stack.folder.parent / "long.py"
    source.write_text("\n".join([*lines, "result = value_4997", ""]))
    said = stack.manage("publish_script", "wargame/long", "--source", str(source), "-m", "A long one")
    assert said.returncode == 0, said.stderr
    designer = person("designer")
    page = designer.open("wargame/long", "?line=4990")
    expect(page.locator("#check-state")).to_have_attribute("data-state", "good")
    change(page, "value_4989 = 4989", "value_4989 = nothing_here")
    expect(page.locator("#problem-list li.warning")).to_contain_text("nothing_here")
    page.click("#publish")
    expect(page.locator("#publish-diff tr.new")).to_contain_text("nothing_here")
    discard(designer, "wargame/long")
    assert designer.problems == []


def test_with_publishing_switched_off_the_dialog_is_there_and_sends_nothing(person: Enter) -> None:
    """Its words, and that drafts, trials and rollback go on, are tested in test_answers.py."""
    page = person("designer").page()
    switched_off: list[bool] = []

    def switch(route: Route) -> None:
        answer = route.fetch()
        switched_off.append('"browser_publish": true' in answer.text())
        text = answer.text().replace('"browser_publish": true', '"browser_publish": false')
        route.fulfill(response=answer, body=text)

    intercept(page, f"**/scripts/{DAMAGE}/", switch)
    page.goto(f"/scripts/{DAMAGE}/")
    page.wait_for_selector("body[data-ready]")
    assert switched_off == [True]
    sent: list[str] = []

    def note(request: Request) -> None:
        sent.append(request.url)

    page.on("request", note)
    change(page, "SPREAD = 0.25", "SPREAD = 0.50")
    page.click("#publish")
    expect(page.locator("#publish-diff tr.new")).to_contain_text("SPREAD = 0.50")
    page.fill("#publish-reason", "All the same")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#publish-go")).to_be_disabled()
    page.keyboard.press("Escape")
    page.click("#discard")
    expect(page.locator("#draft-state")).to_have_text("")
    page.remove_listener("request", note)
    assert [url for url in sent if url.endswith("/publish")] == []


def open_with_names(person: Person, script: str) -> Page:
    """The workbench of a script once it knows what can be offered."""
    page = person.page()
    with page.expect_response(re.compile("/api/names")):
        person.open(script, tab=page)
    return page


def test_completion_and_hover_help_tell_what_the_game_offers(person: Enter) -> None:
    page = open_with_names(person("designer"), HITS)
    hover(page, "get_game_state")
    expect(page.locator(".ace_tooltip .help-signature")).to_contain_text("get_game_state(game_id: str = '')")
    page.mouse.move(5, 400)
    page.evaluate("{ const e = window.ace.edit('editor'); e.gotoLine(61, 0); e.focus(); }")
    page.keyboard.type("get_g", delay=60)
    expect(page.locator(".ace_autocomplete .ace_line").first).to_contain_text("get_game_state")
    page.keyboard.press("Enter")
    assert "\nget_game_state" in text_of(page)
    page.click("#discard")
    expect(page.locator("#discard")).to_be_hidden()


OFFERED = "(window.ace.edit('editor').completer?.completions?.filtered || []).map((one) => one.value).sort()"


def test_inside_the_quotes_only_the_fields_of_that_value_are_offered_and_without_a_key(person: Enter) -> None:
    page = open_with_names(person("designer"), DAMAGE)
    unit = [
        "armour",
        "attack",
        "health",
        "id",
        "kind",
        "max_health",
        "movement",
        "name",
        "position",
        "range",
        "side",
        "status",
        "terrain",
    ]

    def line(typed: str) -> None:
        page.evaluate("{ const e = window.ace.edit('editor'); e.navigateFileEnd(); e.focus(); }")
        page.keyboard.press("Enter")
        page.keyboard.type(typed, delay=30)

    opened_itself: list[bool] = []

    def offers(typed: str, names: list[str]) -> None:
        line(typed)
        popup = page.locator(".ace_autocomplete")
        with contextlib.suppress(PlaywrightTimeout):
            popup.wait_for(timeout=5000)
        opened_itself.append(popup.is_visible())

        def offered() -> bool:
            if not popup.is_visible():  # on a busy machine what is offered for the name can come late, and close it
                page.keyboard.press("Control+Space")
                with contextlib.suppress(PlaywrightTimeout):
                    popup.wait_for(timeout=3000)
            return bool(page.evaluate(OFFERED) == names)

        try:  # what was offered while the name was typed goes first
            wait_until(offered, seconds=20)
        except TimeoutError:
            raise AssertionError(f"{typed} offers {page.evaluate(OFFERED)}") from None
        page.keyboard.press("Escape")

    offers('x = attacker.get("', unit)
    offers('x = attacker["', unit)
    offers('x = message["', ["metadata", "payload", "topic", "user_id"])
    assert any(opened_itself), "a quote opens the list"
    page.click("#discard")
    expect(page.locator("#discard")).to_be_hidden()


def test_without_javascript_the_text_can_still_be_saved_and_published(person: Enter) -> None:
    page = person("designer", java_script_enabled=False).page()
    page.goto(f"/scripts/{HITS}/")
    text = page.input_value("#source")
    page.fill("#source", text.replace("HILL_VIEW = 0.10", "HILL_VIEW = 0.20"))
    page.fill("[name=reason]", "Hills see further")
    page.click("[name=publish]")
    expect(page.locator(".form-message").last).to_contain_text("is live")
    assert "HILL_VIEW = 0.20" in page.input_value("#source")
