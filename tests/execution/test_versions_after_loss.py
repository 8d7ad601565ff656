"""A process that lost Redis, or came back to an empty one, runs what the database says (rule 8)."""

from __future__ import annotations

import pytest
import redis

from scripting.engine import get_engine
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.types import ExecutionRequest
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)


def version_that_runs() -> int:
    output = get_engine().execute(ExecutionRequest("arena", "scorer", trigger="manual"))
    assert output.version is not None
    return output.version.number


def test_after_a_rollback_and_an_emptied_redis_the_active_version_runs(
    arena: Arena, redis_client: redis.Redis, settings: pytest.FixtureRequest
) -> None:
    settings.SCRIPTING_GENERATION_MAX_AGE = 0.0
    script = make_script("result = {'points': 1}")
    make_script("result = {'points': 2}")
    make_script("result = {'points': 3}")
    assert version_that_runs() == 3
    publishing.rollback(script, 1, actor=None, reason="it was better")
    registry.take_all(None)
    redis_client.flushall()
    for _ in range(3):
        assert version_that_runs() == 1
    registry.take_all(None)
    assert version_that_runs() == 1
