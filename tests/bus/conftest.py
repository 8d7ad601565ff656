"""The arena module for the bus's tests, with the scripts that its code says: nothing is read from a database."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from scripting.subscriptions import subscribed
from tests.support.arena import Arena, arena_registered


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
