"""Reading and writing parts of values, iterating, slicing, spreading: the general ways."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from scripting.sandbox.languages.tengo.runtime.shown import byte_length, bytes_text, characters, text_bytes, text_of
from scripting.sandbox.languages.tengo.runtime.slices import Slice, extended
from scripting.sandbox.languages.tengo.runtime.values import (
    ARRAYS,
    BYTES,
    Error,
    Failure,
    ImmutableArray,
    ImmutableMap,
    type_name,
)


def get(value: Any, key: Any) -> Any:
    """`value[key]` and `value.key`: undefined where there is nothing, and of undefined."""
    kind = type(value)
    if kind is dict or kind is ImmutableMap:
        entries = value if kind is dict else value.items
        return entries.get(key if type(key) is str else _map_key(key))
    if value is None:
        return None
    if kind is Error:
        if key is not None and text_of(key) == "value":
            return value.value
        raise Failure("invalid index on error")
    if kind in _INDEXED:
        if type(key) is not int:
            raise Failure(f"invalid index type: {type_name(key)}")
        items = value.items if kind is ImmutableArray else value
        if not 0 <= key < len(items):
            return None
        item = items[key]
        return characters(item)[0] if kind is str else item
    raise Failure(f"not indexable: {type_name(key)}")


_INDEXED = frozenset({list, ImmutableArray, Slice, str, bytearray, bytes})


def _map_key(key: Any) -> str:
    if key is None:
        raise Failure("invalid index type: undefined")
    return text_of(key)


def put(value: Any, key: Any, item: Any) -> None:
    """`value[key] = item` and `value.key = item`."""
    kind = type(value)
    if kind is dict:
        value[key if type(key) is str else _map_key(key)] = item
    elif kind is list or kind is Slice:
        index = _as_index(key)
        if not 0 <= index < len(value):
            raise Failure("index out of bounds")
        value[index] = item
    else:
        raise Failure(f"not index-assignable: {type_name(value)}")


def _as_index(key: Any) -> int:
    from scripting.sandbox.languages.tengo.runtime.conversions import to_int

    index = to_int(key)
    if index is None:
        raise Failure("invalid index type")
    return index


def cut(value: Any, low: Any, high: Any) -> Any:
    """`value[low:high]`, clamped; a string is cut by bytes. Of an array it is a copy: for texts that cannot tell."""
    items, start, end = _bounds(value, low, high)
    if type(items) is str and not items.isascii():
        return bytes_text(text_bytes(items)[start:end])
    return items.items[start:end] if type(items) is Slice else items[start:end]


def share(value: Any, low: Any, high: Any) -> Any:
    """`value[low:high]`: of an array, immutable or not, a part that shares its storage."""
    if type(value) not in ARRAYS:
        return cut(value, low, high)
    items, start, end = _bounds(value, low, high)
    if type(items) is Slice:
        return Slice(items.store, items.start + start, end - start)
    return Slice(items, start, end - start)


def _bounds(value: Any, low: Any, high: Any) -> tuple[Any, int, int]:
    """The sequence to cut, from where and to where."""
    start = 0 if low is None else _slice_index(low)
    kind = type(value)
    if kind not in _INDEXED:
        raise Failure(f"not indexable: {type_name(value)}")
    items = value.items if kind is ImmutableArray else value
    length = byte_length(items) if kind is str else len(items)
    end = length if high is None else _slice_index(high)
    if start > end:
        raise Failure(f"invalid slice index: {start} > {end}")
    return items, min(max(start, 0), length), min(max(end, 0), length)


def _slice_index(value: Any) -> int:
    if type(value) is not int:
        raise Failure(f"invalid slice index type: {type_name(value)}")
    return value


def values(value: Any) -> Iterable[Any]:
    """Iterate as `for x in value` does."""
    kind = type(value)
    if kind is list or kind is Slice:
        return value  # type: ignore[no-any-return]
    if kind is dict or kind is ImmutableMap:
        entries = value if kind is dict else value.items
        return map(entries.get, list(entries))
    return _other(value, kind)


def _other(value: Any, kind: type) -> Iterable[Any]:
    if kind is ImmutableArray:
        return value.items  # type: ignore[no-any-return]
    if kind is str:
        return characters(value)
    if kind in BYTES:
        return bytes(value)
    if value is None:
        return ()
    raise Failure(f"not iterable: {type_name(value)}")


def items(value: Any) -> Iterable[tuple[Any, Any]]:
    """Iterate as `for key, x in value` does."""
    kind = type(value)
    if kind is dict or kind is ImmutableMap:
        entries = value if kind is dict else value.items
        return ((key, entries.get(key)) for key in list(entries))
    return enumerate(value if kind is list or kind is Slice else _other(value, kind))


def steady_values(value: Any) -> Iterable[Any]:
    """As `values`, where the body may splice the array: as many turns as it had items at the start."""
    return (item for _, item in _steady(value)) if type(value) is list else values(value)


def steady_items(value: Any) -> Iterable[tuple[Any, Any]]:
    """As `items`, where the body may splice the array."""
    return _steady(value) if type(value) is list else items(value)


def _steady(array: list[Any]) -> Iterator[tuple[int, Any]]:
    for index in range(len(array)):
        yield index, array[index] if index < len(array) else None


def spread(value: Any) -> list[Any]:
    """The items of `value...`."""
    if type(value) is list:
        return value
    if type(value) in ARRAYS:
        return list(value.items)
    raise Failure(f"not an array: {type_name(value)}")


def append(array: Any, *more: Any) -> Any:
    """append(array, items...): a new array; a slice goes on in its array's storage as long as that reaches."""
    if not more:
        raise Failure("wrong number of arguments in call to 'builtin-function:append'")
    if type(array) is list:
        return [*array, *more]
    if type(array) in ARRAYS:
        return extended(array.items if type(array) is ImmutableArray else array, more)
    raise Failure(
        "invalid type for argument 'first' in call to 'builtin-function:append': "
        f"expected array, found {type_name(array)}"
    )


def append_one(array: Any, item: Any) -> Any:
    """`array = append(array, item)` where the variable is a list's only name: the same list, longer. Nobody can tell."""
    if type(array) is list and _references(array) <= _UNSHARED:
        array.append(item)
        return array
    return append(array, item)


def append_if_same(array: Any, item: Any, now: Any) -> Any:
    """As `append_one`, where the variable may have got another value while the item was made: `now` is what it holds after that.

    The old value may then have one name as well, but that is somebody else's.
    """
    if array is now and type(array) is list and _references(array) <= _UNSHARED_TWICE:
        array.append(item)
        return array
    return append(array, item)


_references = sys.getrefcount
_UNSHARED = 0
_UNSHARED_TWICE = 0


def _calibrate() -> None:
    """How many references this interpreter counts for a list with one name that is passed as the two functions above get it."""
    global _UNSHARED, _UNSHARED_TWICE

    def count(array: Any, item: Any) -> int:
        return _references(array) if type(array) is list else 0

    def count_twice(array: Any, item: Any, now: Any) -> int:
        return _references(array) if array is now and type(array) is list else 0

    def measure() -> int:
        name: list[Any] = []
        return count(name, None)

    def measure_twice() -> int:
        name: list[Any] = []

        def from_within() -> int:
            return count_twice(name, None, name)

        return from_within()

    _UNSHARED, _UNSHARED_TWICE = measure(), measure_twice()


_calibrate()
