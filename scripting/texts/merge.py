"""Three-way merge of texts by lines, with conflicts marked as git marks them.

Our own, on difflib: the merge library there is (merge3) is under the GPL, which would bind this whole project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripting.texts.diff import opcodes

MINE, BASE, THEIRS = "<<<<<<<", "|||||||", ">>>>>>>"
MIDDLE = "======="


@dataclass(frozen=True)
class Conflict:
    """A place that both changed differently. `line` is that of its first marker in the merged text, 1-based."""

    line: int
    base: str
    theirs: str
    mine: str


@dataclass(frozen=True)
class Merge:
    """Three texts and what they come to together."""

    base: str
    theirs: str
    mine: str
    merged: str
    """With the markers of its conflicts, so that it cannot pass for finished: no language compiles it."""
    conflicts: tuple[Conflict, ...]

    @property
    def is_clean(self) -> bool:
        return not self.conflicts


@dataclass(frozen=True)
class _Region:
    """Lines of the three texts that belong together."""

    base: list[str]
    theirs: list[str]
    mine: list[str]

    def agreed(self) -> list[str] | None:
        """The merged lines; None when both sides changed them differently."""
        if self.mine == self.base or self.mine == self.theirs:
            return self.theirs
        return self.mine if self.theirs == self.base else None


def merge(base: str, theirs: str, mine: str, *, theirs_label: str = "active", mine_label: str = "yours") -> Merge:
    """Both sets of changes since `base` in one text. The labels stand behind the markers of conflicts."""
    out: list[str] = []
    conflicts = []
    for region in _regions(_lines(base), _lines(theirs), _lines(mine)):
        agreed = region.agreed()
        if agreed is not None:
            out += agreed
            continue
        conflicts.append(Conflict(len(out) + 1, "".join(region.base), "".join(region.theirs), "".join(region.mine)))
        out += [f"{MINE} {mine_label}\n", *_ended(region.mine), f"{BASE} base\n", *_ended(region.base)]
        out += [f"{MIDDLE}\n", *_ended(region.theirs), f"{THEIRS} {theirs_label}\n"]
    return Merge(base, theirs, mine, "".join(out), tuple(conflicts))


def _lines(text: str) -> list[str]:
    """Lines with their ends; only the newline ends one, as in editors."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _ended(lines: Sequence[str]) -> list[str]:
    return [line if line.endswith("\n") else line + "\n" for line in lines]


def _regions(base: list[str], theirs: list[str], mine: list[str]) -> Iterator[_Region]:
    """The texts cut up at the lines that all three share: by turns what differs somewhere, and what is common."""
    at_base = at_theirs = at_mine = 0
    for start, in_theirs, in_mine, length in _common(base, theirs, mine):
        yield _Region(base[at_base:start], theirs[at_theirs:in_theirs], mine[at_mine:in_mine])
        common = base[start : start + length]
        yield _Region(common, common, common)
        at_base, at_theirs, at_mine = start + length, in_theirs + length, in_mine + length
    yield _Region(base[at_base:], theirs[at_theirs:], mine[at_mine:])


def _common(base: list[str], theirs: list[str], mine: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """(place in base, in theirs, in mine, length) of each run of lines that both sides kept, in order."""
    kept = [_kept(base, side) for side in (theirs, mine)]
    i = j = 0
    while i < len(kept[0]) and j < len(kept[1]):
        (a, a_end, in_theirs), (b, b_end, in_mine) = kept[0][i], kept[1][j]
        start, end = max(a, b), min(a_end, b_end)
        if start < end:
            yield start, in_theirs + start - a, in_mine + start - b, end - start
        if a_end < b_end:
            i += 1
        else:
            j += 1


def _kept(base: list[str], side: list[str]) -> list[tuple[int, int, int]]:
    """(start in base, end in base, start in the side) of each run of lines that a side kept."""
    return [(i1, i2, j1) for tag, i1, i2, j1, _ in opcodes(base, side) if tag == "equal"]
