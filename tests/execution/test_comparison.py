"""Two outcomes are compared in one way, wherever it is asked."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from scripting.execution.comparison import MISSING, Compared, Failure, compared, differing, equal, places
from scripting.execution.differences import effects_in_words, result_in_words
from scripting.modules.masking import Mask
from scripting.runtime.host_calls import Call
from scripting.sandbox.protocol import encode_value
from scripting.types import ErrorType, HostCallRecord, ScriptError, ScriptOutput
from tests.support.arena import Arena

SAME = Compared("succeeded", None, {"a": 1, "b": [2, {"c": 3, "d": 4}]}, (Call("award", {"points": 1}),), ("one",))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, ()),
        ({"result": {"b": [2, {"d": 4, "c": 3}], "a": 1}}, ()),
        ({"result": {"a": 1, "b": [{"c": 3, "d": 4}, 2]}}, ("result",)),
        ({"effects": ()}, ("effects",)),
        ({"effects": (Call("award", {"points": 2}),)}, ("effects",)),
        ({"effects": (Call("give", {"points": 1}),)}, ("effects",)),
        ({"logs": ("one", "two")}, ("log",)),
        ({"status": "failed", "error": Failure("execution", "no"), "result": None}, ("status", "error")),
    ],
)
def test_outcomes_differ_in_the_parts_that_are_not_the_same(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    assert differing(SAME, dataclasses.replace(SAME, **changes)) == parts


def test_an_error_is_its_type_its_message_and_its_place() -> None:
    error = Failure("execution", "no", "arena/scorer", 3, 5)
    failed = Compared("failed", error)
    assert differing(failed, Compared("failed", error)) == ()
    for change in ({"type": "timeout"}, {"message": "yes"}, {"script": "shared/x"}, {"line": 4}, {"column": 6}):
        assert differing(failed, Compared("failed", dataclasses.replace(error, **change))) == ("error",)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (0.0, -0.0, True),
        (2**53 + 1, float(2**53), False),
        (342161316540874753, 342161316540874750, False),
        (math.nan, math.nan, True),
        (math.inf, math.inf, True),
        (math.nan, 1.0, False),
        (True, 1, False),
        (False, 0, False),
        (None, 0, False),
        ("1", 1, False),
        (b"a", "a", False),
        ([], {}, False),
        ({"a": math.nan}, {"a": math.nan}, True),
    ],
)
def test_values_are_the_same_to_the_last_digit(one: Any, other: Any, same: bool) -> None:
    assert equal(one, other) is equal(other, one) is same


def test_places_that_differ_are_named() -> None:
    one, other = {"a": [1, {"b": 2}], "c": 3}, {"c": 3, "a": [1, {"b": 4}, 5]}
    assert list(places(one, other)) == [(("a", 1, "b"), 2, 4), (("a", 2), MISSING, 5)]
    assert list(places(one, one)) == []


def test_effects_are_the_accepted_commands_of_a_run_that_succeeded_by_the_names_of_their_arguments() -> None:
    def call(name: str, kind: str, args: list[Any], kwargs: dict[str, Any], *, refused: bool = False) -> HostCallRecord:
        return HostCallRecord(name, kind, encode_value([args, kwargs]), None if refused else encode_value(None))

    def seen(*calls: HostCallRecord, error: ScriptError | None = None) -> Compared:
        return compared(ScriptOutput(host_calls=calls, error=error), Arena())

    placed, named = call("award", "effect", [3], {}), call("award", "effect", [], {"points": 3})
    read, wrong = call("get_score", "read", [], {}), call("award", "effect", ["x"], {}, refused=True)
    assert seen(placed, read, wrong).effects == (Call("award", {"points": 3}),)
    assert differing(seen(placed), seen(named)) == ()
    assert differing(seen(placed, read), seen(placed)) == (), "what a run reads is no part of what it decides"
    assert seen(placed, error=ScriptError(ErrorType.EXECUTION, "no")).effects == ()


def test_differences_are_said_in_words_and_what_is_hidden_stays_so() -> None:
    mask = Mask(frozenset({"pin"}), frozenset({"squid"}), ("squid",))
    then = {"a": [{"x": 2**62}], "pin": 1234, "same": 1}
    now = {"same": 1, "a": [{"x": 2**62 + 1}, "squid"], "pin": 1235}
    words = result_in_words(then, now, mask)
    assert words == (
        f'the result: at a[0].x {2**62} then, {2**62 + 1} now; at a[1] – then, "•••" now; at pin "•••" then, "•••" now'
    )
    assert result_in_words(1, 2, mask) == "the result: 1 then, 2 now"
    effects = [Call("award", {"points": points}) for points in range(5)]
    assert effects_in_words(effects[:2], [effects[0]], mask) == "the effects: award(points=1) then, – now"
    assert effects_in_words([], effects, mask).endswith("; 2 more")
