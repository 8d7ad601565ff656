"""A running stack and a browser for the tests of the workbench's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.support.browser import chromium, forget
from tests.support.stack import RunningStack, wait_until
from tests.workbench.pages import Person, new_context, session

GOES_ON = "SELECT count(*) > 9 AND sum(kind = 'damage') > 0 FROM wargame_battlelogentry"
"""Whether there is something to look at and to replay, however quick the first test is."""
ENOUGH = "SELECT count(*) > 4 FROM wargame_battlelogentry WHERE kind = 'damage'"
"""Whether there are so many decisions that a test can do without more."""

DRAFTS = "SELECT script_id, user_id, source FROM scripting_draft"


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder: Path = tmp_path_factory.mktemp("workbench") / "var"
    scripts = str(folder.parent / "scripts")
    # A quicker battle is what most of the processor time would go to, while pages wait for something else.
    settings = {"WARGAME_TICK_SECONDS": "1.5", "SCRIPTING_SCRIPTS_DIR": scripts, "SCRIPTING_BREAKER_SECONDS": "3"}
    settings["TIME_ZONE"] = "Asia/Kolkata"  # neither UTC nor the zone of any browser here
    with RunningStack(folder, **settings) as running:
        wait_until(lambda: running.rows(GOES_ON) == [(1,)], 150, "the battle does not go on", every=0.5)
        yield running


@pytest.fixture
def battle() -> None:
    """Asked for by a test in which the battle has to go on. In the others it stands still: it takes more than all that is idle in a stack."""


@pytest.fixture(autouse=True)
def pace(request: pytest.FixtureRequest) -> None:
    """Let the battle go on, or stand still once enough is recorded."""
    if "stack" in request.fixturenames:
        stack: RunningStack = request.getfixturevalue("stack")
        goes_on = "battle" in request.fixturenames
        if not goes_on:
            wait_until(lambda: stack.rows(ENOUGH) == [(1,)], 150, "the battle does not go on", every=0.5)
        stack.let_battle(goes_on)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def sessions() -> dict[str, Any]:
    """The cookies of each role, from one login."""
    return {}


@pytest.fixture(scope="package")
def contexts() -> list[BrowserContext]:
    """Browsers that have the site's files cached after their first test: a page opens in half the time."""
    return []


@pytest.fixture
def newcomer(stack: RunningStack, browser: Browser, contexts: list[BrowserContext]) -> Iterator[Callable[[], Person]]:
    """Somebody whom the site does not know, in a browser of their own; at the end of the test it knows nothing of them."""
    people: list[Person] = []

    def arrive() -> Person:
        if len(people) == len(contexts):
            contexts.append(new_context(stack, browser))
        people.append(Person(stack, contexts[len(people)], ""))
        return people[-1]

    yield arrive
    for one in people:
        one.leave()
        forget(one.context, stack.url)


@pytest.fixture
def person(
    stack: RunningStack, browser: Browser, sessions: dict[str, Any], newcomer: Callable[[], Person]
) -> Iterator[Callable[..., Person]]:
    """Logs a role in. With options, the browser is a new one."""
    own: list[BrowserContext] = []

    def enter(role: str, **options: Any) -> Person:
        if role not in sessions:
            sessions[role] = session(stack, browser, role)
        if options:
            own.append(new_context(stack, browser, **options))
            entered = Person(stack, own[-1], role)
        else:
            entered = newcomer()
            entered.role = role
        entered.context.add_cookies(sessions[role]["cookies"])
        return entered

    yield enter
    try:
        wait_until(lambda: stack.rows(DRAFTS) == [], 20, "this test leaves a draft: the next one would begin with it")
    finally:
        stack.rows("DELETE FROM scripting_draft")
        for context in own:
            context.close()
