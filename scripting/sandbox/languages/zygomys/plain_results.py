"""How values leave a script: as its outcome, or as what is handed to a function of the module. Plain data only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys.runtime import times
from scripting.sandbox.languages.zygomys.runtime.shown import char_text, shown, text_of
from scripting.sandbox.languages.zygomys.runtime.types import type_of
from scripting.sandbox.languages.zygomys.runtime.values import (
    ArrayKey,
    Char,
    Date,
    Duration,
    Failure,
    Key,
    Lazy,
    Moment,
    Pair,
    Raw,
    Record,
    Symbol,
    Uint64,
    go_name,
    is_function,
    iterate,
)  # fmt: skip

RECORD = "$record"
"""Where a record says its type."""
_MAX_DEPTH = 200
_PLAIN = frozenset({int, float, bool, type(None)})


def leave(value: Any, path: str = "result", depth: int = 0) -> Any:
    """The value as plain data. Raises Failure naming the path of a function, or of what contains itself."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str):
        text = str(value)
        return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if depth > _MAX_DEPTH:
        raise Failure(f"{path[:80]}… is nested deeper than {_MAX_DEPTH}, or contains itself")
    if isinstance(value, dict):
        return _hash(value, path, depth)
    if kind is list:
        return [leave(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if kind is Pair:
        items = [leave(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(iterate(value))]
        while type(value) is Pair:
            value = value.tail
        return items if value is None else [*items, leave(value, f"{path}[{len(items)}]", depth + 1)]
    if isinstance(value, float):
        return float(value)
    if kind is Symbol:
        return value.name
    if kind is Char:
        return char_text(value.code)
    if kind is Uint64:
        return value.number
    if kind is Raw:
        return value.data
    if kind is bytes or kind is bytearray:
        return bytes(value)
    if kind is Moment:
        return times.rfc3339(value)
    if kind is Date:
        return shown(value)
    if kind is Duration:
        return value.nanoseconds
    if kind is Lazy:
        return leave(value.force(), path, depth + 1)
    what = "a function" if is_function(value) else f"a value of type {type_of(value) or go_name(value)}"
    raise Failure(f"{path[:200]} is {what}, which cannot leave the script")


def _hash(value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {RECORD: value.type_name} if isinstance(value, Record) else {}
    for key, item in value.items():
        name = _key(key)
        if name in made:
            raise Failure(f"{path[:200]} has two keys that would both be {name[:60]!r} outside")
        made[name] = leave(item, f"{path}.{name}", depth + 1)
    return made


def _key(key: Any) -> str:
    """A key by its name, or as it is shown."""
    if isinstance(key, Key):
        text = str.__str__(key)
    elif type(key) is str:
        text = key
    else:
        text = shown(key.items if type(key) is ArrayKey else key)
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def offered(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the module, or one that every script has, as Zygomys calls it."""
    if name == "log":

        def log(*values: Any) -> None:
            function(*[text_of(value) for value in values])

        return log
    if name == "now":
        return times.now

    def call(*values: Any) -> Any:
        return function(*[leave(value, f"{name}()[{index}]") for index, value in enumerate(values)])

    call.__name__ = call.__qualname__ = name
    return call
