"""Proofs about ints: arithmetic that cannot leave 64 bits has no test for it, and what may leave them wraps as before."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from scripting.sandbox.languages.factory import EngineFactory
from tests.languages.tengo.harness import tengo

HIGHEST = (1 << 63) - 1
LOWEST = -HIGHEST - 1
VALUES = HIGHEST, HIGHEST - 1, LOWEST, LOWEST + 1, 0, 1, 2, -1


def lowered(text: str) -> str:
    engine = EngineFactory().engine("tengo")
    tree = engine.parse(text, "test/lowered")
    engine.forget(tree)
    return ast.unparse(tree)


def of_all_ends(body: str) -> str:
    """A text whose result is what the function gives for numbers at and near the ends of 64 bits."""
    calls = ", ".join(f"f({value})" if value > LOWEST else f"f({value + 1} - 1)" for value in VALUES)
    return f"f := func(n) {{ {body} }}\nresult := [{calls}]"


def wrapped(value: int) -> int:
    return (value - LOWEST) % (1 << 64) + LOWEST


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if n < 2 { return 0 }; return n - 2", lambda n: 0 if n < 2 else n - 2),
        ("if n >= 2 { return n - 1 }; return 0", lambda n: n - 1 if n >= 2 else 0),
        ("if n > -5 { return n - 9 } else { return n + 9 }", lambda n: n - 9 if n > -5 else n + 9),
        ("if !(n > 0) { return n + 1 } else { return n - 1 }", lambda n: n + 1 if n <= 0 else n - 1),
        ("if 0 < n { return 0 }; return n + 1", lambda n: 0 if n > 0 else n + 1),
        ("if n > 0 && n < 100 { return n * n - n }; return 0", lambda n: n * n - n if 0 < n < 100 else 0),
        ("if n < 0 || n > 100 { return 0 }; return -n * n", lambda n: 0 if n < 0 or n > 100 else -n * n),
        ("if n > 0 { } else { return 0 }; return n - 1", lambda n: n - 1 if n > 0 else 0),
        ("if n == 2 { return n * n }; return 0", lambda n: n * n if n == 2 else 0),
        ("if n != 2 { return 0 }; return n + n", lambda n: 0 if n != 2 else n + n),
        ("return n > 0 ? n - 1 : n + 1", lambda n: n - 1 if n > 0 else n + 1),
        ("if n < 9223372036854775807 { return n + 1 }; return 0", lambda n: n + 1 if n < HIGHEST else 0),
        ("if n <= 9223372036854775806 { return n + 1 }; return 0", lambda n: n + 1 if n < HIGHEST else 0),
        ("if n > -9223372036854775807 - 1 { return n - 1 }; return 0", lambda n: n - 1 if n > LOWEST else 0),
        ("if n >= -9223372036854775807 { return n - 1 }; return 0", lambda n: n - 1 if n > LOWEST else 0),
        ("return n > 0 && n - 1 > 0", lambda n: n > 0 and n - 1 > 0),
        ("return n <= 0 || n - 1 > 0", lambda n: n <= 0 or n - 1 > 0),
        ("if n > 0 { if n < 9 { return n + 1 } }; return 0", lambda n: n + 1 if 0 < n < 9 else 0),
    ],
)
def test_what_a_condition_shows_to_stay_within_64_bits_is_not_tested(body: str, expected: Any) -> None:
    text = of_all_ends(body)
    assert "$wrap" not in lowered(text)
    assert tengo(text).result == [expected(n) for n in VALUES]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if n < 2 { return n - 2 }; return n + 2", lambda n: n - 2 if n < 2 else n + 2),
        ("if n > 0 { return n + 1 }; return n - 1", lambda n: n + 1 if n > 0 else n - 1),
        ("if n > 0 || n < 5 { return n + 1 }; return 0", lambda n: n + 1),
        ("if n != 2 { return n + 1 }; return 0", lambda n: n + 1 if n != 2 else 0),
        ("if n > 0 { }; return n - 1", lambda n: n - 1),
        ("for n > 2 { break }; return n - 1", lambda n: n - 1),
        ("if n > 0 { n = -9223372036854775807 - 1; return n - 1 }; return 0", lambda n: LOWEST - 1 if n > 0 else 0),
        ("if n < -9223372036854775807 { return 0 }; return n - 2", lambda n: 0 if n == LOWEST else n - 2),
        ("if n > 9223372036854775806 { return 0 }; return n + 2", lambda n: 0 if n == HIGHEST else n + 2),
        ("if n > 0 { g := func() { return n - 1 }; n = -9223372036854775807 - 1; return g() }; return 0",
         lambda n: LOWEST - 1 if n > 0 else 0),
        ("return n > 0 ? n + 1 : n - 1", lambda n: n + 1 if n > 0 else n - 1),
        ("return -n", lambda n: -n),
        ("if n < 9223372036854775807 { return n + 2 }; return 0", lambda n: n + 2 if n < HIGHEST else 0),
        ("if n <= 9223372036854775806 { return n + 2 }; return 0", lambda n: n + 2 if n < HIGHEST else 0),
        ("if n > -9223372036854775807 - 1 { return n - 2 }; return 0", lambda n: n - 2 if n > LOWEST else 0),
        ("if n >= -9223372036854775807 { return n - 2 }; return 0", lambda n: n - 2 if n > LOWEST else 0),
    ],
)  # fmt: skip
def test_what_may_leave_64_bits_wraps(body: str, expected: Any) -> None:
    text = of_all_ends(body)
    assert "$wrap" in lowered(text)
    assert tengo(text).result == [wrapped(expected(n)) for n in VALUES]


def test_a_function_that_sees_other_values_than_ints_is_shown_nothing() -> None:
    text = "f := func(n) { if n < 2 { return 0 }; return n - 2 }\nresult := [f(5), f(9223372036854775807), f(2.5)]"
    assert "$wrap" in lowered(text)
    assert tengo(text).result == [3, HIGHEST - 2, 0.5]


def test_a_variable_that_a_closure_may_find_changed_is_shown_nothing_in_it() -> None:
    text = """
kept := []
for turn := 0; turn < 2; turn++ {
    n := turn == 0 ? 5 : -9223372036854775807 - 1
    if n > 0 { kept = append(kept, func() { return n - 1 }) }
}
result := kept[0]()
"""
    assert tengo(text).result == HIGHEST


@pytest.mark.parametrize("expression", ["n / 3", "n % 3", "(n + 1) / 2", "(n * 2) % 7"])
def test_what_is_not_negative_is_divided_as_python_does(expression: str) -> None:
    text = f"f := func(n) {{ if n < 0 || n > 1000 {{ return 0 }}; return {expression} }}\nresult := [f(0), f(7), f(1000), f(-7)]"
    tree = lowered(text)
    assert "$div" not in tree
    assert "$rem" not in tree
    python = expression.replace("/", "//")
    assert tengo(text).result == [*(eval(python, {"n": n}) for n in (0, 7, 1000)), 0]


def test_what_may_be_negative_is_divided_towards_nought() -> None:
    text = "f := func(n) { if n > 5 { return 0 }; return [n / 2, n % 2] }\nresult := [f(5), f(-7), f(-1)]"
    assert tengo(text).result == [[2, 1], [-3, -1], [0, -1]]
