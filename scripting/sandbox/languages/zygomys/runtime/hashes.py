"""Hashes and fields: keys, selections, dotted paths, records of packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from scripting.sandbox.languages.zygomys.runtime import values
from scripting.sandbox.languages.zygomys.runtime.numbers import record_name
from scripting.sandbox.languages.zygomys.runtime.shown import shown
from scripting.sandbox.languages.zygomys.runtime.values import (
    ArrayKey,
    Char,
    Failure,
    Key,
    Mark,
    Package,
    Record,
    Symbol,
    Verbatim,
    fail,
    go_name,
    make_list,
)  # fmt: skip

_MISSING = object()
_HASHES = (dict, Record)


def is_hash(value: Any) -> bool:
    return isinstance(value, dict)


def key_of(key: Any) -> Any:
    """The key of a dict that this value is. Raises Failure for what can be none."""
    kind = type(key)
    if kind is Symbol:
        return key.name
    if kind is int or kind is Char:
        return key
    if kind is str or kind is Verbatim:
        return Key(key)
    if kind is list:
        if len(key) == 1:
            return key_of(key[0])
        return ArrayKey(list(key), shown(key))
    if kind is Key:
        return key
    raise Failure(f"cannot hash type {go_name(key)}")


def shown_key(key: Any) -> Any:
    """The value that a key of a dict stands for."""
    kind = type(key)
    if kind is str:
        return Symbol(key)
    if kind is Key:
        return str(key)
    return list(key.items) if kind is ArrayKey else key


def pairs(name: str, arguments: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Keys and values in turn, colons and commas left out."""
    given = [item for item in arguments if type(item) is not Mark and item is not COLON]
    if len(given) % 2:
        fail(name, "hash requires even number of arguments")
    for index in range(0, len(given), 2):
        try:
            yield key_of(given[index]), given[index + 1]
        except Failure as problem:
            fail(name, str(problem))


def COLON(*_: Any) -> Any:  # noqa: N802 - the function `:`, which stands between keys and values
    raise Failure("the colon is written before the key: (:key hash)")


def make_hash(*arguments: Any) -> dict[Any, Any]:
    return dict(pairs("hash", arguments))


def missing(hash_: Any, key: Any, name: str = "hget") -> Any:
    text = key if type(key) is str else shown(shown_key(key))
    fail(name, f"{record_name(hash_)} has no field '{text}' [err 1]")


def hget(container: Any, key: Any, default: Any = _MISSING, /) -> Any:
    if isinstance(container, dict):
        if (type(key) is Symbol and "." in key.name[1:]) or (type(key) is Symbol and key.name[:1] == "."):
            return path(container, tuple(key.name.lstrip(".").split(".")))
        try:
            found = key_of(key)
        except Failure as problem:
            fail("hget", str(problem))
        value = container.get(found, default)
        if value is _MISSING:
            missing(container, found)
        return value
    if type(container) is list:
        return aget(container, key, default, "hget")
    fail("hget", "first argument to hget function must be hash or array")


def index_of(key: Any, name: str) -> int:
    kind = type(key)
    if kind is int:
        return int(key)
    if kind is Char:
        return int(key.code)
    fail(name, f"Second argument of aget could not be evaluated to integer; got {shown(key)}")


def aget(container: Any, key: Any, default: Any = _MISSING, name: str = "aget") -> Any:
    if type(container) is not list:
        fail(name, "First argument of aget must be array")
    index = index_of(key, name)
    if 0 <= index < len(container):
        return container[index]
    if default is _MISSING:
        fail(name, "Array index out of bounds")
    return default


def aset(container: Any, key: Any, value: Any, /) -> None:
    if type(container) is not list:
        fail("aset", "First argument of aget must be array")
    index = index_of(key, "aset")
    if not 0 <= index < len(container):
        fail("aset", "Array index out of bounds")
    container[index] = value


def store(container: Any, key: Any, value: Any) -> None:
    """container[key] = value, a key of the dict; the types of a struct's fields hold."""
    check = getattr(container, "check", None)
    if check is not None:
        check(key, value)
    container[key] = value


