"""Which lines two texts share, in bounded time: a text may be made to be slow to compare."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

MAX_PAIRS = 4_000_000
"""Lines of one side times lines of the other, beyond what both begin and end with: more is not compared but taken as replaced."""


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
