"""Pages tell of an execution in a sentence, the module's or the engine's, and say why that version decided."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution.ledger import commit
from scripting.insight.executions.reason import why
from scripting.insight.executions.telling import told
from scripting.models import Execution, Script
from scripting.modules.topics import topics
from scripting.registry.active import registry
from scripting.types import RecordedRun, RunStory
from tests.support.arena import Arena, arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)


class Talkative(Arena):
    """Tells of its runs; of some it cannot."""

    def story(self, run: RecordedRun) -> RunStory:
        if run.payload["points"] == 13:
            raise ValueError("unlucky")
        said = f"{run.payload['points']} points for {run.key} (secret: {run.payload['secret']}), by {run.decided_by}."
        return RunStory(said, (("the table", "/arena/"),))


@pytest.fixture(params=[Arena, Talkative], ids=["plain", "talkative"])
def arena(request: pytest.FixtureRequest) -> Iterator[type[Arena]]:
    with arena_registered(request.param):
        make_script("result = {'points': message['payload']['points'], 'echo': message['payload']['secret']}\n")
        registry.forget()
        yield request.param
    registry.forget()


def ran(points: int) -> Execution:
    payload = topics.get("arena.hit").validate({"points": points, "secret": "hunter2"})
    event = Event(id=f"e{points}", topic="arena.hit", payload=payload, subscribers=[], key="ann")
    commit([get_engine().decide(event, "arena", "scorer")])
    rows = Execution.objects.select_related("script", "version", "error_version")
    return rows.get(event_id=f"e{points}")


def test_the_module_tells_of_its_executions_and_sees_nothing_that_its_topic_hides(arena: type[Arena]) -> None:
    story = told(ran(5))
    if arena is Talkative:
        assert story == RunStory("5 points for ann (secret: •••), by scorer v1.", (("the table", "/arena/"),))
    else:
        assert story.sentence == 'Scorer v1 decided on arena.hit for key ann: {"points": 5, "echo": "•••"}.'
    assert "hunter2" not in story.sentence


def test_where_the_module_fails_to_tell_the_engine_does_and_the_log_says_so(
    arena: type[Arena], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        story = told(ran(13))
    assert story.sentence.startswith("Scorer v1 decided on arena.hit for key ann: ")
    assert ("module arena cannot tell of execution" in caplog.text) is (arena is Talkative)


def test_what_stood_in_is_told_with_the_reason(arena: type[Arena], settings: Any) -> None:
    make_script("result = 1 / 0\n")
    registry.forget()
    execution = ran(7)
    assert "scorer v1, standing in for v2, which was broken" in told(execution).sentence.replace("Scorer", "scorer")
    reason = why(execution)
    assert "v2 was live since <time" in reason
    assert "published (“for a test”)" in reason
    assert "It failed: division by zero" in reason.replace("ZeroDivisionError: ", "")
    assert reason.endswith("So v1 stood in for it.")
    Script.objects.update(enabled=False)
    registry.forget()
    disabled = ran(8)
    assert why(disabled) == "arena/scorer was disabled, so the module’s built-in rule decided."
    assert "the built-in rule, since scorer was disabled" in told(disabled).sentence.replace("The built", "the built")
