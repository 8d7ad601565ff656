"""Functions on lists, arrays and texts. A slice or an appended array is an array of its own, never one that shares with another."""

from __future__ import annotations

from typing import Any

from scripting.sandbox.languages.tengo.runtime.shown import byte_length, text_bytes
from scripting.sandbox.languages.zygomys.runtime import hashes
from scripting.sandbox.languages.zygomys.runtime.shown import char_text
from scripting.sandbox.languages.zygomys.runtime.values import (
    Char,
    Failure,
    Pair,
    Symbol,
    fail,
    go_name,
    is_function,
    is_list,
    iterate,
    list_items,
    make_list,
)  # fmt: skip

_MAX_BYTES = 1 << 28
_TYPES = "operands have invalid type"


def cons(head: Any, tail: Any, /) -> Pair:
    return Pair(head, tail)


def first(value: Any, /) -> Any:
    if type(value) is Pair:
        return value.head
    if type(value) is list:
        if value:
            return value[0]
        fail("first", "first called on empty array")
    fail("first", _TYPES)


def second(value: Any, /) -> Any:
    if type(value) is Pair:
        if type(value.tail) is Pair:
            return value.tail.head
        fail("second", "list too small for second")
    if type(value) is list:
        if len(value) > 1:
            return value[1]
        fail("second", "array too small for second")
    fail("second", _TYPES)


def rest(value: Any, /) -> Any:
    if type(value) is Pair:
        return value.tail
    if type(value) is list:
        return value[1:]
    if value is None:
        return None
    fail("rest", _TYPES)


def length(value: Any, /) -> int:
    if type(value) is list or isinstance(value, dict):
        return len(value)
    if isinstance(value, str):
        return len(value) if value.isascii() else byte_length(value)
    if value is None:
        return 0
    if type(value) is Pair:
        if not is_list(value):
            fail("len", "ListLen() called on non-list")
        return sum(1 for _ in iterate(value))
    fail("len", "argument must be string, list, hash, or array")


