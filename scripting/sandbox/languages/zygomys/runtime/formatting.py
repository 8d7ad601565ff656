"""sprintf: the verbs of Go's fmt. What the original shows as the inside of its own structures is shown as `str` does."""

from __future__ import annotations

import math
from typing import Any

from scripting.sandbox.languages.tengo.runtime import formatting
from scripting.sandbox.languages.tengo.runtime import values as tengo
from scripting.sandbox.languages.tengo.runtime.floats import format_float
from scripting.sandbox.languages.zygomys.runtime.shown import shown
from scripting.sandbox.languages.zygomys.runtime.values import Char, Failure, Uint64


def format_text(pattern: str, arguments: tuple[Any, ...]) -> str:
    """The pattern with its verbs replaced."""
    try:
        return formatting.format_text(pattern, tuple([_plain(value) for value in arguments]), _value)
    except tengo.Failure as problem:
        raise Failure(str(problem)) from None


def _value(value: Any) -> str:
    """%v: a text as it is, a float as Go's %g."""
    if isinstance(value, str):
        return value
    return format_float(value, "g", -1, 64) if type(value) is float and math.isfinite(value) else shown(value)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is int or kind is bool or kind is str or kind is float:
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value)
    if kind is Char:
        return value.code
    if kind is Uint64:
        return value.number
    return shown(value)
