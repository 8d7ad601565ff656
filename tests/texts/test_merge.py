"""Three-way merge: what both changed, in one text; what they changed differently is for a person to decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripting.texts.merge import BOTH, CHOICES, MINE, THEIRS, merge

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "\n"]), max_size=8).map("".join)
BASE = "one\ntwo\nthree\nfour\nfive\n"


def test_changes_in_different_places_come_together_and_are_told() -> None:
    result = merge(BASE, BASE.replace("one", "ONE"), BASE.replace("five", "FIVE"))
    assert result.is_clean
    assert result.decided([]) == "ONE\ntwo\nthree\nfour\nFIVE\n"
    assert result.in_words == (
        "Nothing was changed by both. 2 changes are in the text already: 1 of theirs, 1 of yours."
    )


def test_a_line_that_both_changed_differently_is_decided_as_mine_theirs_or_both() -> None:
    result = merge("zero\n" + BASE, BASE.replace("three", "theirs"), "zero\n" + BASE.replace("three", "mine"))
    [conflict] = result.conflicts
    sides = conflict.base, conflict.theirs, conflict.mine
    assert [(side.text, side.where, side.numbered) for side in sides] == [
        ("three\n", "line 4", [(4, "three")]),
        ("theirs\n", "line 3", [(3, "theirs")]),
        ("mine\n", "line 4", [(4, "mine")]),
    ]
    assert result.decided([THEIRS]) == BASE.replace("three", "theirs")
    assert result.decided([MINE]) == BASE.replace("three", "mine")
    assert result.decided([BOTH]) == BASE.replace("three", "theirs\nmine")
    assert result.in_words == "1 place was changed by both. 1 other change is in the text already: 1 of theirs."
    for undecided in ([], [MINE, MINE], ["neither"]):
        with pytest.raises(ValueError, match="places to decide: 1"):
            result.decided(undecided)


def test_both_of_two_last_lines_without_an_end_are_two_lines() -> None:
    assert merge("a\nb", "a\nc", "a\nd").decided([BOTH]) == "a\nc\nd"


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    result = merge(BASE, BASE.replace("three", "3"), BASE.replace("three", "3"))
    assert result.decided([]) == BASE.replace("three", "3")
    assert result.agreed == {BOTH: 1}


def test_a_deletion_against_a_change_is_a_conflict() -> None:
    [conflict] = merge(BASE, BASE.replace("three\n", ""), BASE.replace("three", "3")).conflicts
    assert (conflict.theirs.where, conflict.theirs.numbered) == ("no lines", [])
    assert [conflict.decided(choice) for choice in CHOICES] == ["3\n", "", "3\n"]


def test_texts_without_a_last_newline_keep_that() -> None:
    assert merge("a\nb", "a\nb", "A\nb").decided([]) == "A\nb"


def test_form_feeds_and_other_odd_line_ends_are_part_of_their_line() -> None:
    assert merge("a\x0cb\r\n", "a\x0cb\r\n", "a\x0cb\r\nc\u2028d\n").decided([]) == "a\x0cb\r\nc\u2028d\n"


@given(TEXTS, TEXTS)
def test_with_one_side_unchanged_the_other_side_is_the_result(base: str, changed: str) -> None:
    assert merge(base, base, changed).decided([]) == changed
    assert merge(base, changed, base).decided([]) == changed
    assert merge(base, changed, changed).decided([]) == changed


@pytest.mark.slow
@given(TEXTS, TEXTS, TEXTS)
def test_the_sides_are_treated_alike_and_nothing_that_one_wrote_is_lost(base: str, theirs: str, mine: str) -> None:
    result, mirrored = merge(base, theirs, mine), merge(base, mine, theirs)
    number = len(result.conflicts)
    assert len(mirrored.conflicts) == number
    assert result.decided([MINE] * number) == mirrored.decided([THEIRS] * number)
    both = result.decided([BOTH] * number).split("\n")
    for place in result.conflicts:
        assert set(place.theirs.text.split("\n")) | set(place.mine.text.split("\n")) <= set(both)


@given(TEXTS, TEXTS, TEXTS)
def test_no_decision_brings_a_line_that_nobody_wrote(base: str, theirs: str, mine: str) -> None:
    result = merge(base, theirs, mine)
    written = {line for text in (base, theirs, mine) for line in text.split("\n")}
    for choice in CHOICES:
        assert set(result.decided([choice] * len(result.conflicts)).split("\n")) <= written | {""}


def test_texts_made_to_be_slow_to_compare_are_merged_in_bounded_time() -> None:
    base = "\n".join(str(n % 2) for n in range(20_000))
    mine = "\n".join(str((n // 2) % 2) for n in range(20_000))
    merged = merge(base + "\n", base + "\n", mine + "\n")
    assert merged.decided([]) == mine + "\n"


def test_a_side_with_other_line_ends_changed_only_what_it_changed_and_its_line_ends_with_it() -> None:
    base = "a\nb\nc\nd\n"
    theirs, mine = base.replace("d", "D"), base.replace("a", "A")
    made = merge(base, theirs, mine.replace("\n", "\r\n"))
    assert (made.is_clean, made.decided(())) == (True, "A\r\nb\r\nc\r\nD\r\n")
    made = merge(base, theirs.replace("\n", "\r\n"), mine)
    assert (made.is_clean, made.decided(())) == (True, "A\r\nb\r\nc\r\nD\r\n"), "theirs alone changed the line ends"
    windows = base.replace("\n", "\r\n")
    assert merge(base, windows, base).decided(()) == merge(base, base, windows).decided(()) == windows
    assert merge(windows, base, windows).decided(()) == merge(windows, windows, base).decided(()) == base
