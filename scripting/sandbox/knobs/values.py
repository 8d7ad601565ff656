"""Values of knobs: which fit, and how a text writes them."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from scripting.sandbox.knobs.comment import Comment
from scripting.sandbox.protocol import KnobValue

TEXT_LENGTH = 200
LARGEST = 10**15
"""Whole numbers up to here are exact in a browser and as decimals."""
_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]{1,2})?")


class NoValue(ValueError):
    """Not a value that this knob may have: says why."""


def literal(text: str, flags: tuple[str, str]) -> KnobValue | None:
    """The value that a literal stands for; None where it is none that a knob may have."""
    if text in flags:
        return text == flags[1]
    if _NUMBER.fullmatch(text):
        digits = text.replace("_", "")
        return int(digits) if digits.lstrip("+-").isdigit() else float(digits)
    if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
        if "\\" not in text:
            return text[1:-1] if text[0] not in text[1:-1] else None
        try:
            value = json.loads(text)
        except ValueError:
            return None
        return value if isinstance(value, str) else None
    return None


def written(value: KnobValue, flags: tuple[str, str]) -> str:
    """The value as a literal, the same in every language of ours but for flags."""
    match value:
        case bool():
            return flags[value]
        case int():
            return str(value)
        case float():
            digits = format(Decimal(repr(value)), "f")
            return digits if "." in digits else f"{digits}.0"
        case _:
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def kind_of(default: KnobValue, comment: Comment) -> str:
    """`whole`, `decimal`, `flag`, `choice` or `text`. Raises NoValue where default and comment do not go together."""
    has_bounds = comment.low is not None
    match default:
        case bool():
            if has_bounds or comment.choices:
                raise NoValue("a knob that is on or off has neither bounds nor choices: write knob: what it does")
            return "flag"
        case int() | float():
            if not has_bounds:
                raise NoValue("a knob that is a number says its bounds: write knob 0..1 step 0.01: what it does")
            if isinstance(default, float):
                return "decimal"
            if any(part is not None and part % 1 for part in (comment.low, comment.high, comment.step)):
                raise NoValue("the default is a whole number and the bounds are not: write it with a decimal point")
            return "whole"
        case _:
            if has_bounds:
                raise NoValue("a knob that is a text has no bounds: write knob: what it does, or name its choices")
            return "choice" if comment.choices else "text"


def fitting(value: object, kind: str, comment: Comment) -> KnobValue:
    """The value as this kind of knob has it. Raises NoValue."""
    match kind, value:
        case ("flag", bool()):
            return value
        case ("whole" | "decimal", int() | float()) if not isinstance(value, bool):
            return _number(value, kind, comment)
        case ("choice", str()):
            if value not in comment.choices:
                raise NoValue(f"is none of {', '.join(comment.choices)}")
            return value
        case ("text", str()):
            if len(value) > TEXT_LENGTH:
                raise NoValue(f"has more than {TEXT_LENGTH} characters")
            if not value.isprintable():
                raise NoValue("holds characters that cannot be shown")
            return value
    words = {"flag": "true or false", "whole": "a whole number", "decimal": "a number"}
    raise NoValue(f"is not {words.get(kind, 'a text')}")


def _number(value: int | float, kind: str, comment: Comment) -> int | float:
    if not abs(value) <= LARGEST:  # not a number compares with nothing
        raise NoValue("is too large")
    exact = Decimal(repr(value))
    if kind == "whole" and exact % 1:
        raise NoValue("is not a whole number")
    assert comment.low is not None
    assert comment.high is not None
    if not comment.low <= exact <= comment.high:
        raise NoValue(f"is not between {comment.low} and {comment.high}")
    if comment.step is not None and (exact - comment.low) % comment.step:
        raise NoValue(f"is not on the steps of {comment.step} from {comment.low}")
    return int(exact) if kind == "whole" else float(value)