def _text_part(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return char_text(value.code) if type(value) is Char else None


def append(value: Any, item: Any, /) -> Any:
    if type(value) is list:
        return [*value, item]
    if isinstance(value, str):
        part = _text_part(item)
        if part is None:
            fail("append", "second argument is not a char")
        return _joined("append", [value, part])
    fail("append", "First argument of append must be array or string")


def append_slice(value: Any, items: Any, /) -> Any:
    if type(value) is list:
        if type(items) is not list:
            fail("appendslice", "Second argument of appendslice must be slice")
        return value + items
    if isinstance(value, str):
        part = _text_part(items)
        if part is None:
            fail("appendslice", "second argument is not a char")
        return _joined("appendslice", [value, part])
    fail("appendslice", "First argument of append must be array or string")


def _joined(name: str, parts: list[str]) -> str:
    if sum(map(len, parts)) > _MAX_BYTES:
        fail(name, "the text becomes too long")
    return "".join(parts)


def concat(value: Any, *more: Any) -> Any:
    if isinstance(value, str):
        parts = [value]
        for index, item in enumerate(more):
            part = _text_part(item)
            if part is None:
                fail("concat", f"ConcatStr error: {index}-th argument (0-based) is not a string (was {go_name(item)})")
            parts.append(part)
        return _joined("concat", parts)
    if type(value) is list:
        made = list(value)
        for index, item in enumerate(more):
            if type(item) is not list:
                fail("concat", f"ConcatArray error: {index}-th argument (0-based) is not an array")
            made += item
        return made
    if type(value) is Pair:
        return _concat_lists(value, more)
    fail("concat", "expected strings, lists or arrays")


def _concat_lists(value: Pair, more: tuple[Any, ...]) -> Any:
    if not more:
        return value
    *inner, last = more
    items: list[Any] = []
    for part in (value, *inner):
        if not is_list(part):
            fail("concat", "not a list")
        items += iterate(part)
    if not is_list(last):
        fail("concat", "not a list")
    return make_list(items, last)


def cut(value: Any, start: Any, end: Any, /) -> Any:
    """(slice value start end)"""
    bounds = []
    for given, word in ((start, "Second"), (end, "Third")):
        number = given.code if type(given) is Char else given
        if type(number) is not int:
            fail("slice", f"{word} argument of slice must be integer")
        bounds.append(number)
    low, high = bounds
    if type(value) is list:
        if not 0 <= low <= high <= len(value):
            fail("slice", f"slice bounds out of range [{low}:{high}] of {len(value)}")
        return value[low:high]
    if isinstance(value, str):
        if not value.isascii():
            data = text_bytes(value)
            if not 0 <= low <= high <= len(data):
                fail("slice", f"slice bounds out of range [{low}:{high}] of {len(data)}")
            return data[low:high].decode("utf-8", "surrogateescape")
        if not 0 <= low <= high <= len(value):
            fail("slice", f"slice bounds out of range [{low}:{high}] of {len(value)}")
        return str(value)[low:high]
    fail("slice", "First argument of slice must be array or string")


def sget(text: Any, index: Any, /) -> Char:
    if not isinstance(text, str):
        fail("sget", "First argument of sget must be string")
    if type(index) not in {int, Char}:
        fail("sget", "Second argument of sget must be integer")
    number = index.code if type(index) is Char else index
    data = text_bytes(text)
    if not 0 <= number < len(data):
        fail("sget", f"index out of range [{number}] with length {len(data)}")
    return Char(data[number])


def make_array(size: Any, fill: Any = None, /) -> list[Any]:
    if type(size) is not int:
        fail("makeArray", "first argument must be integer")
    if size < 0:
        fail("makeArray", "len out of range")
    return [fill] * size


def array(*items: Any) -> list[Any]:
    return list(items)


def list_(*items: Any) -> Any:
    return make_list(items)


def apply(function: Any, arguments: Any, /) -> Any:
    if not is_function(function):
        fail("apply", "first argument must be function")
    if type(arguments) is list:
        return function(*arguments)
    if type(arguments) is Pair:
        return function(*list_items(arguments))
    fail("apply", "second argument must be array or list")


def map_(function: Any, items: Any, /) -> Any:
    if not is_function(function):
        fail("map", f"first argument must be function, but we had {go_name(function)}")
    if type(items) is list:
        return [function(item) for item in items]
    if type(items) is Pair:
        return make_list([function(item) for item in list_items(items)])
    fail("map", f"second argument must be array or list; we saw {go_name(items)}")


def flatten(*values: Any) -> list[Any]:
    """(flatten …): the words of symbols, texts and lists, one after another."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, str):
            found += str(value).split(" ")
        elif type(value) is Symbol:
            found.append(value.name)
        elif type(value) is Pair:
            found += flatten(*list_items(value))
        else:
            fail("flatten", f"unsupported type {go_name(value)}")
    return found


def joinsym(*parts: Any) -> Any:
    if not parts:
        return None
    names: list[str] = []
    for part in parts:
        items = list_items(part) if type(part) is Pair else part if type(part) is list else [part]
        for item in items:
            if type(item) is not Symbol:
                fail("joinsym", f"error cannot joinsym type '{go_name(item)}'")
            names.append(item.name)
    return Symbol("".join(names))


def quotelist(value: Any, /) -> Any:
    if type(value) is not Pair:
        fail("quotelist", "list required")
    return make_list([make_list([Symbol("quote"), item]) for item in list_items(value)])


def is_empty(value: Any, /) -> bool:
    return value is None or (isinstance(value, (list, dict)) and not value)


def array_index(container: Any, selector: Any, /) -> Any:
    if type(selector) is not list:
        fail("arrayidx", "bad (arrayidx ar index) call: index was not an array")
    return hashes.select(container, selector)


def hash_index(container: Any, selector: Any, /) -> Any:
    if type(selector) is Symbol:
        return hashes.path(container, tuple(selector.name.lstrip(".").split(".")))
    if type(selector) is list:
        return hashes.select(container, selector)
    try:
        return hashes.hget(container, selector)
    except Failure as problem:
        raise Failure(str(problem)) from None
