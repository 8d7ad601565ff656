"""The arena with two scripts, and a process that remembers no subscriptions of another test."""

from collections.abc import Iterator

import pytest

from scripting.registry.active import registry
from scripting.subscriptions.subscribed import table
from tests.support.arena import Arena, arena_registered


@pytest.fixture
def arena() -> Iterator[Arena]:
    with arena_registered() as module:
        registry.forget()
        table.forget()
        yield module
        table.forget()
        registry.forget()
