"""Conversions between kinds, as the language's own functions take their arguments: None where there is none."""

from __future__ import annotations

import math
from typing import Any

from scripting.sandbox.languages.tengo.literals import parse_float, parse_int
from scripting.sandbox.languages.tengo.runtime.operators import INT_MIN, wrap32
from scripting.sandbox.languages.tengo.runtime.shown import text_bytes, text_of
from scripting.sandbox.languages.tengo.runtime.values import BYTES, Char, Failure, Time, type_name


def to_int(value: Any) -> int | None:
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is float:
        return truncated(value)
    if kind is Char:
        return int(value.code)
    if kind is bool:
        return 1 if value else 0
    if kind is str:
        try:
            return parse_int(value, 10)
        except (ValueError, OverflowError):
            return None
    return None


def truncated(value: float) -> int:
    """int64(value) as Go has it on 64-bit machines: what does not fit is the least int."""
    if not math.isfinite(value):
        return INT_MIN
    whole = int(value)
    return whole if INT_MIN <= whole < -INT_MIN else INT_MIN


def to_float(value: Any) -> float | None:
    kind = type(value)
    if kind is float or kind is int:
        return float(value)
    if kind is str:
        try:
            return parse_float(value)
        except (ValueError, OverflowError):
            return None
    return None


def to_text(value: Any) -> str | None:
    return None if value is None else text_of(value)


def to_bytes(value: Any) -> bytes | bytearray | None:
    if type(value) in BYTES:
        return value  # type: ignore[no-any-return]
    return text_bytes(value) if type(value) is str else None


def to_char(value: Any) -> Char | None:
    if type(value) is int:
        return Char(wrap32(value))
    return value if type(value) is Char else None


def to_time(value: Any) -> Time | None:
    if type(value) is int:
        return Time(value * 1_000_000_000)
    return value if type(value) is Time else None


def bad_argument(function: str, name: str, expected: str, value: Any) -> Failure:
    """The failure of an argument of the wrong kind."""
    where = f" in call to '{function}'" if function else ""
    return Failure(f"invalid type for argument '{name}'{where}: expected {expected}, found {type_name(value)}")
