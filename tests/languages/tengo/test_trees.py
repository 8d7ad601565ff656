"""An int that meets a float is one of 64 bits by then, in every tree of + - * and whatever is known of its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.languages.tengo.harness import Ran, prepared, tengo
from tests.languages.tengo.test_ranges import HIGHEST, LOWEST, lowered, wrapped

INTS = HIGHEST, LOWEST, HIGHEST - 1, 1 << 40, 5, 1, 0, -3
FLOATS = 2.5, -2.5, 1e-10, 0.5, 1.0, 9223372036854775808.0, 3, -1


def w(value: Any) -> Any:
    """An int as it is in 64 bits."""
    return wrapped(value) if type(value) is int else value


BODIES: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("return (i + 1) * k", lambda i, k: w(w(i + 1) * k)),
    ("return k * (1 + i)", lambda i, k: w(k * w(1 + i))),
    ("return (i - 2) * k", lambda i, k: w(w(i - 2) * k)),
    ("return (-3 - i) * k", lambda i, k: w(w(-3 - i) * k)),
    ("return -i * k", lambda i, k: w(w(-i) * k)),
    ("return k - -i", lambda i, k: w(k - w(-i))),
    ("return i * 2 + k", lambda i, k: w(w(i * 2) + k)),
    ("return k + i * i", lambda i, k: w(k + w(i * i))),
    ("return k - i * 3", lambda i, k: w(k - w(i * 3))),
    ("return (i + i + i) * k + i", lambda i, k: w(w(w(i * 3) * k) + i)),
    ("return i + (i * 2 + k)", lambda i, k: w(i + w(w(i * 2) + k))),
    ("return (i + 1) * (k * 2)", lambda i, k: w(w(i + 1) * w(k * 2))),
    ("return i * i * 2.5", lambda i, k: w(i * i) * 2.5),
    ("return 0.5 * (i + 1)", lambda i, k: 0.5 * w(i + 1)),
    ("return (i + 1) / 2.5", lambda i, k: w(i + 1) / 2.5),
    ("return (i + 1) * k > 7", lambda i, k: w(w(i + 1) * k) > 7),
    ("return i + 1 < k", lambda i, k: w(i + 1) < k if type(k) is int else float(w(i + 1)) < k),
    ("return i + 1 == k", lambda i, k: w(i + 1) == k if type(k) is int else float(w(i + 1)) == k),
    ("return i * k > 0 ? (i + 1) * k : (i - 1) * k", lambda i, k: w(w(i + 1 if w(i * k) > 0 else i - 1) * k)),
    ("return (i > 0 ? i + 1 : i - 1) * k", lambda i, k: w(w(i + 1 if i > 0 else i - 1) * k)),
    ("k += i + 1; return k", lambda i, k: w(k + w(i + 1))),
    ("k *= i + 1; return k", lambda i, k: w(k * w(i + 1))),
    ("k -= i * 2; return k", lambda i, k: w(k - w(i * 2))),
    ("if (i + 1) * k > 0 { return 1 }; return 2", lambda i, k: 1 if w(w(i + 1) * k) > 0 else 2),
    ("g := func(x, y) { return (x + 1) * y }; return [g(i, k), g(k, i)]",
     lambda i, k: [w(w(i + 1) * k), w(w(k + 1) * i)]),
    ("return [(i + 1) * k][0] + len([i])", lambda i, k: w(w(w(i + 1) * k) + 1)),
]  # fmt: skip


def _parameters(body: str, i: str, k: str) -> str:
    """Each is an int here and a float there."""
    return f"f := func(i, k) {{ {body} }}\nf(1.5, 2.5)\nf(2, 3)\nresult := f({i}, {k})"


def _one_kind(body: str, i: str, k: str) -> str:
    return f"f := func(i, k) {{ {body} }}\nresult := f({i}, {k})"


def _parts(body: str) -> str:
    body = re.sub(r"\b([ik])\b", r"m.\1", body)
    return f"result := func() {{ {body} }}()"


def _variables(body: str) -> str:
    return f"result := func() {{ i := m.i; k := m.k\n{body} }}()"


of_every_body = pytest.mark.parametrize(("body", "expected"), BODIES, ids=[body for body, _ in BODIES])
Expected = Callable[[Any, Any], Any]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("way", [_parameters, _one_kind])
@of_every_body
def test_an_int_has_wrapped_when_it_meets_a_float(
    way: Callable[[str, str, str], str], body: str, expected: Expected
) -> None:
    for i, k in product(INTS, FLOATS):
        text = way(body, str(i) if i > LOWEST else f"({LOWEST + 1} - 1)", str(k))
        assert_is(tengo(text), expected(i, k), text)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("way", [_parts, _variables])
@of_every_body
def test_an_int_of_which_nothing_is_known_has_wrapped_too(
    way: Callable[[str], str], body: str, expected: Expected
) -> None:
    run = prepared("tengo", way(body))
    for i, k in product(INTS, FLOATS):
        assert_is(run({"m": {"i": i, "k": k}}), expected(i, k), (way(body), i, k))


def assert_is(ran: Ran, expected: Any, told: object) -> None:
    assert ran.fault is None, (told, ran.fault)
    assert (ran.result, type(ran.result)) == (expected, type(expected)), told


def test_numbers_of_1_and_more_are_counted_with_in_one_go() -> None:
    """As in the formula of most rules: no part of it has a test of its own."""
    tree = lowered("total := 0\nfor unit in units { total += unit.attack * 2 + unit.health }\nresult := total")
    assert re.search(r"total \+ \(\$t\d+ \* 2 \+ \$t\d+\)\)+ < 1073741823", tree), tree


@pytest.mark.parametrize("health", [True, "much", None, [1]])
def test_what_is_no_number_is_refused_in_such_a_formula(health: Any) -> None:
    text = "total := 0.5\ntotal += unit.attack * 2 + unit.health\nresult := total"
    for attack in (2, 2.5, 0, -1, 1 << 62):
        ran = tengo(text, {"unit": {"attack": attack, "health": health}})
        assert ran.fault is not None
        assert ran.fault.message.startswith("invalid operation")
