"""Checking: errors and warnings with their places, without running anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scripting.supervisor.pool import HostFunction, SandboxPool
from scripting.types import ErrorType, SecurityLimits
from tests.support.sandboxes import bundle_of, outcome_of

LIMITS = SecurityLimits()


def test_a_check_finds_every_refusal_in_the_order_of_the_text(pool: SandboxPool) -> None:
    report = pool.check(bundle_of("import os\nx = ().__class__\nresult = open('x')\n"), LIMITS)
    assert not report.ok
    places = [(found.type, found.line, found.column) for found in report.diagnostics if found.severity == "error"]
    refused = ErrorType.SECURITY_VIOLATION
    assert places == [(refused, 1, 1), (refused, 2, 8), (refused, 3, 10)]
    assert all(found.hint for found in report.diagnostics)


def test_a_check_warns_of_names_that_nothing_defines(pool: SandboxPool) -> None:
    functions = (HostFunction("calculate_damage", "pure"),)
    report = pool.check(bundle_of("result = [attacker, message, calculate_damage(), len, log]"), LIMITS, functions)
    assert report.ok
    (warning,) = report.diagnostics
    assert (warning.severity, warning.line, warning.column) == ("warning", 1, 11)
    assert "attacker" in warning.message


def test_a_check_warns_when_result_is_never_assigned(pool: SandboxPool) -> None:
    report = pool.check(bundle_of("x = 1"), LIMITS)
    assert report.ok
    assert "result" in report.diagnostics[0].message


@pytest.mark.parametrize(
    ("language", "text"),
    [("python", "result = 1\n# \u202e} if is_boss \u2066 begin admins only"), ("tengo", "result := 1\n// \u202e} if")],
)
def test_a_check_warns_of_characters_that_make_a_line_read_otherwise_than_it_runs(
    pool: SandboxPool, language: str, text: str
) -> None:
    report = pool.check(bundle_of(text, language=language), LIMITS)
    assert report.ok
    (warning,) = report.diagnostics
    assert (warning.severity, warning.line) == ("warning", 2)
    assert warning.column == text.split("\n")[1].index("\u202e") + 1
    assert "U+202E" in warning.hint


def test_a_check_runs_nothing_and_the_run_that_follows_has_its_sandbox(make_pool: Callable[..., SandboxPool]) -> None:
    pool = make_pool()
    assert pool.check(bundle_of("while True: pass"), LIMITS).ok
    assert pool.check(bundle_of("result = 1"), LIMITS).ok
    assert not pool.check(bundle_of("import os"), LIMITS).ok
    (kept,) = pool.stats().sandboxes
    checked, newer = bundle_of("result = 1"), bundle_of("result = 3")
    assert not pool.warm(newer, LIMITS, like=checked.digest), (
        "a check alone is no reason to have every later version ready"
    )
    ran = outcome_of(pool, "result = 1")
    assert (ran.error, ran.metrics.compile_us) == (None, 0)
    assert [(box.pid, box.runs) for box in pool.stats().sandboxes] == [(kept.pid, 1)], "nothing was compiled twice"
    pool.check(bundle_of("result = 2"), LIMITS)
    assert len(pool.stats().sandboxes) == 2, "one that has run stays"


def test_an_error_in_a_helper_names_the_helper(pool: SandboxPool) -> None:
    report = pool.check(bundle_of("from shared import dice\nresult = 1", {"dice": "import os"}), LIMITS)
    assert not report.ok
    assert "shared/dice" in report.diagnostics[0].message
    missing = pool.check(bundle_of("from shared import cards\nresult = 1"), LIMITS)
    assert missing.diagnostics[0].type is ErrorType.NOT_FOUND
    assert "shared/cards" in missing.diagnostics[0].message


def test_packages_that_are_not_allowed_are_refused(pool: SandboxPool) -> None:
    report = pool.check(bundle_of("import random\nresult = 1"), LIMITS.replace(allowed_packages=("math",)))
    assert not report.ok
    assert "random" in report.diagnostics[0].message


@pytest.mark.parametrize("language", ["python", "tengo"])
@pytest.mark.parametrize("odd", ["\f", "\x85", "\u2028", "\U0001f600", "é"])
def test_places_are_counted_in_lines_that_end_at_a_line_feed_and_in_characters(
    pool: SandboxPool, language: str, odd: str
) -> None:
    first = f'a = "{odd}"' if language == "python" else f"a := `{odd}`"
    report = pool.check(bundle_of(f'{first}\r\nb = "{odd}" + nobody\n', language=language), LIMITS)
    (found,) = (one for one in report.diagnostics if "nobody" in one.message)
    assert (found.line, found.column) == (2, len(f'b = "{odd}" + ') + 1)


@pytest.mark.parametrize("language", ["python", "tengo"])
def test_a_bare_carriage_return_is_refused_since_tools_number_its_lines_in_two_ways(
    pool: SandboxPool, language: str
) -> None:
    report = pool.check(bundle_of("a = 1\r\nb = 2\rc = 3\n", language=language), LIMITS)
    (found,) = (one for one in report.diagnostics if one.severity == "error")
    assert (found.line, found.column) == (2, 6)
    assert "line ends" in found.message


def test_a_pool_that_was_prepared_has_what_its_first_check_needs(make_pool: Callable[..., SandboxPool]) -> None:
    pool = make_pool()
    assert pool.stats().parent_pid is None
    pool.prepare()
    parent = pool.stats().parent_pid
    assert parent is not None
    assert pool.check(bundle_of("result = 1"), LIMITS).ok
    assert pool.stats().parent_pid == parent
