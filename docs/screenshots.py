"""`python docs/screenshots.py [NAME…]`: takes the pictures in docs/img anew, of a stack that it starts for it.

Each picture is a story told again: log in, change, try, publish. So the pictures are true, or this script fails: a story that cannot
be told is named, its picture stays as it was, and the next begins from the same state.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")

from playwright.sync_api import Browser, Error, Page, expect  # noqa: E402

from tests.support.browser import chromium  # noqa: E402
from tests.support.stack import RunningStack  # noqa: E402
from tests.workbench.pages import change, publish, session, write  # noqa: E402

FOLDER = Path(__file__).parent / "img"
MOST_BYTES = 250_000
PATIENCE = 60_000
"""Milliseconds for whatever a page is to show: here nothing is judged by its time."""
DAMAGE = "/scripts/wargame/damage_calculator/"
SALVOS = """\
SALVOS = 3
WORN = 0.8
STRENGTH = 24

def hit(strength, armour):
    luck = rand()
    if luck < 0.05:
        return 0
    return max(1, round(strength * (0.5 + luck) - armour))

damage = 0
for salvo in range(SALVOS):
    damage += hit(STRENGTH * WORN ** salvo, 3)
    if damage > 60:
        damage = 60
result = {"damage": damage, "base_damage": STRENGTH, "message": "three salvos"}
"""


def battle(page: Page) -> None:
    """The battle page with outcomes coming in."""
    page.goto("/wargame/")
    expect(page.locator(".entry.kind-damage").nth(2)).to_be_visible(timeout=60_000)


def rewound(page: Page) -> None:
    """The map at a moment of the past, and what decided then."""
    battle(page)
    expect(page.locator(".entry.kind-damage").nth(6)).to_be_visible(timeout=120_000)
    page.get_by_role("slider", name="Moment of the battle").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#card-title")).to_have_text("What decided at this moment")
    expect(page.locator("[data-told]")).not_to_be_empty()


def story(page: Page) -> None:
    """Why a unit was hurt."""
    battle(page)
    page.locator(".entry.kind-damage .entry-story").first.click()
    expect(page.locator(".steps li").nth(3)).to_be_visible()


def open_workbench(page: Page) -> None:
    page.goto(f"{DAMAGE}?find=CRITICAL_CHANCE")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    expect(page.locator("#check-state")).to_have_attribute("data-state", "good")


def workbench(page: Page) -> None:
    """A change, compared with the live version."""
    open_workbench(page)
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.90")
    page.fill("#seed", "11")
    page.click("#run")
    expect(page.locator("#outcome .verdict")).to_contain_text("It decides differently")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    expect(page.locator("#replay-line a")).to_contain_text("would fail")


def values(page: Page) -> None:
    """Values beside the lines, and the turns of a loop."""
    page.goto(DAMAGE)
    expect(page.locator("#check-state")).to_have_attribute("data-state", "good")
    write(page, SALVOS)
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.fill("#seed", "11")
    page.click("#run")
    expect(page.locator("#values-bar")).to_be_visible()
    page.evaluate("window.ace.edit('editor').gotoLine(13)")
    page.click("#turn-back")
    expect(page.locator("#turn-words")).to_have_text("turn 2 of 3")


def sample(page: Page) -> None:
    """Fifty runs of both texts on the same dice."""
    open_workbench(page)
    change(page, "CRITICAL_CHANCE = 0.10", "CRITICAL_CHANCE = 0.50")
    page.fill("#seed", "11")
    page.click("#sample")
    expect(page.locator(".sample").first).to_be_visible()


def compared(page: Page) -> None:
    """Two trials side by side."""
    open_workbench(page)
    page.fill("#seed", "11")
    for count, chance in enumerate(("0.10", "0.90"), 1):
        if chance != "0.10":
            change(page, "CRITICAL_CHANCE = 0.10", f"CRITICAL_CHANCE = {chance}")
        page.click("#run")
        expect(page.locator("#trial-rows tr")).to_have_count(count)
        expect(page.locator("#run")).to_be_enabled()
    for box in page.get_by_label("Compare trial").all():
        box.check()
    page.click("#compare-trials")
    expect(page.locator("#diff-body tr.new")).to_be_visible()


def recorded(page: Page) -> None:
    """An event that happened, found by its words."""
    battle(page)
    open_workbench(page)
    page.locator("#recorded").press("ArrowDown")
    page.keyboard.type("hits")
    expect(page.locator("#recorded-list [role=option]").first).to_contain_text("hits")
    expect(page.locator("#recorded-list [role=option]").first).to_have_attribute("aria-selected", "true")


def live(page: Page) -> None:
    """Every process has taken it."""
    workbench(page)
    publish(page, "Nine hits in ten find a weak spot: shorter battles")


def history(page: Page) -> None:
    """What went live when and why, with a diff."""
    page.goto(f"{DAMAGE}history/")
    if not page.locator("[data-key=v2]").count():
        live(page)
    page.goto(f"{DAMAGE}history/?old=1&new=2")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")


def execution(page: Page) -> None:
    """One run, in the admin."""
    battle(page)
    page.locator(".entry-by a").first.click()
    page.wait_for_load_state("networkidle")


def cases(page: Page) -> None:
    """Cases, one of which a draft does not pass."""
    workbench(page)
    page.click("#tab-cases")
    expect(page.locator("#tab-cases")).to_contain_text("red")


def tune(page: Page) -> None:
    """A knob with what each setting would do."""
    battle(page)
    page.goto(f"{DAMAGE}tune/")
    expect(page.locator(".curve").first).to_be_visible(timeout=60_000)


def plays(page: Page) -> None:
    """Battles with the live scripts and with the draft, on the same dice."""
    workbench(page)
    page.goto(f"{DAMAGE}plays/")
    page.get_by_role("button", name="Play them").click()
    expect(page.get_by_role("heading", name="How they ended")).to_be_visible(timeout=300_000)
    expect(page.locator("#progress")).to_be_hidden(timeout=300_000)


def receipts(page: Page) -> None:
    """The receipt of a run, and what proves it."""
    execution(page)
    page.get_by_role("heading", name="Receipt").scroll_into_view_if_needed()
    page.get_by_role("heading", name="Receipt").evaluate("(one) => one.scrollIntoView()")


def gate(page: Page) -> None:
    """The policy on what a change must show."""
    page.goto("/admin/scripting/gatepolicy/add/")


def review(page: Page) -> None:
    """A change that waits for somebody else."""
    gate(page)
    page.get_by_label("Approval", exact=False).first.select_option(label="Of every change")
    page.get_by_placeholder("Why: shown in the history for good").fill("Two pairs of eyes during the event")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/gatepolicy/")
    workbench(page)
    page.click("#publish")
    page.fill("#publish-reason", "Nine hits in ten find a weak spot: shorter battles, @designer")
    page.click("#publish-review-ask", timeout=60_000)
    page.locator("#publish-review-words a").click(timeout=60_000)
    expect(page.locator("#discard")).to_be_hidden()
    page.get_by_role("heading", level=1).wait_for()


STORIES: tuple[Callable[[Page], None], ...] = (
    battle,
    rewound,
    story,
    workbench,
    values,
    sample,
    compared,
    recorded,
    live,
    history,
    cases,
    tune,
    plays,
    receipts,
    gate,
    review,
)
"""Each begins with v1 live and no draft, where `put_back` leaves the one before; the policy that `review` sets stays, so it is the last."""
ROLES = {"receipts": "admin", "gate": "admin", "review": "admin"}
"""Who sees it, where the designer does not."""


def main(chosen: list[str]) -> int:
    """Take the pictures; 1 when a story could not be told, or a picture is too large to be kept in the repository."""
    FOLDER.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    amiss = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {"SCRIPTING_SCRIPTS_DIR": f"{folder}/scripts"}
        with RunningStack(Path(folder) / "var", **environment) as stack, chromium() as browser:
            people = {role: session(stack, browser, role) for role in ("designer", "admin")}
            for story in STORIES:
                if chosen and story.__name__ not in chosen:
                    continue
                try:
                    picture = take(browser, stack, people[ROLES.get(story.__name__, "designer")], story)
                except (AssertionError, Error) as problem:
                    amiss.append(f"{story.__name__}: {problem}")
                    continue
                print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size // 1024} kB", flush=True)
                if picture.stat().st_size > MOST_BYTES:
                    amiss.append(f"{picture.name} has more than {MOST_BYTES} bytes")
    for words in amiss:
        print(words, file=sys.stderr)
    return 1 if amiss else 0


def take(browser: Browser, stack: RunningStack, cookies: object, story: Callable[[Page], None]) -> Path:
    """One picture of one story, 1280 by 720."""
    context = browser.new_context(
        base_url=stack.url,
        storage_state=cookies,
        viewport={"width": 1280, "height": 720},
        color_scheme="light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    picture = FOLDER / f"{story.__name__}.png"
    try:
        story(page)
        page.screenshot(path=picture, animations="disabled", caret="hide")
    finally:
        put_back(page, stack)
        context.close()
    return picture


def put_back(page: Page, stack: RunningStack) -> None:
    """Discard the draft of whoever told the story, and make v1 live again where it published another."""
    page.goto(DAMAGE)
    page.wait_for_selector("body[data-ready]")
    if page.locator("#discard").is_visible():
        page.click("#discard")
        expect(page.locator("#discard")).to_be_hidden()
    if page.request.get(f"{DAMAGE}api/active").json()["active"]["number"] != 1:
        done = stack.manage(
            "rollback_script", DAMAGE.removeprefix("/scripts/").rstrip("/"), "1", "-m", "As it was before"
        )
        assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