def hset(container: Any, *rest: Any) -> None:
    given = [item for item in rest if item is not COLON]
    if not isinstance(container, dict):
        fail("hset", "first argument to h* function must be hash")
    if len(given) != 2:
        fail("hset", "wrong number of arguments")
    try:
        store(container, key_of(given[0]), given[1])
    except Failure as problem:
        fail("hset", str(problem))


def hdel(container: Any, key: Any, /) -> None:
    if not isinstance(container, dict):
        fail("hdel", "first argument to h* function must be hash")
    try:
        container.pop(key_of(key), None)
    except Failure as problem:
        fail("hdel", str(problem))


def keys(container: Any, /) -> list[Any]:
    if not isinstance(container, dict):
        fail("keys", "first argument to h* function must be hash")
    return [shown_key(key) for key in container]


def hpair(container: Any, position: Any, /) -> Any:
    if type(position) is not int:
        fail("hpair", "hpair position request must be an integer")
    if isinstance(container, dict):
        if not 0 <= position < len(container):
            fail("hpair", f"hpair position request {position} out of bounds")
        key = list(container)[position]
        return make_list([shown_key(key), container[key]])
    if type(container) is list:
        if not 0 <= position < len(container):
            fail("hpair", f"hpair position request {position} out of bounds")
        return make_list([position, container[position]])
    fail("hpair", "first argument to hpair function must be hash, list, or array")


def entries(container: Any) -> Iterable[tuple[Any, Any]]:
    """Keys and values for a loop, as long as the container was when it began."""
    kind = type(container)
    if kind is list:
        return enumerate(container)
    if isinstance(container, dict):
        return _hash_entries(container)
    if isinstance(container, str):
        if container:
            fail("hpair", "first argument to hpair function must be hash, list, or array")
        return ()
    if container is None:
        return ()
    fail("len", "argument must be string, list, hash, or array")


