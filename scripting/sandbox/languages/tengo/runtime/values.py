"""Tengo's values as Python objects: what is plain stays plain, what Python lacks has a class here.

int, float, bool, string, array and map are int, float, bool, str, list and dict; undefined is None; bytes are bytearray (bytes
from the context are taken as they are); functions are Python functions. A string may hold bytes that are no UTF-8, each as a lone
surrogate, as Python's own `surrogateescape` has them.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.runtime.slices import Slice


class Failure(Exception):
    """A run-time error of a script: it ends the run."""


class Miss(Exception):
    """The quick way does not hold here: take the general one."""


def miss() -> Any:
    """Leave the quick way."""
    raise Miss


MISSES = (Miss, Failure, KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError, OverflowError, MemoryError)
"""Raised by the fast path where only the general path knows what to do; of two failures it knows which comes first."""


class Char:
    """'c': a code point, 32 bits."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code

    def __eq__(self, other: object) -> bool:
        return type(other) is Char and other.code == self.code

    def __hash__(self) -> int:
        return hash(("char", self.code))

    def __bool__(self) -> bool:
        return self.code != 0


class Error:
    """error(value): falsy, equal to nothing but itself."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return False


class ImmutableArray:
    """immutable([…]): shares the items of the array that it was made from."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any] | Slice) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return self.items == (other.items if type(other) is ImmutableArray else other)

    __hash__ = None  # type: ignore[assignment]


class ImmutableMap:
    """immutable({…}) and every module: shares the entries of the map that it was made from."""

    __slots__ = ("items",)

    def __init__(self, items: dict[str, Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: Any) -> Any:
        return self.items[key]

    def __contains__(self, key: object) -> bool:
        return key in self.items

    def __eq__(self, other: object) -> bool:
        return self.items == (other.items if type(other) is ImmutableMap else other)

    __hash__ = None  # type: ignore[assignment]


class Time:
    """A moment: nanoseconds since 1970 UTC, and the place whose clocks show it."""

    __slots__ = ("nanoseconds", "zone")

    def __init__(self, nanoseconds: int, zone: Any = None) -> None:
        self.nanoseconds = nanoseconds
        self.zone = zone

    def __eq__(self, other: object) -> bool:
        return type(other) is Time and other.nanoseconds == self.nanoseconds

    def __hash__(self) -> int:
        return hash(("time", self.nanoseconds))

    def __bool__(self) -> bool:
        return self.nanoseconds != ZERO_TIME_NS


ZERO_TIME_NS = -62_135_596_800 * 1_000_000_000
"""The first of January of the year 1, which is Go's zero time."""

BYTES = (bytearray, bytes)
ARRAYS = (list, ImmutableArray, Slice)
MAPS = (dict, ImmutableMap)

_NAMES: dict[type, str] = {
    int: "int",
    float: "float",
    bool: "bool",
    str: "string",
    list: "array",
    Slice: "array",
    dict: "map",
    type(None): "undefined",
    bytearray: "bytes",
    bytes: "bytes",
    Char: "char",
    Error: "error",
    Time: "time",
    ImmutableArray: "immutable-array",
    ImmutableMap: "immutable-map",
}


def native(function: Callable[..., Any], name: str, kind: str = "user-function") -> Callable[..., Any]:
    """Say that this Python function is one of the language's own; its type is `kind:name`, which its errors name too."""
    function.__name__ = function.__qualname__ = f"{kind}:{name}"
    return function


def is_compiled(value: Any) -> bool:
    """Whether it is a function written in Tengo: their Python names carry a slash, which no other function's do."""
    return type(value) is types.FunctionType and "/" in value.__code__.co_name


def is_callable(value: Any) -> bool:
    """Whether it can be called."""
    return isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType))


def type_name(value: Any) -> str:
    """The type's name, as `type_name` gives it."""
    name = _NAMES.get(type(value))
    if name is not None:
        return name
    if is_compiled(value):
        return "compiled-function"
    if not is_callable(value):
        return "object"
    own = str(value.__name__)
    return own if ":" in own else f"user-function:{own}"


def is_falsy(value: Any) -> bool:
    """undefined, false, 0, NaN, what is empty, the zero char and time, and every error."""
    return value != value if type(value) is float else not value


def truth(value: Any) -> bool:
    """The opposite of is_falsy."""
    return value == value if type(value) is float else bool(value)


def equals(left: Any, right: Any) -> bool:
    """`==`: numbers by value, bools only with bools, arrays and maps by what is in them, functions with nothing."""
    first, second = type(left), type(right)
    if first is bool or second is bool:
        return left is right
    if first in _NUMBERS and second in _NUMBERS:
        return bool(left == right if first is second else float(left) == float(right))
    if first in _SCALARS or second in _SCALARS:
        return bool(left == right)
    if first in ARRAYS and second in ARRAYS:
        return _same_items(left if first is list else left.items, right if second is list else right.items)
    if first in MAPS and second in MAPS:
        return _same_entries(left if first is dict else left.items, right if second is dict else right.items)
    return left is right and not is_callable(left)


def _same_items(left: list[Any] | Slice, right: list[Any] | Slice) -> bool:
    return len(left) == len(right) and all(map(equals, left, right))


def _same_entries(left: dict[str, Any], right: dict[str, Any]) -> bool:
    if len(left) != len(right):
        return False
    return all(key in right and equals(value, right[key]) for key, value in left.items())


NESTS = frozenset({*ARRAYS, *MAPS})
"""Types of values that hold values."""
_NUMBERS = frozenset({int, float})
_SCALARS = frozenset({str, type(None), bytearray, bytes, Char, Time, int, float})


def immutable(value: Any) -> Any:
    """As `immutable(value)`: arrays and maps frozen at their own level, everything else as it is."""
    if type(value) is list or type(value) is Slice:
        return ImmutableArray(value)
    if type(value) is dict:
        return ImmutableMap(value)
    return value


def copy(value: Any) -> Any:
    """As `copy(value)`: a deep copy, mutable all through."""
    kind = type(value)
    if kind is list:
        return [copy(item) for item in value]
    if kind is ImmutableArray or kind is Slice:
        return [copy(item) for item in value.items]
    if kind is dict or kind is ImmutableMap:
        entries = value if kind is dict else value.items
        return {key: copy(item) for key, item in entries.items()}
    if kind is Error:
        return Error(copy(value.value))
    return bytearray(value) if kind in BYTES else value


def freeze(value: Any, memo: dict[int, Any]) -> Any:
    """As `freeze(value)`: arrays and maps frozen all through; what contains itself is frozen once."""
    kind = type(value)
    if kind in {list, dict, Slice}:
        if id(value) in memo:
            return memo[id(value)]
        frozen: ImmutableArray | ImmutableMap = ImmutableMap({}) if kind is dict else ImmutableArray([])
        memo[id(value)] = frozen
        if isinstance(frozen, ImmutableArray):
            frozen.items = [freeze(item, memo) for item in value]
        else:
            frozen.items = {key: freeze(item, memo) for key, item in value.items()}
        return frozen
    if kind is ImmutableArray:
        items = [freeze(item, memo) for item in value.items]
        return value if all(map(_identical, items, value.items)) else ImmutableArray(items)
    if kind is ImmutableMap:
        entries = {key: freeze(item, memo) for key, item in value.items.items()}
        return value if all(map(_identical, entries.values(), value.items.values())) else ImmutableMap(entries)
    return value


def _identical(left: Any, right: Any) -> bool:
    return left is right
