"""Two texts side by side: which lines went, came or changed, as rows that a template draws. Texts are escaped there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from scripting.texts.lines import MIXED, ends_of, lines_of

CONTEXT = 3
"""Unchanged lines shown around a change."""
MAX_WORD_DIFF = 400
"""Characters of a line, and changed lines of a text, beyond which the changed part of a line is not looked for."""


@dataclass(frozen=True)
class Piece:
    """Part of a line; `changed` marks what differs from its counterpart."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Row:
    """`kind`: `same`, `gone`, `new`, or `gap` for lines left out (`pieces` then says how many)."""

    kind: str
    old: int | None
    new: int | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Difference:
    """How one text became another."""

    rows: tuple[Row, ...]
    added: int
    removed: int
    ends: str = ""
    """How the ends of lines differ, which no row shows; empty where they do not."""

    @property
    def is_empty(self) -> bool:
        """Whether no line differs, but for its end."""
        return not self.added and not self.removed


def difference(old: str, new: str) -> Difference:
    """Compare two texts line by line, and changed lines piece by piece. A line is the same whether LF or CRLF ends it."""
    before, after = _without_returns(old), _without_returns(new)
    steps = opcodes(before, after)
    changes = [(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in steps if tag != "equal"]
    removed, added = sum(old for old, _ in changes), sum(new for _, new in changes)
    rows: list[Row] = []
    end = 0
    for group in Steps(steps).get_grouped_opcodes(CONTEXT):
        start = group[0][1]
        if start > end:
            rows.append(gap(start - end))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                rows += [Row("same", i + 1, j1 + i - i1 + 1, (Piece(before[i]),)) for i in range(i1, i2)]
                continue
            rows += changed(before, after, (i1, i2), (j1, j2), within=removed + added <= MAX_WORD_DIFF)
        end = group[-1][2]
    if rows and end < len(before):
        rows.append(gap(len(before) - end))
    return Difference(tuple(rows), added, removed, ends_in_words(old, new))


def ends_in_words(old: str, new: str) -> str:
    """How the ends of lines differ: `line ends differ: LF before, CRLF (Windows) after`. Empty where they do not."""
    found = []
    then, now = ends_of(old), ends_of(new)
    if then and now and then != now:
        found.append(f"line ends differ: {then} before, {now} after")
    elif then == MIXED and old != new and _without_returns(old) == _without_returns(new):
        found.append("line ends differ: in some lines LF, in some CRLF on both sides")
    if old and new and old.endswith("\n") != new.endswith("\n"):
        found.append(f"the last line ends with a line feed {'before' if old.endswith(chr(10)) else 'after'} alone")
    return ", and ".join(found)


def _without_returns(text: str) -> list[str]:
    return lines_of(text.replace("\r\n", "\n"))


class Steps(difflib.SequenceMatcher[str]):
    """difflib's grouping of steps, for steps that were found already."""

    def __init__(self, steps: list[tuple[str, int, int, int, int]]) -> None:
        super().__init__(None, "", "")
        self.steps = steps

    def get_opcodes(self) -> Any:
        return self.steps


def gap(lines: int) -> Row:
    return Row("gap", None, None, (Piece(f"{lines} unchanged line{'s' if lines > 1 else ''}"),))


def changed(
    before: Sequence[str], after: Sequence[str], old: tuple[int, int], new: tuple[int, int], *, within: bool
) -> Iterator[Row]:
    """The lines that went, then those that came; pairs of the same place are compared within, where that is asked for."""
    together = zip(range(*old), range(*new), strict=False) if within else ()
    pairs = [pieces(before[i], after[j]) for i, j in together]
    for place, i in enumerate(range(*old)):
        yield Row("gone", i + 1, None, pairs[place][0] if place < len(pairs) else (Piece(before[i]),))
    for place, j in enumerate(range(*new)):
        yield Row("new", None, j + 1, pairs[place][1] if place < len(pairs) else (Piece(after[j]),))


def pieces(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both lines cut where they differ; whole where they have little in common."""
    if max(len(old), len(new)) > MAX_WORD_DIFF:
        return (Piece(old),), (Piece(new),)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < 0.5:
        return (Piece(old),), (Piece(new),)
    left, right = [], []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if i2 > i1:
            left.append(Piece(old[i1:i2], tag != "equal"))
        if j2 > j1:
            right.append(Piece(new[j1:j2], tag != "equal"))
    return tuple(left), tuple(right)


def unified(old: str, new: str, old_name: str, new_name: str, context: int = 3) -> str:
    """The difference as `diff -u` writes it; each side is headed by its name. What line ends have of it stands at the end."""
    before, after = _without_returns(old), _without_returns(new)
    lines = list(difflib.unified_diff(before, after, old_name, new_name, n=context, lineterm=""))
    if ends := ends_in_words(old, new):
        lines.append(f"\\ {ends}" + ("" if lines else "; nothing else"))
    return "\n".join(lines)


MAX_PAIRS = 4_000_000


def opcodes(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """difflib's steps from one text to the other; what both begin and end with is set aside first, and the time bounded."""
    shortest = min(len(before), len(after))
    head = next((n for n in range(shortest) if before[n] != after[n]), shortest)
    rest = shortest - head
    tail = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    found: list[tuple[str, int, int, int, int]] = [("equal", 0, head, 0, head)] if head else []
    if len(old) * len(new) > MAX_PAIRS:
        found.append(("replace", head, head + len(old), head, head + len(new)))
    else:
        steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        found += [(tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in steps]
    if tail:
        found.append(("equal", len(before) - tail, len(before), len(after) - tail, len(after)))
    return found
