"""Values as a trace shows them: cut before they are written, and without calling anything that a script could define."""

from __future__ import annotations

import datetime
import decimal
import fractions
import types
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any

from scripting.sandbox.library.classes import SCRIPT_METACLASSES

MOST = 100
"""Characters of one value."""
_DEPTH = 3
_ITEMS = 40
_LARGE = 10**40
_SMALL_DECIMAL = 200
"""Bytes of one that is written out in a moment."""
_CUT = "…"
_NO_DATA = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, types.GeneratorType, type,
)  # fmt: skip
_WRITTEN = frozenset({datetime.datetime, datetime.date, datetime.time, datetime.timedelta, complex})
_RUNTIME_SLOTS = ("items", "value", "number", "code", "nanoseconds", "text", "name")
"""Where values of other languages' own kinds keep what they are."""


def is_data(value: Any) -> bool:
    """Whether it is worth a place in the margin: no function, class or module."""
    return not issubclass(type(value), _NO_DATA)


def can_change(value: Any) -> bool:
    """Whether a method may have changed it."""
    kind = type(value)
    return issubclass(kind, (list, dict, set, bytearray, deque)) or type(kind) in SCRIPT_METACLASSES


def shown(value: Any, room: int = MOST) -> str:
    """The value in at most `room` characters. Never raises for what the value is."""
    try:
        text = _shown(value, room, _DEPTH)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
        text = f"<{name_of(type(value))}>"
    return text if len(text) <= room else text[: room - 1] + _CUT


def _shown(value: Any, room: int, depth: int) -> str:
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return repr(value)
    if kind is int:
        return repr(value) if -_LARGE < value < _LARGE else f"a whole number of {value.bit_length()} bits"
    if kind is str:
        return _text(value, room)
    if issubclass(kind, int):
        return _member(value) or _shown(int.__index__(value), room, depth)
    if issubclass(kind, float):
        return float.__repr__(value)
    if issubclass(kind, str):
        return _member(value) or _text(str.__getitem__(value, slice(0, room + 1)), room)
    if issubclass(kind, (bytes, bytearray)):
        return repr(bytes(value[:room])) if kind in {bytes, bytearray} else f"<{name_of(kind)}>"
    if issubclass(kind, dict):
        return _mapping("{", "}", dict.items(value), dict.__len__(value), room, depth)
    for sequence, (start, end) in _BRACKETS.items():
        if issubclass(kind, sequence):
            return _sequence(start, end, sequence.__iter__(value), sequence.__len__(value), room, depth)
    if kind in _WRITTEN:
        return str(value)
    if kind is fractions.Fraction or kind is range:
        parts = (value.numerator, value.denominator) if kind is fractions.Fraction else (value.start, value.stop)
        return str(value) if all(-_LARGE < part < _LARGE for part in parts) else f"<{name_of(kind)}>"
    if kind is decimal.Decimal:
        return str(value) if value.__sizeof__() < _SMALL_DECIMAL else "a decimal number of many digits"
    if issubclass(kind, BaseException):
        return raised(value, room)
    return _object(value, kind, room, depth)


_BRACKETS: dict[Any, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
    deque: ("deque([", "])"),
}


def _text(value: str, room: int) -> str:
    if len(value) <= room:
        return repr(value)
    return repr(value[:room])[: room - 1] + _CUT


def _sequence(start: str, end: str, items: Iterable[Any], length: int, room: int, depth: int) -> str:
    if not length:
        return {"{": "set()"}.get(start, start + end)
    if not depth:
        return f"{start}{_CUT}{end}"
    text = start
    for count, item in enumerate(islice(items, _ITEMS)):
        text += (", " if count else "") + _shown(item, max(room - len(text), 8), depth - 1)
        if len(text) > room:
            return text[: room - 1] + _CUT
    return text + (f", {_CUT}" if length > _ITEMS else "," if start == "(" and length == 1 else "") + end


def _mapping(start: str, end: str, items: Iterable[tuple[Any, Any]], length: int, room: int, depth: int) -> str:
    if not length:
        return start + end
    if not depth:
        return f"{start}{_CUT}{end}"
    text = start
    for count, (key, item) in enumerate(islice(items, _ITEMS)):
        text += (", " if count else "") + _shown(key, max(room - len(text), 8), depth - 1) + ": "
        if len(text) <= room:
            text += _shown(item, max(room - len(text), 8), depth - 1)
        if len(text) > room:
            return text[: room - 1] + _CUT
    return text + (f", {_CUT}" if length > _ITEMS else "") + end


def _object(value: Any, kind: type, room: int, depth: int) -> str:
    name = name_of(kind)
    if type(kind) is type:
        for slot in _RUNTIME_SLOTS:
            if slot in kind.__dict__.get("__slots__", ()):
                kept = object.__getattribute__(value, slot)
                return _shown(chr(kept) if slot == "code" and type(kept) is int else kept, room, depth)
        return f"<{name}>"
    found = _member(value)
    if found:
        return found
    own = attributes_of(value)
    if not own or not depth:
        return f"<{name}>"
    text = f"<{name}"
    for key, item in islice(dict.items(own), _ITEMS):
        if type(key) is str and not key.startswith("_"):
            text += f" {key}={_shown(item, max(room - len(text), 8), depth - 1)}"
        if len(text) > room:
            return text[: room - 1] + _CUT
    return text + ">"


def _member(value: Any) -> str:
    """The name of an enum's member; empty for anything else."""
    kind = type(value)
    if type(kind) not in SCRIPT_METACLASSES:
        return ""
    name = (attributes_of(value) or {}).get("_name_")
    return f"{name_of(kind)}.{name[:60]}" if type(name) is str else ""


def attributes_of(value: Any) -> dict[Any, Any] | None:
    """The attributes of an object itself, past all that its class defines."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return found if type(found) is dict else None


def name_of(kind: type) -> str:
    """The name of a class, past its metaclass."""
    return str(type.__dict__["__name__"].__get__(kind))[:60]


def raised(error: BaseException, room: int = MOST) -> str:
    """An exception: its class, and its message where that is text."""
    name = name_of(type(error))
    arguments = BaseException.__dict__["args"].__get__(error)
    message = arguments[0] if arguments else None
    if type(message) is not str:
        return name
    return f"{name}: {message[:room]}"[:room].encode("utf-8", "replace").decode()
