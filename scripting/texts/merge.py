"""Three-way merge of texts by lines. A place that both sides changed differently is for a person to decide: no text has marks of it.

Our own, on difflib: the merge library there is (merge3) is under the GPL, which would bind this whole project.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scripting.texts.diff import opcodes
from scripting.texts.lines import ends_of, with_ends

MINE, THEIRS, BOTH = "mine", "theirs", "both"
CHOICES = (MINE, THEIRS, BOTH)


@dataclass(frozen=True)
class Agreed:
    """A stretch of the merged text that nobody has to decide. `by`: who changed it; empty for what all three texts share."""

    text: str
    by: str = ""


@dataclass(frozen=True)
class Lines:
    """Lines of one of the texts; `first` is the number of the first one, or of the line that they would stand before."""

    text: str
    first: int

    @property
    def numbered(self) -> list[tuple[int, str]]:
        return list(enumerate(self.text.split("\n")[: self.count], self.first))

    @property
    def count(self) -> int:
        return len(_lines(self.text))

    @property
    def where(self) -> str:
        """`line 3`, `lines 3 to 5`, or `no lines` where they were removed."""
        if not self.text:
            return "no lines"
        return f"line {self.first}" if self.count == 1 else f"lines {self.first} to {self.first + self.count - 1}"


@dataclass(frozen=True)
class Conflict:
    """A place that both changed differently."""

    base: Lines
    theirs: Lines
    mine: Lines

    def decided(self, choice: str) -> str:
        """Its text once it is decided; `both` puts theirs first."""
        if choice == BOTH:
            return _ended(self.theirs.text) + self.mine.text
        return (self.theirs if choice == THEIRS else self.mine).text


@dataclass(frozen=True)
class Merge:
    """Three texts and what they come to together."""

    base: str
    theirs: str
    mine: str
    parts: tuple[Agreed | Conflict, ...]
    """In order, from the beginning of the text to its end."""

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return tuple(part for part in self.parts if isinstance(part, Conflict))

    @property
    def is_clean(self) -> bool:
        return not self.conflicts

    @property
    def agreed(self) -> Counter[str]:
        """How many places changed that nobody has to decide: by `theirs`, `mine`, `both`."""
        return Counter(part.by for part in self.parts if isinstance(part, Agreed) and part.by)

    def decided(self, choices: Sequence[str]) -> str:
        """The merged text, with one of CHOICES for each conflict in order. Raises ValueError when one is missing or unknown."""
        if len(choices) != len(self.conflicts) or not set(choices) <= set(CHOICES):
            raise ValueError(f"places to decide: {len(self.conflicts)}, each as one of {', '.join(CHOICES)}")
        left = iter(choices)
        return "".join(part.text if isinstance(part, Agreed) else part.decided(next(left)) for part in self.parts)

    def places(self, form: Mapping[str, str]) -> list[tuple[Conflict, str]]:
        """Each conflict with what the fields `place1`, `place2` … of a form say of it; empty where they say nothing."""
        return [(conflict, form.get(f"place{number}", "")) for number, conflict in enumerate(self.conflicts, 1)]

    @property
    def in_words(self) -> str:
        """`2 places were changed by both. 3 other changes are in the text already: 2 of theirs, 1 of yours.`"""
        whose = {THEIRS: "of theirs", MINE: "of yours", BOTH: "the same on both sides"}
        found = [f"{self.agreed[by]} {words}" for by, words in whose.items() if self.agreed[by]]
        number, clean = len(self.conflicts), self.agreed.total()
        first = (
            f"{number} place{' was' if number == 1 else 's were'} changed by both"
            if number
            else "Nothing was changed by both"
        )
        if not clean:
            return f"{first}."
        other = "other " if number else ""
        plural = " is" if clean == 1 else "s are"
        return f"{first}. {clean} {other}change{plural} in the text already: {', '.join(found)}."


@dataclass(frozen=True)
class _Region:
    """Lines of the three texts that belong together, and where each begins in its text (0-based)."""

    base: list[str]
    theirs: list[str]
    mine: list[str]
    at: tuple[int, int, int]

    def part(self) -> Agreed | Conflict:
        base, theirs, mine = ("".join(side) for side in (self.base, self.theirs, self.mine))
        if theirs == mine:
            return Agreed(mine, BOTH if mine != base else "")
        if mine == base:
            return Agreed(theirs, THEIRS)
        if theirs == base:
            return Agreed(mine, MINE)
        return Conflict(*(Lines(text, place + 1) for text, place in zip((base, theirs, mine), self.at, strict=True)))


def merge(base: str, theirs: str, mine: str) -> Merge:
    """Both sets of changes since `base`, with the places that a person decides. Line ends, LF or CRLF, are one change for all lines."""
    ends = ends_of(mine if ends_of(base) != ends_of(mine) else theirs)
    base, theirs, mine = (with_ends(text, ends) for text in (base, theirs, mine))
    regions = _regions(_lines(base), _lines(theirs), _lines(mine))
    return Merge(
        base, theirs, mine, tuple(region.part() for region in regions if any((region.base, region.theirs, region.mine)))
    )


def _lines(text: str) -> list[str]:
    """Lines with their ends; only the newline ends one, as in editors."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _regions(base: list[str], theirs: list[str], mine: list[str]) -> Iterator[_Region]:
    """The texts cut up at the lines that all three share: by turns what differs somewhere, and what is common."""
    at = at_base, at_theirs, at_mine = 0, 0, 0
    for start, in_theirs, in_mine, length in _common(base, theirs, mine):
        yield _Region(base[at_base:start], theirs[at_theirs:in_theirs], mine[at_mine:in_mine], at)
        common = base[start : start + length]
        yield _Region(common, common, common, (start, in_theirs, in_mine))
        at = at_base, at_theirs, at_mine = start + length, in_theirs + length, in_mine + length
    yield _Region(base[at_base:], theirs[at_theirs:], mine[at_mine:], at)


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
