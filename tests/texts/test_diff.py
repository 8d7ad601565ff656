"""Two texts side by side: the rows that the diff shows."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from scripting.texts.diff import difference

LINES = st.lists(st.sampled_from(["a", "b", "c", "x = 1", "x = 2", ""]), max_size=25)


@given(LINES, LINES)
def test_the_rows_tell_how_one_text_becomes_the_other(old: list[str], new: list[str]) -> None:
    found = difference("\n".join(old), "\n".join(new))
    before, after = "\n".join(old).splitlines(), "\n".join(new).splitlines()
    for row in found.rows:
        text = "".join(piece.text for piece in row.pieces)
        if row.old is not None:
            assert before[row.old - 1] == text
        if row.new is not None:
            assert after[row.new - 1] == text
    assert sum(row.kind == "gone" for row in found.rows) == found.removed
    assert sum(row.kind == "new" for row in found.rows) == found.added
    assert len(before) - found.removed == len(after) - found.added
    assert found.is_empty == (before == after)


def test_what_changed_within_a_line_is_marked() -> None:
    found = difference("CHANCE = 0.10\n", "CHANCE = 0.90\n")
    marked = [[piece.text for piece in row.pieces if piece.changed] for row in found.rows]
    assert marked == [["1"], ["9"]]


def test_texts_made_to_be_slow_are_told_apart_in_bounded_time() -> None:
    old = "\n".join(f"line {number % 100}" for number in range(20_000))
    new = "\n".join(f"line {(number * 7 + 3) % 100}" for number in range(20_000))
    begun = time.perf_counter()
    found = difference(old, new)
    assert time.perf_counter() - begun < 5
    assert (found.removed, found.added) == (20_000, 20_000)


def test_far_unchanged_lines_are_counted_not_shown() -> None:
    lines = [f"line {number}" for number in range(100)]
    found = difference("\n".join(lines), "\n".join([*lines[:50], "new", *lines[50:]]))
    assert [row.pieces[0].text for row in found.rows if row.kind == "gap"] == [
        "47 unchanged lines",
        "47 unchanged lines",
    ]
