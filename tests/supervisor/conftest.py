"""A real pool with real sandboxes for the tests of the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import new_pool, outcome_of


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    """One pool for the tests of a file."""
    made = new_pool(max_sandboxes=8)
    outcome_of(made, "result = 1")  # so that no test pays for the start of the light parent
    yield made
    made.close()


@pytest.fixture
def make_pool() -> Iterator[Callable[..., SandboxPool]]:
    """Makes pools of their own for tests that break or count them."""
    made: list[SandboxPool] = []

    def make(**config: object) -> SandboxPool:
        made.append(new_pool(**config))
        return made[-1]

    yield make
    for pool in made:
        pool.close()
