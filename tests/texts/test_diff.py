"""Two texts side by side: the rows that the diff shows."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripting.texts.diff import difference, unified
from scripting.texts.lines import lines_of

LINES = st.lists(
    st.sampled_from(["a", "b", "c", "x = 1", "x = 2", "", "\f", "\u2028x", "\x85", "a\rb", "c\r"]), max_size=25
)


@given(LINES, LINES)
def test_the_rows_tell_how_one_text_becomes_the_other(old: list[str], new: list[str]) -> None:
    found = difference("\n".join(old), "\n".join(new))
    before, after = (lines_of("\n".join(side).replace("\r\n", "\n")) for side in (old, new))
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


@pytest.mark.slow
def test_texts_made_to_be_slow_are_told_apart_in_bounded_time() -> None:
    old = "\n".join(f"line {number % 100}" for number in range(20_000))
    new = "\n".join(f"line {(number * 7 + 3) % 100}" for number in range(20_000))
    begun = time.process_time()
    found = difference(old, new)
    assert time.process_time() - begun < 5
    assert (found.removed, found.added) == (20_000, 20_000)


def test_far_unchanged_lines_are_counted_not_shown() -> None:
    lines = [f"line {number}" for number in range(100)]
    found = difference("\n".join(lines), "\n".join([*lines[:50], "new", *lines[50:]]))
    assert [row.pieces[0].text for row in found.rows if row.kind == "gap"] == [
        "47 unchanged lines",
        "47 unchanged lines",
    ]


@pytest.mark.parametrize("odd", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_diff_numbers_lines_as_the_editor_does_whatever_a_line_holds(odd: str) -> None:
    old, new = f'a = "{odd}"\nb = 1\n', f'a = "{odd}"\nb = 2\n'
    assert [(row.old, row.new) for row in difference(old, new).rows if row.kind != "same"] == [(2, None), (None, 2)]
    assert "@@ -1,2 +1,2 @@" in unified(old, new, "v1", "v2")


TEXT = "a = 1\nb = 2\nc = 3\n"
WINDOWS = TEXT.replace("\n", "\r\n")


def test_a_text_with_the_line_ends_of_windows_differs_in_nothing_but_these_and_that_is_told() -> None:
    found = difference(TEXT, WINDOWS)
    assert (found.is_empty, found.ends) == (True, "line ends differ: LF before, CRLF (Windows) after")
    assert unified(TEXT, WINDOWS, "v1", "v2") == f"\\ {found.ends}; nothing else"
    assert difference(TEXT, TEXT).ends == difference(WINDOWS, WINDOWS).ends == ""


def test_a_line_that_changed_with_the_line_ends_is_the_only_one_that_is_shown_as_changed() -> None:
    found = difference(TEXT, WINDOWS.replace("2", "5"))
    assert (found.added, found.removed, bool(found.ends)) == (1, 1, True)
    assert [[piece.text for piece in row.pieces if piece.changed] for row in found.rows if row.kind != "same"] == [
        ["2"],
        ["5"],
    ]
    assert unified(TEXT, WINDOWS.replace("2", "5"), "v1", "v2").splitlines()[2:] == [
        "@@ -1,3 +1,3 @@",
        " a = 1",
        "-b = 2",
        "+b = 5",
        " c = 3",
        "\\ line ends differ: LF before, CRLF (Windows) after",
    ]


def test_line_ends_that_are_mixed_and_one_that_is_missing_at_the_end_are_told() -> None:
    mixed = "a = 1\r\nb = 2\nc = 3\n"
    assert difference(TEXT, mixed).ends == "line ends differ: LF before, LF and CRLF after"
    assert "on both sides" in difference(mixed, "a = 1\nb = 2\r\nc = 3\n").ends
    assert difference(TEXT, TEXT[:-1]).ends == "the last line ends with a line feed before alone"
    assert difference("", TEXT).ends == ""
