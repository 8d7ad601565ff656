"""A running stack and a browser for the tests of the workbench's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.support.stack import RunningStack
from tests.workbench.pages import Person, session


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder: Path = tmp_path_factory.mktemp("workbench") / "var"
    scripts = str(folder.parent / "scripts")
    settings = {"WARGAME_TICK_SECONDS": "0.3", "SCRIPTING_SCRIPTS_DIR": scripts, "SCRIPTING_BREAKER_SECONDS": "3"}
    settings["TIME_ZONE"] = "Asia/Kolkata"  # neither UTC nor the zone of any browser here
    with RunningStack(folder, **settings) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def sessions() -> dict[str, Any]:
    """The cookies of each role, from one login."""
    return {}


@pytest.fixture
def person(stack: RunningStack, browser: Browser, sessions: dict[str, Any]) -> Iterator[Callable[..., Person]]:
    """Logs a role in; its browser is closed at the end of the test."""
    entered: list[Person] = []

    def enter(role: str, **context: Any) -> Person:
        if role not in sessions:
            sessions[role] = session(stack, browser, role)
        entered.append(Person(stack, browser, role, storage_state=sessions[role], **context))
        return entered[-1]

    yield enter
    for one in entered:
        one.context.close()
