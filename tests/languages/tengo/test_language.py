"""Tengo scripts have this from the runner that all languages share: check, positions, helpers, host functions, seed, clock."""

from __future__ import annotations

from typing import Any

import pytest

from scripting.sandbox.languages.tengo.engine import TengoEngine
from scripting.sandbox.languages.tengo.runtime.containers import append_if_same
from tests.languages.tengo.harness import Ran, tengo


def test_a_result_lost_in_an_inner_block_is_warned_of_with_its_line_and_what_to_write() -> None:
    ran = tengo("hit := true\nif hit {\n    result := {hit: true}\n}\n")
    (warning,) = ran.warnings
    assert (warning.line, warning.column) == (3, 5)
    assert "lost" in warning.message
    assert "result := undefined" in warning.hint
    assert ran.result is None


def test_a_result_declared_above_the_block_is_kept() -> None:
    ran = tengo("result := undefined\nif true { result = 5 }\n")
    assert (ran.result, ran.warnings) == (5, [])


def test_a_result_of_a_function_is_its_own() -> None:
    ran = tengo("f := func() { result := 3; return result }\nresult := f()\n")
    assert (ran.result, ran.warnings) == (3, [])


def test_a_name_that_nothing_defines_is_a_warning_with_its_place() -> None:
    (warning,) = tengo("result := 1 + helth").warnings
    assert (warning.line, warning.column, warning.end_column) == (1, 15, 20)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a := 5\nb := a +\n  "x"', (2, 6)),
        ("m := {}\nm.x.y = 1", (2, 1)),
        ("f := func(a) {\n  return a.b()\n}\nf({})", (2, 10)),
        ('x := "é" + (1 - "a")', (1, 12)),
        ("a := 1\nfor v in 5 { }", (2, 1)),
        ("a := [1]\na[5] = 2", (2, 1)),
        ("-true", (1, 2)),
    ],
)
def test_an_error_points_at_line_and_column_of_the_tengo_text(text: str, place: tuple[int, int]) -> None:
    fault = tengo(text).fault
    assert fault is not None
    assert (fault.line, fault.column) == place
    assert fault.excerpt == text.split("\n")[place[0] - 1]


def test_an_error_in_a_helper_names_the_helper() -> None:
    ran = tengo(
        'dice := import("shared/dice")\nresult := dice.roll({})',
        helpers={"dice": "export {\n  roll: func(x) { return x + 1 }\n}"},
    )
    assert ran.fault is not None
    assert (ran.fault.script, ran.fault.line, ran.fault.column) == ("shared/dice", 2, 26)


def test_a_helper_gives_what_it_exports_and_cannot_be_changed() -> None:
    helpers = {
        "rules": 'math := import("math")\nlimit := 10\nexport {limit: limit, capped: func(x) { return int(math.min(x, limit)) }}'
    }
    assert tengo(
        'rules := import("shared/rules")\nresult := [rules.capped(50), rules.limit]', helpers=helpers
    ).result == [10, 10]
    fault = tengo('rules := import("shared/rules")\nrules.limit = 5', helpers=helpers).fault
    assert fault is not None
    assert "not index-assignable: immutable-map" in fault.message


def test_a_helper_that_is_not_there_is_not_found() -> None:
    fault = tengo('rules := import("shared/rules")').fault
    assert fault is not None
    assert (fault.type.value, fault.line, fault.column) == ("not_found", 1, 10)


def test_functions_of_the_module_take_plain_data_and_give_it() -> None:
    seen: list[Any] = []

    def record(*arguments: Any) -> Any:
        seen.extend(arguments)
        return {"ok": True, "none": None}

    text = "answer := record('x', freeze({a: [1, undefined]}), error(\"no\"), 2.5)\nresult := [answer.ok, answer.none, type_name(record)]"
    assert tengo(text, functions={"record": record}).result == [True, None, "user-function:record"]
    assert seen == ["x", {"a": [1, None]}, {"error": "no"}, 2.5]


@pytest.mark.parametrize("name", ["rand", "now", "timestamp", "get_context"])
def test_a_function_of_every_run_is_named_as_scripts_name_it(name: str) -> None:
    assert _message(tengo(f"{name}(5)")) == f"wrong number of arguments in call to '{name}'"


def test_a_function_cannot_be_handed_to_the_module() -> None:
    fault = tengo("record({rule: func() {}})", functions={"record": print}).fault
    assert fault is not None
    assert "record()[0].rule is a function" in fault.message
    assert (fault.line, fault.column) == (1, 1)


