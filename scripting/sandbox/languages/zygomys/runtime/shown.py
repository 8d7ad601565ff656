"""How values are shown: what `str` and `println` give, and the simple JSON of json2. Without recursion on long lists."""

from __future__ import annotations

import base64
import math
from typing import Any

from scripting.sandbox.languages.tengo.runtime.floats import format_float
from scripting.sandbox.languages.tengo.runtime.shown import quote, shortest
from scripting.sandbox.languages.zygomys.runtime import times, values
from scripting.sandbox.languages.zygomys.runtime.values import (
    ArrayKey,
    Char,
    Date,
    Duration,
    Failure,
    Key,
    Lazy,
    Mark,
    Moment,
    Package,
    Pair,
    Pattern,
    Raw,
    Record,
    Scientific,
    Symbol,
    Uint64,
    Vector,
    Verbatim,
)  # fmt: skip

_MAX_DEPTH = 150


def text_of(value: Any) -> str:
    """As `println` shows it: a text as it is."""
    return str(value) if isinstance(value, str) else shown(value)


def shown(value: Any, *, json: bool = False) -> str:
    """As `str` shows it: a text in quotes."""
    return _Shower(json=json).shown(value, 0)


class _Shower:
    def __init__(self, *, json: bool) -> None:
        self.json = json

    def shown(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is str:
            return quote(value)
        if kind is bool:
            return "true" if value else "false"
        if value is None:
            return "nil"
        if kind is float:
            return _float(value)
        if kind is Symbol:
            return str(value.name)
        if depth > _MAX_DEPTH:
            raise Failure(f"the value is nested deeper than {_MAX_DEPTH}, or contains itself")
        if kind is Pair:
            return self._list(value, depth)
        if kind is list or kind is Vector:
            comma = ", " if self.json else " "
            return f"[{comma.join([self.shown(item, depth + 1) for item in value])}]"
        if isinstance(value, dict):
            return self._hash(value, depth)
        return self._other(value, kind, depth)

    def _list(self, value: Any, depth: int) -> str:
        parts = []
        while type(value) is Pair:
            parts.append(self.shown(value.head, depth + 1))
            value = value.tail
        last = "" if value is None else f" \\ {self.shown(value, depth + 1)}"
        return f"({' '.join(parts)}{last})"

    def _hash(self, value: dict[Any, Any], depth: int) -> str:
        is_plain = not isinstance(value, Record)
        comma = ", " if self.json and is_plain else " "
        parts = [f"{self.key(key, plain=is_plain)}:{self.shown(item, depth + 1)}" for key, item in value.items()]
        if is_plain:
            return "{" + comma.join(parts) + "}"
        return f" ({value.type_name} {' '.join(parts)})" if parts else f" ({value.type_name} )"  # type: ignore[attr-defined]

    def key(self, key: Any, *, plain: bool) -> str:
        if type(key) is Key:
            return f'"{key!s}"'
        if type(key) is str:
            return f'"{key}"' if self.json and plain else key
        return self.shown(key.items if type(key) is ArrayKey else key, 0)

    def _other(self, value: Any, kind: type, depth: int) -> str:
        if kind is Verbatim:
            return f"`{value!s}`"
        if kind is Key:
            return quote(str(value))
        if kind is Scientific:
            return format_float(value, "e", -1, 64) if math.isfinite(value) else _float(value)
        if kind is Char:
            return quote(char_text(value.code), "'")
        if kind is Uint64:
            return f"{value.number}ULL"
        if kind is Raw or kind is bytes or kind is bytearray:
            return _raw(value)
        if kind is Pattern:
            return f'(regexpCompile "{value.text}")'
        if kind is Moment:
            return moment_text(value)
        if kind is Date:
            return f"{value.year:04d}/{value.month:02d}/{value.day:02d}"
        if kind is Duration:
            return str(value.nanoseconds)
        if kind is Lazy:
            return f"(lazyArg {self.shown(value.expression, depth + 1)})"
        if kind is Mark:
            return str(value.sign)
        if kind is Package:
            return f"(package {value.name})"
        if values.is_function(value):
            return function_text(value)
        show = getattr(value, "zygomys_text", None)
        return str(show()) if show is not None else "object"


def _float(value: float) -> str:
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return shortest(value)


def char_text(code: int) -> str:
    """The character of this number; what is none is shown as Go does."""
    return chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"


def function_text(function: Any) -> str:
    """The text that a function was written as; of the language's own functions their name."""
    text = getattr(function, "__doc__", None)
    if "/" in function.__name__ and text:
        return str(text)
    return f"fn [{function.__name__}]"


def _raw(value: Any) -> str:
    if type(value) is not Raw:
        return _bytes_text(bytes(value))
    if not value.base64:
        return _bytes_text(value.data)
    encoded = base64.urlsafe_b64encode(value.data).decode()
    chunks = [f'"{encoded[start : start + 80]}"' for start in range(0, len(encoded), 80)]
    return "(raw64 " + "\n".join(chunks) + ")"


def _bytes_text(data: bytes) -> str:
    return "[]byte{" + ", ".join([f"0x{byte:x}" for byte in data]) + "}"


def moment_text(moment: Moment) -> str:
    """As Go's Time.String()."""
    return times.shown(moment)


def json_of(value: Any, depth: int = 0) -> str:
    """The JSON of `json`: hashes with their type and the order of their keys."""
    if depth > _MAX_DEPTH:
        raise Failure(f"the value is nested deeper than {_MAX_DEPTH}, or contains itself")
    kind = type(value)
    if isinstance(value, dict):
        type_name = value.type_name if isinstance(value, Record) else "hash"
        if not value:
            return f'{{"Atype":"{type_name}"}}'
        shower = _Shower(json=False)
        keys = [shower.shown(key, 0) if type(key) is Key else shower.key(key, plain=True) for key in value]
        entries = [f'"{key}":{json_of(item, depth + 1)}' for key, item in zip(keys, value.values(), strict=True)]
        order = ", ".join([f'"{key}"' for key in keys])
        return f'{{"Atype":"{type_name}", {", ".join(entries)}, "zKeyOrder":[{order}]}}'
    if kind is list:
        return f"[{', '.join([json_of(item, depth + 1) for item in value])}]"
    if kind is Symbol:
        return f'"{value.name}"'
    return shown(value)
