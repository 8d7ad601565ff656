"""The module enum: each, map, filter and their like, over arrays and maps."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from scripting.sandbox.languages.tengo.runtime.containers import get, items, share
from scripting.sandbox.languages.tengo.runtime.operators import add, lt
from scripting.sandbox.languages.tengo.runtime.values import (
    ARRAYS,
    MAPS,
    Failure,
    is_callable,
    truth,
    type_name,
)


def _is_enumerable(value: Any) -> bool:
    return type(value) in ARRAYS or type(value) in MAPS


def _each_pair(value: Any, function: Any) -> Iterable[tuple[Any, Any, Any]]:
    """Key, value and what the function makes of them."""
    for key, item in items(value):
        if not is_callable(function):
            raise Failure(f"not callable: {type_name(function)}")
        yield key, item, function(key, item)


def all_(x: Any, fn: Any, /) -> Any:
    return all(truth(found) for _, _, found in _each_pair(x, fn)) if _is_enumerable(x) else None


def any_(x: Any, fn: Any, /) -> Any:
    return any(truth(found) for _, _, found in _each_pair(x, fn)) if _is_enumerable(x) else None


def chunk(x: Any, size: Any, /) -> Any:
    if type(x) not in ARRAYS or not truth(size):
        return None
    chunks: list[Any] = []
    start: Any = 0
    while lt(start, len(x)):
        end = add(start, size)
        chunks.append(share(x, start, end))
        if not lt(start, end):
            raise Failure("the size of a chunk must be greater than 0")
        start = end
    return chunks


def at(x: Any, key: Any, /) -> Any:
    wanted = int if type(x) in ARRAYS else str
    return get(x, key) if _is_enumerable(x) and type(key) is wanted else None


def each(x: Any, fn: Any, /) -> None:
    if _is_enumerable(x):
        for _ in _each_pair(x, fn):
            pass


def filter_(x: Any, fn: Any, /) -> Any:
    return [item for _, item, found in _each_pair(x, fn) if truth(found)] if type(x) in ARRAYS else None


def find(x: Any, fn: Any, /) -> Any:
    return next((item for _, item, found in _each_pair(x, fn) if truth(found)), None) if _is_enumerable(x) else None


def find_key(x: Any, fn: Any, /) -> Any:
    return next((key for key, _, found in _each_pair(x, fn) if truth(found)), None) if _is_enumerable(x) else None


def map_(x: Any, fn: Any, /) -> Any:
    return [found for _, _, found in _each_pair(x, fn)] if _is_enumerable(x) else None


def key_(key: Any, _value: Any, /) -> Any:
    return key


def value_(_key: Any, value: Any, /) -> Any:
    return value


def _as_compiled(function: Any) -> Any:
    """Named as functions written in Tengo are, as these are there: their type and the errors of their calls tell it."""
    assert isinstance(function, types.FunctionType)
    name = f"{function.__name__.rstrip('_')}/{function.__code__.co_argcount}"
    function.__code__ = function.__code__.replace(co_name=name)
    function.__name__ = function.__qualname__ = name
    return function


MEMBERS = {
    function.__name__.rstrip("_"): _as_compiled(function)
    for function in (all_, any_, chunk, at, each, filter_, find, find_key, map_, key_, value_)
}
