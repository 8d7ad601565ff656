"""Rule 10: what a page, a command or an endpoint writes of plain data is read back as it was, whatever the data looks like."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scripting.insight.display import pretty
from scripting.texts.plain_json import from_json, jsonable

KEYS = some.one_of(some.sampled_from(["$float", "$bytes", "$$float", "$$$bytes", "$", "a"]), some.text(max_size=3))
PLAIN = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(-(2**63), 2**63 - 1), some.floats(allow_nan=False), some.text(), some.binary(),
                some.sampled_from(["nan", "inf", "1.5", "AAAA"])),
    lambda inner: some.one_of(some.lists(inner, max_size=3), some.dictionaries(KEYS, inner, max_size=2)),
    max_leaves=8,
)  # fmt: skip


def there_and_back(value: Any) -> Any:
    return json.loads(json.dumps(jsonable(value)), object_hook=from_json)


@given(PLAIN)
def test_plain_data_is_read_back_as_it_was(value: Any) -> None:
    assert there_and_back(value) == value


def test_nan_is_read_back_as_it_was() -> None:
    assert math.isnan(there_and_back({"a": [math.nan]})["a"][0])


@pytest.mark.parametrize(
    "text",
    [
        '{"$float": "1.5"}',
        '{"$float": 1.5}',
        '{"$bytes": "not base64!"}',
        '{"$float": "nan", "a": 1}',
        '{"$bytes": null}',
        '{"$other": "1"}',
    ],
)
def test_what_is_no_spelling_of_ours_stays_the_data_that_it_is(text: str) -> None:
    assert json.loads(text, object_hook=from_json) == json.loads(text)


def test_people_read_nan_and_infinities_as_such() -> None:
    shown = pretty({"low": -math.inf, "none": math.nan, "own": {"$float": "nan"}})
    assert json.loads(shown.replace("-Infinity", "1").replace("NaN", "2")) == {
        "low": 1,
        "none": 2,
        "own": {"$$float": "nan"},
    }
