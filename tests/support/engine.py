"""The arena module for the engine's tests, and sandboxes closed behind them."""

from collections.abc import Iterator

import pytest

from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from tests.support.arena import Arena, arena_registered


@pytest.fixture
def arena() -> Iterator[Arena]:
    registry.forget()
    with arena_registered() as module:
        yield module
    registry.forget()


@pytest.fixture(scope="session", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()