def test_the_same_seed_draws_the_same_and_another_draws_anew() -> None:
    text = 'rand := import("rand")\nresult := [rand.intn(1000000), rand.float(), rand.perm(5), rand.norm_float()]'
    assert tengo(text, seed=4).result == tengo(text, seed=4).result
    assert tengo(text, seed=4).result != tengo(text, seed=5).result


def test_the_clock_of_the_run_stands_still() -> None:
    text = 'times := import("times")\nresult := [times.now(), now(), times.since(times.now()), timestamp(), times.time_year(now())]'
    moment = "2023-11-14T22:13:20Z"
    assert tengo(text).result == [moment, moment, 0, 1_700_000_000, 2023]


def test_times_in_other_zones_are_known_in_the_sandbox() -> None:
    text = 'times := import("times")\nresult := times.time_string(times.in_location(times.unix(1700000000, 5), "Pacific/Auckland"))'
    assert tengo(text).result == "2023-11-15 11:13:20.000000005 +1300 NZDT"


def test_context_variables_may_be_assigned_to() -> None:
    ran = tengo('topic = topic + "!"\nresult := topic', {"topic": "wargame.hit"})
    assert ran.result == "wargame.hit!"


def test_context_variables_of_python_names_are_no_builtins_here() -> None:
    assert tengo("result := [input, id]", {"input": 3, "id": 4}).result == [3, 4]
    assert _message(tengo("result := open")) == "unresolved reference 'open'"
    assert _message(tengo("result := list")) == "unresolved reference 'list'"


def test_arrays_from_the_context_are_mutable_and_null_is_undefined() -> None:
    ran = tengo("units[0].health -= 5\nresult := [units, is_undefined(none)]", {"units": [{"health": 7}], "none": None})
    assert ran.result == [[{"health": 2}], True]


def test_what_is_appended_to_a_variable_is_not_seen_through_another_name() -> None:
    ran = tengo("a := [1]\nb := a\na = append(a, 2)\na = append(a, 3)\nc := a\nc = append(c, 4)\nresult := [a, b, c]")
    assert ran.result == [[1, 2, 3], [1], [1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f := func() { xs = append(xs, 1); return 2 }; xs = append(xs, f())", [[2], 0]),
        ("f := func(k) { if k > 0 { xs = append(xs, f(k - 1)) }; return k }; xs = append(xs, f(2))", [[2], 0]),
        ("f := func() { xs = append(xs, func() { xs = append(xs, 1); return 2 }()); return 3 }; xs = append(xs, f())", [[3], 0]),
        ("f := func() { t = xs; xs = [7]; return 1 }; xs = append(xs, f())", [[1], []]),
        ("f := func() { t = xs; xs = [7]; return 1 }; xs = append(xs, true ? f() : 0); xs = append(xs, f())", [[1, 1], [1]]),
        ("f := func() { t = xs; return 1 }; xs = append(xs, f())", [[1], []]),
        ("f := func() { xs[0] = 5; return 1 }; xs = [0]; xs = append(xs, f())", [[5, 1], 0]),
        ("f := func() { return len(xs) }; xs = append(xs, f()); xs = append(xs, f())", [[0, 1], 0]),
    ],
)  # fmt: skip
def test_an_item_is_appended_to_what_the_variable_held_before_the_item_was_made(text: str, expected: list[Any]) -> None:
    assert tengo(f"xs := []; t := 0; {text}; result := [xs, t]").result == expected


def test_a_variable_that_functions_share_still_grows_in_place() -> None:
    """Else a loop that appends what it calls for would take the square of its time."""
    xs: list[int] = []
    before = xs

    def grow(item: int) -> None:
        nonlocal xs
        xs = append_if_same(xs, item, xs)

    grow(1)
    assert xs is not before
    del before
    place = id(xs)
    grow(2)
    assert (xs, id(xs)) == ([1, 2], place)


def test_every_name_that_editors_are_told_of_is_there() -> None:
    told = TengoEngine().described()
    lines = [f"x = {entry['name']}" for entry in told["builtins"]]
    for module, members in told["packages"].items():
        lines += [f'x = import("{module}").{entry["name"]}; if is_undefined(x) {{ missing += 1 }}' for entry in members]
    assert tengo("x := 0; missing := 0\n" + "\n".join(lines) + "\nresult := missing").result == 0


def _message(ran: Ran) -> str:
    assert ran.fault is not None
    return ran.fault.message
