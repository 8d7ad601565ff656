"""The values of Zygomys at run, which are also the forms of its code: a text is read into them.

Numbers, booleans, texts and nil are Python's own, arrays are lists, hashes are dicts (so that inputs are taken as they are): a key
that is a symbol is a plain `str` there, a key that is a text is a Key. Functions are Python functions.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn


class Failure(Exception):
    """A run-time error of a script: it ends the run."""


def fail(function: str, problem: str) -> NoReturn:
    """Raise the error of one of the language's own functions, in the original's words."""
    raise Failure(f"Error calling '{function}': {problem}")


class Symbol:
    """A name as a value. In code it also says where it stands."""

    __slots__ = ("colon", "end", "name", "start")

    def __init__(self, name: str, start: int = -1, end: int = -1, *, colon: bool = False) -> None:
        self.name = name
        self.start = start
        self.end = end
        self.colon = colon
        """Written as `name:`."""

    def __eq__(self, other: object) -> bool:
        return type(other) is Symbol and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def is_dotted(self) -> bool:
        return "." in self.name


class Pair:
    """A cell of a list: (head \\ tail). The empty list is None."""

    __slots__ = ("end", "head", "start", "tail")

    def __init__(self, head: Any, tail: Any, start: int = -1, end: int = -1) -> None:
        self.head = head
        self.tail = tail
        self.start = start
        self.end = end


class Vector(list[Any]):
    """An array in code, which says where it stands. What runs has plain lists."""

    __slots__ = ("end", "start")

    def __init__(self, items: Iterable[Any] = (), start: int = -1, end: int = -1) -> None:
        super().__init__(items)
        self.start = start
        self.end = end


class Mark:
    """A comma or a semicolon in code."""

    __slots__ = ("end", "sign", "start")

    def __init__(self, sign: str, start: int = -1, end: int = -1) -> None:
        self.sign = sign
        self.start = start
        self.end = end


class Char:
    """'c': a code point, 32 bits. It computes and compares as its number, and gives chars."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code

    def __eq__(self, other: object) -> bool:
        return other.code == self.code if type(other) is Char else type(other) is int and other == self.code

    def __hash__(self) -> int:
        return hash(self.code)


class Uint64:
    """1ULL: 64 bits without a sign."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number & _MASK

    def __eq__(self, other: object) -> bool:
        return type(other) is Uint64 and other.number == self.number

    def __hash__(self) -> int:
        return hash(("uint64", self.number))


_MASK = (1 << 64) - 1


class Scientific(float):
    """A float that was written with an exponent: it is also shown with one."""

    __slots__ = ()


class Verbatim(str):
    """A text that was written in backticks: it is also shown in them."""

    __slots__ = ()


class Key(str):
    """A text as the key of a hash, beside the symbols, which are plain `str` there."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is Key and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return ~str.__hash__(self)


class ArrayKey:
    """An array as the key of a hash: a copy, found by what is in it."""

    __slots__ = ("items", "text")

    def __init__(self, items: list[Any], text: str) -> None:
        self.items = items
        self.text = text

    def __eq__(self, other: object) -> bool:
        return type(other) is ArrayKey and other.text == self.text

    def __hash__(self) -> int:
        return hash(("array", self.text))


