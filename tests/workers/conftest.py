"""The track in this process too, its script active, and the runners' events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripting.models import Script
from scripting.modules.installed import modules
from scripting.modules.topics import topics
from scripting.registry.active import registry
from scripting.runtime.pool import close_pool
from tests.support.arena import make_script
from tests.workers.track import LAP, MARSHAL, Track


@pytest.fixture
def track(transactional_db: None) -> Iterator[Script]:
    """The track's script, active in a database that worker processes see."""
    registry.forget()
    modules.register(Track())
    try:
        yield make_script(MARSHAL, "marshal", "track")
    finally:
        del modules._modules["track"]
        del topics._topics[LAP.name]
        registry.forget()


@pytest.fixture(scope="session", autouse=True)
def no_sandbox_left() -> Iterator[None]:
    yield
    close_pool()
