"""The arena module for the bus's tests, with the scripts that its code says: nothing is read from a database."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from scripting.bus import held
from scripting.subscriptions import subscribed
from tests.support.arena import Arena, arena_registered


@pytest.fixture(autouse=True)
def however_busy_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is one commit: no decision takes so long that what is held is committed before it."""
    monkeypatch.setattr(held, "MAX_HELD_SECONDS", 60.0)


@pytest.fixture
def as_code_says(settings: Settings) -> Iterator[None]:
    """Subscribers are those of the modules' code for the whole test, however long a busy machine takes for it."""
    settings.SCRIPTING_GENERATION_MAX_AGE = 600.0
    subscribed.table.remember([])
    yield
    subscribed.table.forget()


@pytest.fixture
def arena(as_code_says: None) -> Iterator[Arena]:
    with arena_registered() as module:
        yield module
