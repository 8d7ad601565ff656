"""The builtin functions: len, append, string, format and their like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.catalog import BUILTINS
from scripting.sandbox.languages.tengo.runtime import containers, conversions, values
from scripting.sandbox.languages.tengo.runtime.formatting import format_text
from scripting.sandbox.languages.tengo.runtime.shown import byte_length, text_of
from scripting.sandbox.languages.tengo.runtime.slices import Slice
from scripting.sandbox.languages.tengo.runtime.values import (
    ARRAYS,
    BYTES,
    MAPS,
    Char,
    Error,
    Failure,
    Time,
    native,
    type_name,
)

_MAX_BYTES = 2_147_483_647
_GIVEN = object()


def _bad(function: str, name: str, expected: str, value: Any) -> Failure:
    return conversions.bad_argument(f"builtin-function:{function}", name, expected, value)


def length(value: Any, /) -> int:
    kind = type(value)
    if kind is str:
        return byte_length(value)
    if kind in ARRAYS or kind in MAPS or kind in BYTES:
        return len(value)
    raise _bad("len", "first", "array/string/bytes/map", value)


def delete(mapping: Any, key: Any, /) -> None:
    if type(mapping) is not dict:
        raise _bad("delete", "first", "map", mapping)
    if type(key) is not str:
        raise _bad("delete", "second", "string", key)
    mapping.pop(key, None)


def splice(array: Any, start: Any = 0, count: Any = _GIVEN, /, *more: Any) -> list[Any]:
    if type(array) is not list and type(array) is not Slice:
        raise _bad("splice", "first", "array", array)
    if type(start) is not int:
        raise _bad("splice", "second", "int", start)
    if not 0 <= start <= len(array):
        raise Failure("index out of bounds")
    if count is _GIVEN:
        count = len(array)
    if type(count) is not int:
        raise _bad("splice", "third", "int", count)
    if count < 0:
        raise Failure("index out of bounds")
    if isinstance(array, Slice):
        return _splice_slice(array, start, count, more)
    deleted = array[start : start + count]
    array[start : start + count] = more
    return deleted


def _splice_slice(array: Slice, start: int, count: int, more: tuple[Any, ...]) -> list[Any]:
    """It keeps its storage while what it has then fits in."""
    items = array.items
    deleted = items[start : start + count]
    items[start : start + count] = more
    if array.start + len(items) <= len(array.store):
        array.store[array.start : array.start + len(items)] = items
    else:
        array.store, array.start = items, 0
    array.length = len(items)
    return deleted


def string(value: Any, default: Any = None, /) -> Any:
    return default if value is None else text_of(value)


def to_int(value: Any, default: Any = None, /) -> Any:
    number = conversions.to_int(value)
    return default if number is None else number


def to_float(value: Any, default: Any = None, /) -> Any:
    number = conversions.to_float(value)
    return default if number is None else number


def to_char(value: Any, default: Any = None, /) -> Any:
    char = conversions.to_char(value)
    return default if char is None else char


def to_bytes(value: Any, default: Any = None, /) -> Any:
    if type(value) is int:
        if value > _MAX_BYTES:
            raise Failure("exceeding bytes size limit")
        if value < 0:
            raise Failure("the number of bytes is negative")
        return bytearray(value)
    data = conversions.to_bytes(value)
    return default if data is None else bytearray(data)


def to_time(value: Any, default: Any = None, /) -> Any:
    moment = conversions.to_time(value)
    return default if moment is None else moment


def format_(pattern: Any, /, *arguments: Any) -> str:
    if type(pattern) is not str:
        raise _bad("format", "format", "string", pattern)
    return format_text(pattern, arguments) if arguments else pattern


def range_(start: Any, stop: Any, step: Any = 1, /) -> list[int]:
    for name, value in (("start", start), ("stop", stop), ("step", step)):
        if type(value) is not int:
            raise _bad("range", name, "int", value)
    if step <= 0:
        raise Failure("range step must be greater than 0")
    return list(range(start, stop, step) if start <= stop else range(start, stop, -step))


def freeze(value: Any, /) -> Any:
    return values.freeze(value, {})


def _is(*kinds: type) -> Callable[[Any], bool]:
    def test(value: Any, /) -> bool:
        return type(value) in kinds

    return test


def _is_iterable(value: Any, /) -> bool:
    return value is None or type(value) is str or type(value) in (*ARRAYS, *MAPS, *BYTES)


def _one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(value: Any, /) -> Any:
        return function(value)

    return call


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": length,
    "copy": _one(values.copy),
    "append": containers.append,
    "delete": delete,
    "splice": splice,
    "string": string,
    "int": to_int,
    "bool": _one(values.truth),
    "float": to_float,
    "char": to_char,
    "bytes": to_bytes,
    "time": to_time,
    "is_int": _is(int),
    "is_float": _is(float),
    "is_string": _is(str),
    "is_bool": _is(bool),
    "is_char": _is(Char),
    "is_bytes": _is(*BYTES),
    "is_array": _is(list, Slice),
    "is_immutable_array": _is(values.ImmutableArray),
    "is_map": _is(dict),
    "is_immutable_map": _is(values.ImmutableMap),
    "is_iterable": _is_iterable,
    "is_time": _is(Time),
    "is_error": _is(Error),
    "is_undefined": _is(type(None)),
    "is_function": _one(values.is_compiled),
    "is_callable": _one(values.is_callable),
    "type_name": _one(type_name),
    "format": format_,
    "range": range_,
    "freeze": freeze,
}
FUNCTIONS = {name: native(function, name, "builtin-function") for name, function in _FUNCTIONS.items()}
assert FUNCTIONS.keys() == BUILTINS.keys()
