"""Three-way merge: what both changed, in one text; what they changed differently, marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scripting.texts.merge import merge

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "\n"]), max_size=8).map("".join)
BASE = "one\ntwo\nthree\nfour\nfive\n"


def test_changes_in_different_places_come_together() -> None:
    result = merge(BASE, BASE.replace("one", "ONE"), BASE.replace("five", "FIVE"))
    assert result.is_clean
    assert result.merged == "ONE\ntwo\nthree\nfour\nFIVE\n"


def test_a_line_that_both_changed_differently_is_marked_with_both_and_the_base() -> None:
    result = merge(
        BASE, BASE.replace("three", "theirs"), BASE.replace("three", "mine"), theirs_label="v2", mine_label="you"
    )
    assert result.merged == (
        "one\ntwo\n<<<<<<< you\nmine\n||||||| base\nthree\n=======\ntheirs\n>>>>>>> v2\nfour\nfive\n"
    )
    [conflict] = result.conflicts
    assert (conflict.line, conflict.base, conflict.theirs, conflict.mine) == (3, "three\n", "theirs\n", "mine\n")


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    assert merge(BASE, BASE.replace("three", "3"), BASE.replace("three", "3")).merged == BASE.replace("three", "3")


def test_a_deletion_against_a_change_is_a_conflict() -> None:
    assert len(merge(BASE, BASE.replace("three\n", ""), BASE.replace("three", "3")).conflicts) == 1


def test_texts_without_a_last_newline_keep_that() -> None:
    assert merge("a\nb", "a\nb", "A\nb").merged == "A\nb"


def test_form_feeds_and_other_odd_line_ends_are_part_of_their_line() -> None:
    assert merge("a\x0cb\r\n", "a\x0cb\r\n", "a\x0cb\r\nc\u2028d\n").merged == "a\x0cb\r\nc\u2028d\n"


@given(TEXTS, TEXTS)
def test_with_one_side_unchanged_the_other_side_is_the_result(base: str, changed: str) -> None:
    assert merge(base, base, changed).merged == changed
    assert merge(base, changed, base).merged == changed
    assert merge(base, changed, changed).merged == changed


@given(TEXTS, TEXTS, TEXTS)
def test_the_sides_are_treated_alike_and_nothing_that_one_wrote_is_lost(base: str, theirs: str, mine: str) -> None:
    result, mirrored = merge(base, theirs, mine), merge(base, mine, theirs)
    assert result.is_clean == mirrored.is_clean
    if result.is_clean:
        assert result.merged == mirrored.merged
    else:
        assert any(marker in result.merged for marker in ("<<<<<<< yours\n",))


def test_texts_made_to_be_slow_to_compare_are_merged_in_bounded_time() -> None:
    base = "\n".join(str(n % 2) for n in range(20_000))
    mine = "\n".join(str((n // 2) % 2) for n in range(20_000))
    merged = merge(base + "\n", base + "\n", mine + "\n")
    assert merged.merged == mine + "\n"