class Record(dict[Any, Any]):
    """A hash with a type of its own: made by what `defmap` or `struct` declares."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str, entries: Iterable[tuple[Any, Any]] = ()) -> None:
        super().__init__(entries)
        self.type_name = type_name


class Raw:
    """Bytes, and whether they are shown in base 64."""

    __slots__ = ("base64", "data")

    def __init__(self, data: bytes, *, base64: bool = False) -> None:
        self.data = data
        self.base64 = base64


class Moment:
    """A time: nanoseconds since 1970 UTC. `local` is the name of the place whose clocks show it."""

    __slots__ = ("nanoseconds", "place")

    def __init__(self, nanoseconds: int, place: str = "UTC") -> None:
        self.nanoseconds = nanoseconds
        self.place = place


class Date:
    """A day of the calendar."""

    __slots__ = ("day", "month", "year")

    def __init__(self, year: int, month: int, day: int) -> None:
        self.year = year
        self.month = month
        self.day = day


class Duration:
    """A span of time in nanoseconds."""

    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds


class Pattern:
    """A compiled regular expression."""

    __slots__ = ("compiled", "text")

    def __init__(self, text: str, compiled: Any) -> None:
        self.text = text
        self.compiled = compiled


class Lazy:
    """An argument that is not evaluated until it is forced: its expression, and how to get its value."""

    __slots__ = ("compute", "expression", "forced", "value")

    def __init__(self, expression: Any, compute: Callable[[], Any] | None, value: Any = None) -> None:
        self.expression = expression
        self.compute = compute
        self.forced = compute is None
        self.value = value

    def force(self) -> Any:
        if not self.forced:
            assert self.compute is not None
            self.value = self.compute()
            self.forced = True
        return self.value


class Package:
    """(package "name" …): the variables of a scope, each read where it is used."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]]) -> None:
        self.name = name
        self.members = members

    def __getitem__(self, name: str) -> Any:
        value = self.members[name][0]() if name in self.members else None
        return value if type(value) is Package else self.public(name)[0]()

    def public(self, name: str) -> tuple[Callable[[], Any], Callable[[Any], None]]:
        """How to read and set a variable that may be used outside. Raises Failure."""
        if name not in self.members:
            raise Failure(f"could not find symbol '{name}' in current package '{self.name}'")
        if not name[:1].isupper():
            raise Failure(f"Cannot access private member '{name}' of package '{self.name}'")
        return self.members[name]


class Unbound:
    """Stands in a variable that has no value yet."""

    __slots__ = ()


UNBOUND = Unbound()


def make_list(items: Iterable[Any], tail: Any = None) -> Any:
    """The list of these items."""
    made = tail
    for item in reversed(items if isinstance(items, (list, tuple)) else list(items)):
        made = Pair(item, made)
    return made


def iterate(value: Any) -> Iterator[Any]:
    """The items of a list; what follows the last backslash is left out."""
    while type(value) is Pair:
        yield value.head
        value = value.tail


def is_list(value: Any) -> bool:
    """Whether it is a list to its end: not (1 \\ 2)."""
    while type(value) is Pair:
        value = value.tail
    return value is None


def list_items(value: Any) -> list[Any]:
    """The items of a proper list. Raises Failure for anything else."""
    items = []
    while type(value) is Pair:
        items.append(value.head)
        value = value.tail
    if value is not None:
        raise Failure("not a list")
    return items


def is_function(value: Any) -> bool:
    """Whether it can be called as a function."""
    return isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType))


def truth(value: Any) -> bool:
    """False, zero (not 0.0) and nil are false, everything else is true."""
    if value is None or value is False:
        return False
    kind = type(value)
    if kind is int:
        return bool(value != 0)
    if kind is Char:
        return bool(value.code != 0)
    if kind is Uint64:
        return bool(value.number != 0)
    return True


_GO_NAMES: dict[type, str] = {
    int: "*zygo.SexpInt", float: "*zygo.SexpFloat", Scientific: "*zygo.SexpFloat", bool: "*zygo.SexpBool", str: "*zygo.SexpStr",
    Verbatim: "*zygo.SexpStr", Key: "*zygo.SexpStr", list: "*zygo.SexpArray", dict: "*zygo.SexpHash", Record: "*zygo.SexpHash",
    type(None): "*zygo.SexpSentinel", Char: "*zygo.SexpChar", Uint64: "*zygo.SexpUint64", Symbol: "*zygo.SexpSymbol",
    Pair: "*zygo.SexpPair", Raw: "*zygo.SexpRaw", bytes: "*zygo.SexpRaw", Moment: "*zygo.SexpTime", Date: "*zygo.SexpDate",
    Duration: "*zygo.SexpDur", Pattern: "*zygo.SexpRegexp", Lazy: "*zygo.SexpLazyArg", Package: "*zygo.Stack",
    Vector: "*zygo.SexpArray",
}  # fmt: skip


def go_name(value: Any) -> str:
    """The type as the original's errors name it."""
    name = _GO_NAMES.get(type(value))
    return name or ("*zygo.SexpFunction" if is_function(value) else "*zygo.RegisteredType")
