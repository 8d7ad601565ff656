"""A process of xdist leaves untold only what no run counts or shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.telling import SLOW_SECONDS, is_shown

pytestmark = pytest.mark.once


def told(when: Any, outcome: Any = "passed", duration: float = 0.0, sections: Any = ()) -> bool:
    """Whether a report of this kind is told, as pytest and xdist write it."""
    report = pytest.TestReport(
        "tests/test_x.py::test_y", ("tests/test_x.py", 1, "test_y"), {}, outcome, None, when, sections, duration
    )
    return is_shown("testreport", report._to_json())


@pytest.mark.parametrize("outcome", ["passed", "failed", "skipped"])
def test_each_test_s_outcome_is_told_however_quick(outcome: str) -> None:
    assert told("call", outcome)


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_what_is_around_a_test_is_told_unless_it_went_well_quickly_and_without_words(when: str) -> None:
    assert not told(when)
    assert told(when, "failed")
    assert told(when, "skipped")
    assert told(when, duration=SLOW_SECONDS)
    assert told(when, sections=[("Captured stdout setup", "words")])


def test_that_a_test_begins_is_not_told_and_that_it_has_ended_is() -> None:
    assert not is_shown("logstart", {})
    for name in ("logfinish", "runtest_protocol_complete", "workerready", "workerfinished", "collectionfinish"):
        assert is_shown(name, {})
