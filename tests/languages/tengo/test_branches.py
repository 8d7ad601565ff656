"""`if` on parts of records: a branch that leaves or does next to nothing stands inside the quick way, and all is as in the general one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.languages.tengo.harness import tengo
from tests.languages.tengo.test_ranges import lowered

UNITS = [{"health": 3}, {"health": 0}, {}, {"health": True}, {"health": 2.5}, {"health": "much"}, {"health": 7}]


def counted(body: str, units: Any) -> Any:
    """The counters after a loop over the units, or its error with its place."""
    ran = tengo(f"n := 0\nlost := 0\nfor unit in units {{\n{body}\n}}\nresult := [n, lost]", {"units": units})
    return ran.result if ran.fault is None else (ran.fault.message, ran.fault.line, ran.fault.column)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if unit.health > 2 { n += unit.health } else { lost++ }", [10, 1]),
        ("if unit.health > 2 { n += unit.health }", [10, 0]),
        ("if unit.health <= 2 { lost++ } else { n += unit.health }", [10, 1]),
        ("if unit.health <= 2 { continue }\nn += unit.health", [10, 0]),
        ("if unit.health <= 2 { break }\nn += unit.health", [3, 0]),
        ("if unit.health > 2 { n += unit.health; if unit.health > 3 { lost = n * 2 } }", [10, 20]),
        ("if true { if unit.health > 2 { n += unit.health } else { lost++ } }", [10, 1]),
        ("if unit.health > 2 { n += unit.health } else { lost++ }\nn += 100", [310, 1]),
        ("if unit.health > 5 { break } else { n += unit.health }", [3, 0]),
        ("if unit.health <= 2 { lost++; continue } else { n += unit.health }\nlost += 10", [10, 21]),
    ],
)
def test_a_branch_that_is_short_is_taken_once(body: str, expected: list[int]) -> None:
    units = [{"health": 3}, {"health": 0}, {"health": 7}]
    assert counted(body, units) == expected


def test_no_name_holds_the_truth_of_a_condition_whose_branch_ends_the_turn() -> None:
    text = "n := 0\nm := 0\nfor unit in units { if unit.health > 2 { n += unit.health } else { m++ } }\nresult := n"
    assert "continue" in lowered(text)
    assert "= True" not in lowered(text)
    assert "= True" in lowered(text.replace("m++ }", "m++ }; n += 5"))


@pytest.mark.parametrize(
    "body",
    [
        "if unit.health > 2 { n++ } else { lost++ }",
        "if unit.health > 2 { n += unit.health } else { lost++ }",
        "if unit.health > 2 { continue }\nn++",
        "if !(unit.health > 2) { continue }\nn += unit.health",
        "if unit.health > 2 && unit.health < 5 { n += unit.health * 2 } else { lost++ }",
    ],
)
def test_a_part_that_is_no_number_ends_the_run_where_it_is_compared(body: str) -> None:
    for units, kind in ((UNITS[2:3], "undefined"), (UNITS[3:4], "bool"), (UNITS[5:6], "string")):
        message, line, column = counted(body, [*UNITS[:2], *units])
        assert (message, line) == (f"invalid operation: {kind} > int", 4)
        assert column == (5 if "!" in body else 4)


def test_what_a_condition_read_by_the_general_way_is_read_again() -> None:
    text = """
n := 0
lost := 0
for unit in [{value: 3}, error(50), {value: 1}] {
    if unit.value > 2 { n += unit.value * 2 } else { lost++ }
}
result := [n, lost]
"""
    assert tengo(text).result == [106, 1]


def test_a_loop_that_counts_by_itself_does_so_after_each_branch() -> None:
    text = """
n := 0
lost := 0
for i := 0; i < len(units); i++ {
    if units[i].health > 2 { n += units[i].health } else { lost++ }
}
for i := 0; i < len(units); i++ {
    if units[i].health <= 2 { continue }
    n += 100
}
result := [n, lost]
"""
    assert tengo(text, {"units": [{"health": 3}, {"health": 0}, {"health": 7}]}).result == [210, 1]


def test_what_a_loop_does_before_its_next_turn_is_done_once_where_it_fails() -> None:
    text = """
fmt := import("fmt")
next := func(i) { fmt.println("turn ", i); return [][i + undefined] }
for i := 0; true; i = next(i) {
    if unit.health > 2 { continue }
    result = i
}
"""
    ran = tengo(text, {"unit": {"health": 3}})
    assert ran.fault is not None
    assert ran.logs == ("turn 0",)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (3, 2), (2, 3), (2, 2), (2.5, 2), (2, 2.5), (2**53 + 1, 2.0**53), (2.0**53, 2**53 + 1), (2**62 + 1, 2.0**62),
        (float("inf"), float("inf")), (float("-inf"), float("inf")), (float("nan"), 1), (1, float("nan")), (2**62, float("inf")),
    ],
)  # fmt: skip
def test_numbers_of_two_records_are_ordered_as_go_orders_them(left: float, right: float, operator: str) -> None:
    text = f"a := 0\nfor unit in units {{ if unit.x {operator} unit.y {{ a = unit.x - unit.x + 1 }} }}\nresult := a"
    first, second = (left, right) if type(left) is type(right) else (float(left), float(right))
    expected = {"<": first < second, "<=": first <= second, ">": first > second, ">=": first >= second}[operator]
    ran = tengo(text, {"units": [{"x": left, "y": right}]})
    assert ran.fault is None
    assert (ran.result != 0) == expected


@pytest.mark.parametrize(("left", "right"), [([2], [1]), (True, 1), ("b", 2), (None, 1), (2, False)])
def test_what_go_does_not_order_is_refused_as_before(left: Any, right: Any) -> None:
    ran = tengo(
        "a := 0\nfor u in units { if u.x > u.y { a = u.x } }\nresult := a", {"units": [{"x": left, "y": right}]}
    )
    assert ran.fault is not None
    assert "invalid operation" in ran.fault.message
