"""Slices share the storage of their array, as the original's do: each value here is what the original gives."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.tengo import script_run
from tests.languages.tengo.harness import tengo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a := [1, 2, 3]; b := a[0:2]; b[0] = 9; result := [a, b]", [[9, 2, 3], [9, 2]]),
        ("a := [1, 2, 3]; b := a[1:]; a[1] = 9; result := [a, b]", [[1, 9, 3], [9, 3]]),
        ("a := [1, 2, 3, 4]; b := a[1:][1:]; b[0] = 9; result := [a, b, len(b), b[2], b[1]]", [[1, 2, 9, 4], [9, 4], 2, None, 4]),
        ("a := [1, 2, 3]; f := func(x) { x[0] = 9 }; f(a[2:]); result := a", [1, 2, 9]),
        ("a := {list: [1, 2, 3]}; b := a.list[:2]; b[1] = 9; result := a.list", [1, 9, 3]),
        ("a := [1, 2, 3]; b := immutable(a); a[0] = 9; c := b[1:]; c[0] = 8; result := [a, c]", [[9, 8, 3], [8, 3]]),
        ("a := [1, 2, 3]; s := 0; for x in a[:2] { s = s * 10 + x; a[1] = 7 }; result := s", 17),
        ("a := [1, 2, 3]; s := []; for i, x in a[1:] { s = append(s, [i, x]) }; a[0] = 0; result := s", [[0, 2], [1, 3]]),
        ("a := {}; a.x = [1, 2]; b := immutable(a); a.y = 3; result := [b.y, len(b)]", [3, 2]),
        ('e := import("enum"); a := [1, 2, 3]; c := e.chunk(a, 2); c[0][1] = 9; result := [a, is_array(c[0])]', [[1, 9, 3], True]),
    ],
)  # fmt: skip
def test_what_is_written_through_a_slice_is_in_its_array_and_the_reverse(text: str, expected: Any) -> None:
    ran = tengo(text)
    assert ran.fault is None, ran.fault
    assert ran.result == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a := [1, 2, 3, 4]; b := append(a[:2], 9); result := [a, b]", [[1, 2, 9, 4], [1, 2, 9]]),
        ("a := [1, 2, 3, 4]; b := append(a[:2], 7, 8); b[0] = 5; result := [a, b]", [[5, 2, 7, 8], [5, 2, 7, 8]]),
        ("a := [1, 2, 3, 4]; b := append(a[:3], 7, 8); b[0] = 5; result := [a, b]", [[1, 2, 3, 4], [5, 2, 3, 7, 8]]),
        ("a := [1, 2, 3, 4]; b := append(a[:0], [7]...); result := a", [7, 2, 3, 4]),
        ("a := [1, 2, 3, 4]; b := a[:2] + [9]; result := [a, b + []]", [[1, 2, 9, 4], [1, 2, 9]]),
        ("a := [1, 2, 3, 4]; b := a[:1]; b += [9]; result := a", [1, 9, 3, 4]),
        ("a := [1, 2, 3, 4]; grow := append; grow(a[:2], 9); result := a", [1, 2, 9, 4]),
        ("a := [1, 2, 3, 4]; b := a[1:3]; d := splice(b, 0, 1, 7, 8); result := [a, b, d]", [[1, 7, 8, 3], [7, 8, 3], [2]]),
    ],
)  # fmt: skip
def test_a_slice_grows_into_its_array_as_long_as_that_reaches(text: str, expected: Any) -> None:
    ran = tengo(text)
    assert ran.fault is None, ran.fault
    assert ran.result == expected


def test_a_slice_is_an_array_to_everything_else() -> None:
    text = """
json := import("json")
words := import("text")
count := func(...all) { return len(all) }
a := ["x", "y", "z"]
b := a[:2]
a[0] = "w"
result := [type_name(b), is_array(b), is_immutable_array(immutable(b)), string(b), b == ["w", "y"], ["w", "y"] == b, !a[:0],
    string(json.encode(b)), words.join(b, "+"), count(b...), copy(b), freeze(b) == b, b + a[2:]]
"""
    assert tengo(text).result == [
        "array", True, True, '["w", "y"]', True, True, True, '["w","y"]', "w+y", 2, ["w", "y"], True, ["w", "y", "z"],
    ]  # fmt: skip


def test_a_helper_writes_through_the_slice_that_it_is_given() -> None:
    helpers = {"mark": "export func(part) { part[0] = 9 }"}
    assert tengo('mark := import("shared/mark"); a := [1, 2]; mark(a[1:]); result := a', helpers=helpers).result == [
        1,
        9,
    ]


def test_a_text_that_cannot_tell_takes_copies_of_plain_lists() -> None:
    text = "a := [3, 1, 2]\nb := a[1:]\nc := []\nfor x in b { c = append(c, x) }\nresult := b"
    assert script_run("tengo", text, {})() == [1, 2]
    shared = "a := [3, 1, 2]\nb := a[1:]\na[1] = 7\nresult := b"
    assert script_run("tengo", shared, {})() == [7, 2]
