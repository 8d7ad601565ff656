"""How values leave a script: as a result, or as what is handed to a function of the module. Plain data only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.runtime import moments
from scripting.sandbox.languages.tengo.runtime.shown import char_text, text_of
from scripting.sandbox.languages.tengo.runtime.values import (
    ARRAYS,
    BYTES,
    Char,
    Error,
    Failure,
    ImmutableMap,
    Time,
    is_callable,
    native,
    type_name,
)
from scripting.sandbox.languages.tengo.stdlib import timing

_MAX_DEPTH = 200
_PLAIN = frozenset({int, float, bool, type(None)})


def leave(value: Any, path: str = "result", depth: int = 0) -> Any:
    """The value as plain data. Raises Failure naming the path of a function, or of what contains itself."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is str:
        return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if depth > _MAX_DEPTH:
        raise Failure(f"{path[:80]}… is nested deeper than {_MAX_DEPTH}, or contains itself")
    if kind is dict or kind is ImmutableMap:
        entries = value if kind is dict else value.items
        return {leave(key): leave(item, f"{path}.{key}", depth + 1) for key, item in entries.items()}
    if kind in ARRAYS:
        items = value if kind is list else value.items
        return [leave(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items)]
    if kind in BYTES:
        return bytes(value)
    if kind is Char:
        return char_text(value.code)
    if kind is Error:
        return {"error": leave(value.value, f"{path}.error", depth + 1)}
    if kind is Time:
        return moments.rfc3339(value)
    what = "a function" if is_callable(value) else f"a value of type {type_name(value)}"
    raise Failure(f"{path[:200]} is {what}, which cannot leave the script")


def offered(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the module, or one that every script has, as Tengo calls it."""
    if name == "log":

        def log(*values: Any) -> None:
            function(*[text_of(value) for value in values])

        return native(log, name)
    if name == "now":
        return timing.now

    def call(*values: Any) -> Any:
        return function(*[leave(value, f"{name}()[{index}]") for index, value in enumerate(values)])

    return native(call, name)
