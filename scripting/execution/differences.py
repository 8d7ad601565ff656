"""Say where two outcomes differ, as text that people may read: what is hidden stays hidden, numbers keep their digits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from scripting.execution.comparison import MISSING, equal_calls, places
from scripting.modules.masking import HIDDEN, Mask
from scripting.runtime.host_calls import Call
from scripting.texts.escaping import display, visible

NOTHING = "–"
"""Stands where one of the two has nothing."""
WHOLE = 1 << 20
NAMED = 3
"""Places that a sentence names."""
SHORT = 200
"""Characters of a value in a sentence."""


def places_shown(one: Any, other: Any, one_shown: Any, other_shown: Any) -> Iterator[tuple[str, str, str]]:
    """Each place where two values differ, with both sides; `…_shown` are the same values masked."""
    for path, here, there in places(one, other):
        yield _written(path), _side(here, one_shown, path), _side(there, other_shown, path)


def effects_side_by_side(one: Sequence[Call], other: Sequence[Call], mask: Mask) -> Iterator[tuple[str, str, bool]]:
    """Effects in order, both sides and whether they differ; the same effect of both sides stands together."""
    mine, theirs = ([display([each.name, each.arguments], WHOLE) for each in side] for side in (one, other))
    for _, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        for at in range(max(b - a, d - c)):
            pair = one[a + at] if a + at < b else None, other[c + at] if c + at < d else None
            same = pair[0] is not None and pair[1] is not None and equal_calls([pair[0]], [pair[1]])
            yield effect_text(pair[0], mask), effect_text(pair[1], mask), not same


def result_in_words(then: Any, now: Any, mask: Mask) -> str:
    """How a result differs from that of before, in a sentence."""
    found = list(places_shown(then, now, mask.value(then), mask.value(now)))
    told = [
        f"{path and f'at {path} '}{_short(before)} then, {_short(after)} now" for path, before, after in found[:NAMED]
    ]
    return f"the result: {'; '.join(told)}{_more(found)}"


def effects_in_words(then: Sequence[Call], now: Sequence[Call], mask: Mask) -> str:
    """How the effects differ from those of before, in a sentence."""
    found = [pair[:2] for pair in effects_side_by_side(then, now, mask) if pair[2]]
    told = [f"{_short(before)} then, {_short(after)} now" for before, after in found[:NAMED]]
    return f"the effects: {'; '.join(told)}{_more(found)}"


def effect_text(effect: Call | None, mask: Mask) -> str:
    if effect is None:
        return NOTHING
    given = ", ".join(f"{visible(name)}={text_of(value)}" for name, value in mask.value(effect.arguments).items())
    return f"{effect.name}({given})"


def text_of(value: Any) -> str:
    return NOTHING if value is MISSING else display(value, WHOLE)


def _side(value: Any, shown: Any, path: Sequence[str | int]) -> str:
    return NOTHING if value is MISSING else text_of(_at(shown, path))


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def _more(found: Sequence[Any]) -> str:
    return f"; {len(found) - NAMED} more" if len(found) > NAMED else ""


def _at(shown: Any, path: Sequence[str | int]) -> Any:
    """The part of a masked value at this path; hidden where the mask took the path away."""
    for step in path:
        try:
            shown = shown[step]
        except (KeyError, IndexError, TypeError):
            return HIDDEN
        if shown == HIDDEN:
            return HIDDEN
    return shown


def _written(path: Sequence[str | int]) -> str:
    """`follow_ups[0].points`"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{visible(step)}" for step in path).removeprefix(".")
