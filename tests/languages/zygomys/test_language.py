"""Beyond what conformance scripts can say: warnings, helpers, functions of the module, and that runs leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from scripting.sandbox.languages.factory import EngineFactory
from tests.languages.zygomys.harness import zygomys


def test_a_name_that_nothing_defines_is_warned_of_where_it_stands() -> None:
    [warning] = zygomys("(def a 1)\n(cond false (+ a  strange) a)").warnings
    assert (warning.line, warning.column, warning.end_column) == (2, 19, 26)
    assert '"strange"' in warning.message


def test_keys_functions_and_context_are_no_strange_names() -> None:
    assert zygomys("(defn f [h] (:health h (g)))\n(defn g [] topic)\n[(f (hash)) now]").warnings == []


def test_a_functions_name_is_known_before_its_definition() -> None:
    ran = zygomys("(defn a [] (b))\n(defn b [] 7)\n(a)")
    assert (ran.result, ran.warnings) == (7, [])


def test_a_helper_shows_its_capital_names_alone() -> None:
    helper = {"dice": "(def sides 6)\n(def Sides sides)\n(defn Roll [n] (* n sides))"}
    assert zygomys('(import dice "shared/dice")\n[(dice.Roll 2) dice.Sides]', helpers=helper).result == [12, 6]
    fault = zygomys('(import dice "shared/dice")\n(+ 1 dice.sides)', helpers=helper).fault
    assert fault is not None
    assert "private member 'sides'" in fault.message
    assert zygomys('(import "shared/dice")\ndice.Sides', helpers=helper).result == 6


def test_an_error_in_a_helper_names_the_helper() -> None:
    fault = zygomys('(import d "shared/dice")\n(d.Roll "x")', helpers={"dice": "(defn Roll [n]\n  (* n 6))"}).fault
    assert fault is not None
    assert (fault.script, fault.line) == ("shared/dice", 2)


def test_functions_of_the_module_get_plain_data() -> None:
    given: list[Any] = []

    def hit(*values: Any) -> Any:
        given.extend(values)
        return {"points": 3}

    ran = zygomys("(:points (hit %name (hash a:[1 'c']) (list 1 2) nil))", functions={"hit": hit})
    assert ran.result == 3
    assert given == ["name", {"a": [1, "c"]}, [1, 2], None]


def test_a_function_is_not_handed_out() -> None:
    fault = zygomys("(hit (fn [x] x))", functions={"hit": lambda *_: None}).fault
    assert fault is not None
    assert "hit()[0] is a function" in fault.message


@pytest.mark.parametrize("text", ["(gensym)", '(str (gensym "x"))', "(random)", "(str (now))"])
def test_the_same_seed_and_clock_give_the_same(text: str) -> None:
    assert zygomys(text, seed=5).result == zygomys(text, seed=5).result


def test_quoted_data_is_fresh_in_each_call() -> None:
    assert zygomys("(defn f [] (let [a %[1 2]] (aset a 0 (+ (aget a 0) 1)) a))\n(f)\n(f)").result == [2, 2]


def test_editors_are_told_of_functions_and_forms() -> None:
    described = EngineFactory().engine("zygomys").described()
    assert described is not None
    signatures = {entry["name"]: entry["signature"] for entry in described["builtins"]}
    assert signatures["letseq"].startswith("(letseq [name value …]")
    assert signatures["hget"] == "(hget hash key default)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(defn f [] (def a 1) (for [(def i 0) (< i 3) (++ i)] (def a (+ a i))) a)\n(f)", 1),
        ("(def x 1)\n(defn g [] (cond (== x 1) (def x 5) nil) x)\n[(g) x]", [5, 1]),
        ("(defn f [n] (cond (== n 0) %done (begin (def seen n) (f (- n 1)))))\n(f 3)", "done"),
        ("(def fs [])\n(defn mk [n] (cond (== n 0) 0 (let [k n] (set fs (append fs (fn [] k))) (mk (- n 1)))))\n(mk 3)\n(map (fn [f] (f)) fs)", [3, 2, 1]),
        ("(defn f [x] (let [y (cond (> x 0) (let [z (* x 2)] (+ z 1)) 0)] [x y]))\n[(f 1) (f 0)]", [[1, 3], [0, 0]]),
        ("(def l [])\n(+ (begin (set l (append l 1)) 1) (cond true (begin (set l (append l 2)) 2) 3))\nl", [1, 2]),
        ("{ n := 0; for i := 0; i < 10; i++ { if i mod 2 == 0 { continue }; if i > 6 { break }; n += i }; n }", 9),
    ],
)  # fmt: skip
def test_scopes_and_statements_inside_expressions(text: str, expected: Any) -> None:
    ran = zygomys(text)
    assert (ran.fault, ran.result) == (None, expected)
