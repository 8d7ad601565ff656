"""The arena module for the bus's tests, with the scripts that its code says: nothing is read from a database."""

from collections.abc import Iterator

import pytest

from scripting.subscriptions import subscribed
from tests.support.arena import Arena, arena_registered


@pytest.fixture
def arena() -> Iterator[Arena]:
    with arena_registered() as module:
        subscribed.table.remember([])
        yield module
        subscribed.table.forget()
