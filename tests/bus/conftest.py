"""The arena module for the bus's tests."""

from collections.abc import Iterator

import pytest

from tests.support.arena import Arena, arena_registered


@pytest.fixture
def arena() -> Iterator[Arena]:
    with arena_registered() as module:
        yield module
