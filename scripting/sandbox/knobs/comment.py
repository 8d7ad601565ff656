"""The comment that makes a constant a knob: `knob 0..1 step 0.01: label`, `knob choices a, b: label`, `knob: label`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

WORD = "knob"
LABEL_LENGTH = 200
CHOICES = 20
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_BEGINS = re.compile(rf"{WORD}(?=[\s:]|\Z)")
_COMMENT = re.compile(
    rf"""{WORD}
    (?: \s+ (?P<low>{_NUMBER}) \s* \.\. \s* (?P<high>{_NUMBER}) (?: \s+ step \s+ (?P<step>{_NUMBER}) )?
      | \s+ choices \s+ (?P<choices>[^:]+?)
    )?
    \s* : \s* (?P<label>\S.*)""",
    re.VERBOSE,
)
FORMS = "write knob 0..1 step 0.01: what it does, or knob choices easy, hard: what it does, or knob: what it does"


@dataclass(frozen=True)
class Comment:
    """A knob's comment, read."""

    label: str
    low: Decimal | None = None
    high: Decimal | None = None
    step: Decimal | None = None
    choices: tuple[str, ...] = ()


class Malformed(ValueError):
    """A comment that begins as a knob's and is none: says why."""


def begins(text: str) -> bool:
    """Whether a comment, without its mark, begins with the word."""
    return _BEGINS.match(text) is not None


def read(text: str) -> Comment:
    """A knob's comment, without its mark. Raises Malformed."""
    found = _COMMENT.fullmatch(text)
    if found is None:
        if ":" not in text:
            raise Malformed("a knob says after a colon what it does")
        raise Malformed("what stands before the colon is neither bounds nor choices")
    low, high, step = (None if found[part] is None else Decimal(found[part]) for part in ("low", "high", "step"))
    if low is not None and high is not None and not low < high:
        raise Malformed(f"the bounds {found['low']}..{found['high']} leave nothing to choose")
    if step is not None and low is not None and high is not None and not 0 < step <= high - low:
        raise Malformed(f"the step {found['step']} does not fit between {found['low']} and {found['high']}")
    choices = tuple(choice.strip() for choice in (found["choices"] or "").split(",")) if found["choices"] else ()
    if choices and (len(choices) < 2 or len(choices) > CHOICES or "" in choices or len(set(choices)) < len(choices)):
        raise Malformed(f"choices are 2 to {CHOICES} different words with commas between them")
    return Comment(found["label"].strip()[:LABEL_LENGTH], low, high, step, choices)
