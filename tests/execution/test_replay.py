"""replay(): which attempt of an execution is run again, and what of it is compared."""

from __future__ import annotations

import pytest

from scripting.engine import get_engine
from scripting.execution.replay import NotTried, replay
from scripting.execution.rows import encode_calls
from scripting.models import Execution
from scripting.sandbox.protocol import encode_value
from scripting.types import ExecutionRequest, HostCallRecord, ScriptInput
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)


def hit() -> str:
    request = ExecutionRequest("arena", "scorer", ScriptInput({}), trigger="event", key="ada")
    return str(get_engine().execute(request).execution_id)


def test_the_first_attempt_is_repeated_or_the_one_that_decided(arena: Arena) -> None:
    make_script("result = {'points': 1}")
    make_script("log('before')\nresult = 1 / 0")
    first, decided = replay(execution := hit()), replay(execution, decided=True)
    assert (first.version.number, first.compared) == (2, ("error", "log", "host calls"))
    assert (decided.version.number, decided.compared) == (1, ("error", "result", "effects", "log", "host calls"))
    assert first.identical, first.differences
    assert decided.identical, decided.differences


def test_an_outcome_that_the_game_refused_is_not_called_another_error(arena: Arena) -> None:
    make_script("log('before')\nresult = {'points': 10**6}")
    again = replay(hit())
    assert again.identical, again.differences
    assert again.compared == ("log", "host calls")
    assert "the game refused what it decided then" in again.remarks[0]


def test_a_message_with_characters_that_do_not_show_is_the_same_message(arena: Arena) -> None:
    make_script("raise ValueError('\\u202e')")
    again = replay(hit())
    assert again.identical, again.differences


def test_a_withheld_version_is_not_repeated(arena: Arena, settings: pytest.FixtureRequest) -> None:
    settings.SCRIPTING_BREAKER_FAILURES = 1  # type: ignore[attr-defined]
    make_script("result = 1 / 0")
    hit()
    get_engine().registry.forget()
    execution = hit()
    assert Execution.objects.get(pk=execution).withheld
    with pytest.raises(NotTried, match="v1 was not tried then") as told:
        replay(execution)
    assert told.value.instead is None, "the built-in rule decided"


def test_a_script_whose_error_reads_like_ours_was_tried(arena: Arena) -> None:
    make_script("raise ValueError('not tried: at all')")
    assert not Execution.objects.get(pk=hit()).withheld


def test_what_differs_from_the_record_is_named_with_both_sides(arena: Arena) -> None:
    make_script("get_score()\naward(2)\nresult = {'points': 1, 'id': 2**62 + 1}")
    execution = Execution.objects.get(pk=hit())
    assert replay(str(execution.pk)).identical
    Execution.objects.filter(pk=execution.pk).update(
        result=encode_value({"id": 2**62, "points": 1}),
        host_calls=encode_calls(
            [
                HostCallRecord("get_score", "read", encode_value([[], {}]), encode_value(0)),
                HostCallRecord("award", "effect", encode_value([[], {"points": 3}]), encode_value(None)),
            ]
        ),
    )
    assert replay(str(execution.pk)).differences == (
        f"the result: at id {2**62} then, {2**62 + 1} now",
        "the effects: award(points=3) then, award(points=2) now",
        "host calls: other arguments, or in another order",
    )
    Execution.objects.filter(pk=execution.pk).update(host_calls=b"")
    assert replay(str(execution.pk)).differences[-1] == "it left the recording at call 1: get_score()"
