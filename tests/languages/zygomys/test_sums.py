"""An int that meets a float is one of 64 bits by then, in every sum and product and whatever is known of its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.languages.tengo.test_trees import FLOATS, INTS, w
from tests.languages.zygomys.harness import zygomys

SUMS: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("(* (+ i 1) k)", lambda i, k: w(w(i + 1) * k)),
    ("(* k (+ 1 i))", lambda i, k: w(k * w(1 + i))),
    ("(* (- i 2) k)", lambda i, k: w(w(i - 2) * k)),
    ("(+ (* i i) k)", lambda i, k: w(w(i * i) + k)),
    ("(- k (* i 3))", lambda i, k: w(k - w(i * 3))),
    ("(+ i i i k i)", lambda i, k: w(w(w(i * 3) + k) + i)),
    ("(* i i k)", lambda i, k: w(w(i * i) * k)),
    ("(+ i (+ (* i 2) k))", lambda i, k: w(i + w(w(i * 2) + k))),
    ("(* (+ i 1) 2.5)", lambda i, k: w(i + 1) * 2.5),
    ("(* (+ i 1) (* k 2))", lambda i, k: w(w(i + 1) * w(k * 2))),
]
WAYS = {
    "nothing is known": "(defn f [h] (def i (:i h)) (def k (:k h)) {sum})\n(f (hash i:{i} k:{k}))",
    "ints and floats": "(defn f [i k] {sum})\n(f 1.5 2)\n(f 2 1.5)\n(f {i} {k})",
    "one kind each": "(def i {i})\n(def k {k})\n{sum}",
}


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("text", "expected"), SUMS, ids=[text for text, _ in SUMS])
def test_an_int_has_wrapped_when_it_meets_a_float(way: str, text: str, expected: Callable[[Any, Any], Any]) -> None:
    for i in INTS:
        for k in FLOATS:
            script = WAYS[way].format(sum=text, i=i, k=f"{k:.11f}" if type(k) is float else k)
            ran = zygomys(script)
            assert ran.fault is None, (script, ran.fault)
            assert (ran.result, type(ran.result)) == (expected(i, k), type(expected(i, k))), script


@pytest.mark.parametrize("health", ['"much"', "true", "nil", "[1]"])
def test_what_is_no_number_is_refused_in_a_sum_of_many(health: str) -> None:
    for attack in ("2", "2.5", "0", "-1", "4611686018427387904"):
        ran = zygomys(f"(def unit (hash attack:{attack} health:{health}))\n(+ 3 (* (:attack unit) 2) (:health unit))")
        assert ran.fault is not None
