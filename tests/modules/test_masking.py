"""The one rule of what people may read of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripting.modules import masking
from scripting.modules.masking import HIDDEN, mask_of_inputs, mask_of_run
from scripting.modules.topics import TopicRegistry
from tests.support.arena import AFTERMATH, Arena, arena_gone

TOPIC = "arena.hit"


def context(secret: Any) -> dict[str, Any]:
    payload = {"points": 3, "secret": secret}
    return {"message": {"payload": payload}, "message_payload": json.dumps(payload)}


def test_a_key_is_hidden_at_any_depth_whatever_it_holds(arena: Arena) -> None:
    mask = mask_of_run(TOPIC, context("x"))
    shown = mask.value({"a": [{"secret": 1}, ({"secret": {"b": 2}},)], "c": 3})
    assert shown == {"a": [{"secret": HIDDEN}, [{"secret": HIDDEN}]], "c": 3}


@pytest.mark.parametrize("secret", ["hunter2", 12345, 12.25, b"hunter2", ["hunter2", 7], {"a": {"b": "hunter2"}}])
def test_a_copy_under_another_name_is_hidden(arena: Arena, secret: Any) -> None:
    mask = mask_of_run(TOPIC, {"message": {"payload": {"secret": secret}}})
    leaf = secret[0] if isinstance(secret, list) else secret["a"]["b"] if isinstance(secret, dict) else secret
    assert mask.value({"copy": leaf, "points": 3}) == {"copy": HIDDEN, "points": 3}
    assert mask.value([f"so {leaf}!"]) == [f"so {HIDDEN}!"]


def test_short_values_are_hidden_under_their_name_and_as_the_whole_text_and_leave_other_text_readable(
    arena: Arena,
) -> None:
    mask = mask_of_run(TOPIC, context("no"))
    assert mask.value({"copy": "no", "told": "nobody knows"}) == {"copy": HIDDEN, "told": "nobody knows"}
    assert mask.text("secret=no, points=3") == f"secret={HIDDEN}, points=3"
    assert mask_of_run(TOPIC, context(3)).value({"points": 3}) == {"points": 3}


@pytest.mark.parametrize(
    "written", ['{"secret": 7, "points": 3}', "{'secret': 7, 'points': 3}", "{secret: 7, points: 3}"]
)
def test_a_name_with_its_value_is_hidden_in_text(arena: Arena, written: str) -> None:
    assert mask_of_run(TOPIC, context(7)).text(written) == written.replace("7", HIDDEN)


def test_text_masked_twice_is_the_same_text(arena: Arena) -> None:
    mask = mask_of_run(TOPIC, context("hunter2"))
    once = mask.text("secret: hunter2, secret='a b', hunter2")
    assert mask.text(once) == once


def test_inputs_hide_the_keys_of_their_own_topic_and_results_those_of_every_topic(arena: Arena) -> None:
    value = {"secret": "x"}
    assert mask_of_inputs("arena.aftermath", value).value(value) == value
    assert mask_of_run("arena.aftermath", value).value(value) == {"secret": HIDDEN}


def test_inputs_without_a_topic_may_be_any_topic_s(arena: Arena) -> None:
    assert mask_of_inputs("", context("x")).value(context("x"))["message"]["payload"]["secret"] == HIDDEN


def test_where_no_topic_is_sensitive_everything_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = TopicRegistry()
    plain.register(AFTERMATH)
    monkeypatch.setattr(masking, "topics", plain)
    value = {"secret": "x", "message_payload": "x"}
    for topic in ("arena.aftermath", ""):
        assert mask_of_run(topic, value).value(value) is value


def test_of_a_topic_that_is_defined_no_longer_the_whole_payload_is_hidden(arena: Arena) -> None:
    inputs = context("hunter2")
    with arena_gone():
        shown = mask_of_inputs(TOPIC, inputs).value(inputs)
        assert shown == {"message": {"payload": {"points": HIDDEN, "secret": HIDDEN}}, "message_payload": HIDDEN}
        assert mask_of_inputs(TOPIC, inputs["message"]["payload"]).value({"secret": 7, "on": 1}) == {"secret": HIDDEN, "on": 1}  # fmt: skip
        made = mask_of_run(TOPIC, inputs)
        assert made.value({"copy": "hunter2", "secret": 7, "sum": 4}) == {"copy": HIDDEN, "secret": HIDDEN, "sum": 4}
        assert made.text("so hunter2!") == f"so {HIDDEN}!"


def test_a_script_that_runs_by_the_clock_hides_what_any_topic_does(arena: Arena) -> None:
    inputs = context("hunter2")
    shown = mask_of_inputs("schedule", inputs).value(inputs)
    assert shown["message"]["payload"] == {"points": 3, "secret": HIDDEN}
