"""Scripts may return these results: everything else is refused with a sentence that says what to return."""

from __future__ import annotations

from typing import Any

import pytest

from scripting.modules.calls import EffectRefused
from wargame import results


def test_results_that_say_what_they_should_are_taken() -> None:
    assert results.hit_result({"hit": True, "chance": 0.5, "extra": []}).hit
    assert results.damage_result({"damage": 11.6, "base_damage": 20, "message": "ow"}).damage == 12
    assert results.event_result({"processed": True}).damage is None
    assert results.action_result({}).valid
    assert not results.action_result({"requires_validation": True, "valid": False, "reason": "no"}).valid


@pytest.mark.parametrize(
    ("read", "result", "says"),
    [
        (results.hit_result, None, "must be a dict, not null"),
        (results.hit_result, {}, "has no hit"),
        (results.hit_result, {"hit": "yes"}, "must be True or False"),
        (results.hit_result, {"hit": True, "chance": 7}, "between 0 and 1"),
        (results.damage_result, {"damage": "12"}, "must be a number"),
        (results.damage_result, {"damage": True}, "must be a number"),
        (results.damage_result, {"damage": None}, "has no damage"),
        (results.damage_result, {"damage": -1}, "between 0 and 10000"),
        (results.damage_result, {"damage": float("nan")}, "must be a number"),
        (results.damage_result, {"damage": 2**62}, "between 0 and 10000"),
        (results.damage_result, {"damage": 1, "message": 5}, "must be text"),
        (
            results.event_result,
            {"follow_up_events": {}, "chain_reaction": "yes"},
            "chain_reaction must be True or False",
        ),
        (results.event_result, {"follow_up_events": "boom"}, "must be a list"),
        (results.event_result, {"follow_up_events": [{"topic": 3}]}, r"follow_up_events\[0\]"),
        (results.event_result, {"follow_up_events": [{}] * 13}, "at most 12"),
        (results.action_result, {"requires_validation": True}, "has no valid"),
        (results.action_result, [1], "must be a dict"),
    ],
)
def test_what_does_not_fit_is_refused_with_an_example_of_what_does(read: Any, result: Any, says: str) -> None:
    with pytest.raises(EffectRefused, match=says) as refusal:
        read(result)
    assert "return for example result = {" in str(refusal.value)


def test_text_from_a_script_cannot_hide_or_reorder_what_is_read() -> None:
    assert results.hit_result({"hit": False, "message": "a\u202eb\x00c"}).message == "a\\u202eb\\x00c"
    assert len(results.hit_result({"hit": False, "message": "x" * 5000}).message) == results.MESSAGE_LIMIT