def _hash_entries(container: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for key in list(container):
        if key in container:
            yield Symbol(key) if type(key) is str else shown_key(key), container[key]


def range_entries(container: Any) -> Iterable[tuple[Any, Any]]:
    """As `for k, v := range …` of infix walks."""
    if type(container) is list or isinstance(container, dict):
        return entries(container)
    if type(container) is int or type(container) is values.Uint64:
        fail("__rangePair", "two-variable range over integer is not supported")
    fail("__rangeLen", f"range expects array, hash, or integer; got {go_name(container)}")


def range_keys(container: Any) -> Iterable[Any]:
    """As `for k := range …` of infix walks."""
    if type(container) is int:
        return range(container)
    if type(container) is values.Uint64:
        return range(container.number)
    if type(container) is list:
        return range(len(container))
    if isinstance(container, dict):
        return [shown_key(key) for key in container]
    fail("__rangeLen", f"range expects array, hash, or integer; got {go_name(container)}")


# Fields: (:name h), h.name, {h[key]}


def field(container: Any, name: str) -> Any:
    """container.name, one step of a dotted symbol."""
    if isinstance(container, dict):
        try:
            return container[name]
        except KeyError:
            raise Failure(f"{record_name(container)} has no field '{name}' [err 1]") from None
    if type(container) is Package:
        return container[name]
    raise Failure(f"not a record: cannot get field '{name}' in non-record (instead of type {go_name(container)})")


def path(container: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        container = field(container, name)
    return container


def set_field(container: Any, name: str, value: Any) -> Any:
    if isinstance(container, dict):
        store(container, name, value)
    elif type(container) is Package:
        container.public(name)[1](value)
    else:
        raise Failure(f"not a record: cannot get field '{name}' in non-record (instead of type {go_name(container)})")
    return value


def colon(container: Any, key: Any, evaluated: Callable[[], Any] | None, default: Any = _MISSING) -> Any:
    """(:key container default): of a hash the key as it is written, of an array what it stands for."""
    try:
        if isinstance(container, dict):
            if key is None and evaluated is not None:
                key = evaluated()
            return hget(container, key, default)
        if type(container) is list:
            return aget(container, key if evaluated is None else evaluated(), default)
    except Failure as problem:
        text = str(problem)
        for name in ("hget", "aget"):
            text = text.removeprefix(f"Error calling '{name}': ")
        fail(":", text)
    fail(":", "second argument to ':' function must be hash or array")


def colon_or(container: Any, name: str, default: Any) -> Any:
    """(:name container default)"""
    return container.get(name, default) if type(container) is dict else colon(container, Symbol(name), None, default)


def select(container: Any, selector: list[Any]) -> Any:
    """{container[selector]} as a value."""
    if isinstance(container, dict):
        found = key_of(selector)
        value = container.get(found, _MISSING)
        if value is _MISSING:
            raise Failure(f"{record_name(container)} has no field '{shown(selector)}' [err 1]")
        return value
    if type(container) is not list:
        words = f"ar was not an array, instead '{shown(container)}'/type {go_name(container)}"
        fail("arrayidx", f"bad (arrayidx ar index) call: {words}")
    return container[_position(container, selector)]


def _position(container: list[Any], selector: list[Any]) -> int:
    if len(selector) != 1:
        raise Failure("SexpArraySelector: only size 1 selectors implemented")
    index = selector[0]
    if type(index) is not int:
        raise Failure(f"SexpArraySelector: int selector required; we saw {go_name(index)}")
    if index < 0:
        raise Failure(f"SexpArraySelector: negative indexes not supported; we saw {index}")
    if index >= len(container):
        raise Failure(f"SexpArraySelector: index {index} is out-of-bounds; length is {len(container)}")
    return index


def set_selected(container: Any, selector: list[Any], value: Any) -> Any:
    """{container[selector] = value}"""
    if isinstance(container, dict):
        store(container, key_of(selector), value)
    elif type(container) is list:
        container[_position(container, selector)] = value
    else:
        words = f"ar was not an array, instead '{shown(container)}'/type {go_name(container)}"
        fail("arrayidx", f"bad (arrayidx ar index) call: {words}")
    return value


def cut(container: Any, start: Any, end: Any) -> list[Any]:
    """{container[start:end]}; None stands for what is left out."""
    if type(container) is not list:
        fail("arrayidx", f"bad (arrayidx ar index) call: ar was not an array, instead '{shown(container)}'")
    low = 0 if start is None else start
    high = len(container) if end is None else end
    for bound, name in ((low, "start"), (high, "end")):
        if type(bound) is not int:
            raise Failure(f"SexpArraySelector: {name} slice bound must be int; we saw {go_name(bound)}")
    if low < 0 or high < 0:
        raise Failure(f"SexpArraySelector: negative slice bounds not supported; saw {low}:{high}")
    if low > high:
        raise Failure(f"SexpArraySelector: slice start {low} is greater than end {high}")
    if high > len(container):
        raise Failure(f"SexpArraySelector: slice end {high} is out-of-bounds; length is {len(container)}")
    return container[low:high]


def thread(container: Any, *names: Any) -> Any:
    """(-> hash field: field:)"""
    if not isinstance(container, dict):
        fail("->", "-> error: first argument must be a hash or defmap")
    if not names:
        fail("->", "wrong number of arguments")
    for name in names:
        if not isinstance(container, dict):
            fail(
                "->",
                f"request for field '{shown(name)}' was not on a hash or defmap; instead type {go_name(container)}",
            )
        found = key_of(name)
        if found not in container:
            fail("->", f"-> error: field '{shown(name)}' not found")
        container = container[found]
    return container


def make_field(*arguments: Any) -> Any:
    """(field name: type …)"""
    return Record("field", pairs("field", arguments))


def msgmap(*arguments: Any) -> Any:
    """Make a record of a `defmap`: (msgmap name list)."""
    if not arguments:
        return Record("msgmap")
    name = arguments[0]
    items = values.list_items(arguments[1]) if len(arguments) > 1 else []
    type_name = name.name if type(name) is Symbol else str(name) if isinstance(name, str) else "msgmap"
    if type_name == "hash":
        return dict(pairs("msgmap", items))
    return Record(type_name, pairs("msgmap", items))
