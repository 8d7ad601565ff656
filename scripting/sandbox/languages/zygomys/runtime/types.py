"""Types as values: the names that `type?` gives, the constructors of base types, and records declared with `struct`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys.runtime import hashes
from scripting.sandbox.languages.zygomys.runtime.numbers import record_name
from scripting.sandbox.languages.zygomys.runtime.shown import shown
from scripting.sandbox.languages.zygomys.runtime.values import (
    Char,
    Date,
    Duration,
    Failure,
    Key,
    Lazy,
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
    fail,
    go_name,
    is_function,
)  # fmt: skip

_NAMES: dict[type, str] = {
    int: "int64", float: "float64", Scientific: "float64", bool: "bool", str: "string", Verbatim: "string", Key: "string",
    list: "array", Vector: "array", type(None): "nil", Char: "char", Uint64: "uint64", Symbol: "symbol", Pair: "list",
    Raw: "raw", bytes: "raw", bytearray: "raw", Moment: "time.Time", Duration: "time.Duration", Date: "", Pattern: "",
    Lazy: "lazyArg", Package: "package",
}  # fmt: skip
_WORDS = {"char": "int32"}


def type_of(value: Any, /) -> str:
    """Return the name that `type?` gives."""
    name = _NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, dict):
        return record_name(value)
    if type(value) is Pointer:
        return f"*{assigned_type(value.target) or ''}"
    return "func" if is_function(value) else "regtype"


class Type:
    """A type as a value: `int64`, a struct, a slice or pointer of another. Called, it makes a value."""

    def __init__(self, name: str, make: Callable[..., Any] | None = None, text: str = "") -> None:
        self.name = name
        self.make = make
        self.text = text or name

    def __call__(self, *arguments: Any) -> Any:
        if self.make is None:
            fail(self.name, "this type makes no values")
        return self.make(*arguments)

    def zygomys_text(self) -> str:
        return self.text

    def zygomys_order(self, other: Any) -> int:
        if type(other) is not Type and type(other) is not Struct:
            raise Failure(f"cannot compare *zygo.RegisteredType to {go_name(other)}")
        return 0 if self is other or self.name == other.name else 1


class Pointer:
    """(& value): refers to a value; it is what `*` gives back."""

    __slots__ = ("target",)

    def __init__(self, target: Any) -> None:
        self.target = target

    def zygomys_text(self) -> str:
        return "pointer"

    def zygomys_order(self, other: Any) -> int:
        if type(other) is not Pointer:
            raise Failure(f"err 99: cannot compare *zygo.SexpPointer to {go_name(other)}")
        mine, theirs = self.target, other.target
        same = mine is theirs or (type(mine) is type(theirs) and not isinstance(mine, (dict, list)) and mine == theirs)
        return 0 if same else 1


def assigned_type(value: Any) -> str:
    """The type that a variable holds its values to; empty where it holds none (lists, functions, nil, times)."""
    kind = type(value)
    if kind is list or kind is Vector:
        return f"[]{assigned_type(value[0])}" if value and assigned_type(value[0]) else "[]" if not value else ""
    if kind is Pair or kind is Moment or value is None or kind is Lazy or is_function(value):
        return ""
    if kind is Pointer:
        return f"*{assigned_type(value.target)}"
    name = type_of(value)
    return "" if name in {"regtype", "raw", "time.Duration"} else _WORDS.get(name, name)


def _short(name: str) -> str:
    if name == "[]":
        return "zygo.SexpArray"
    if name.startswith("[]"):
        return f"({name})"
    return f"(* {_short(name[1:])})" if name.startswith("*") else name


def rebound(old: Any, new: Any) -> Any:
    """The new value of a variable that is bound anew in its own scope: of the same type. Raises Failure."""
    if type(old) is type(new) and type(new) in _PLAIN:
        return new
    left, right = assigned_type(old), assigned_type(new)
    if not left or not right or left == right:
        return new
    if left[:1] in "[*" and right[:1] in "[*":
        return new
    raise Failure(f"cannot assign {_short(right)} to {_short(left)}")


_PLAIN = frozenset({int, float, bool, str})


class Struct(Type):
    """(struct Name [fields]): makes records whose fields have types."""

    def __init__(self, name: str, fields: list[tuple[str, Type]]) -> None:
        super().__init__(name, None)
        self.fields = dict(fields)
        rows = "".join([f"  (field {field}: {kind.text} )\n" for field, kind in fields])
        self.text = f"(struct {name} [\n{rows} ])\n" if fields else f"(struct {name})"

    def __call__(self, *arguments: Any) -> Any:
        record = StructRecord(self)
        for key, value in hashes.pairs(self.name, arguments):
            try:
                record.check(key, value)
            except Failure as problem:
                fail(self.name, str(problem))
            dict.__setitem__(record, key, value)
        return record


class StructRecord(Record):
    """A record of a struct: its fields are checked when they are set."""

    __slots__ = ("struct",)

    def __init__(self, struct: Struct) -> None:
        super().__init__(struct.name)
        self.struct = struct

    def check(self, key: Any, value: Any) -> None:
        """Raise Failure where the struct has no such field, or one of another type."""
        struct = self.struct
        declared = struct.fields.get(key) if type(key) is str else None
        if declared is None:
            raise Failure(f"{struct.name} has no field '{key}' [err 2]")
        got = assigned_type(value)
        if value is None or not got or got == declared.name or (got == "[]" and declared.name.startswith("[]")):
            return
        words = f"field {struct.name}.{key} is {_short(declared.name)}, cannot assign {_short(got)} '{shown(value)}'"
        raise Failure(words)


def _base(name: str, zero: Any, kinds: tuple[type, ...], word: str) -> Type:
    def make(*arguments: Any) -> Any:
        if not arguments:
            return zero
        if len(arguments) > 1:
            raise Failure(f"{len(arguments)} is too many arguments for a base type constructor")
        value = arguments[0]
        if type(value) in kinds:
            return value
        if word == "int" and isinstance(value, float):
            return int(value)
        raise Failure(f"cannot convert {go_name(value)} to {word}")

    return Type(name, make)


TYPES: dict[str, Type] = {
    **{
        name: _base(name, 0, (int,), "int")
        for name in "int int8 int16 int32 int64 uint8 uint16 uint32 uint64 byte".split()
    },
    "rune": _base("int32", 0, (int,), "int"),
    "float32": _base("float32", 0.0, (float, Scientific), "float"),
    "float64": _base("float64", 0.0, (float, Scientific), "float"),
    "string": _base("string", "", (str, Verbatim), "string"),
    "bool": _base("bool", False, (bool,), "bool"),
    "error": Type("error"),
    "symbol": Type("symbol"),
}


def slice_of(kind: Any, /) -> Type:
    if not isinstance(kind, Type):
        fail(
            "sliceOf",
            f"argument tx in (sliceOf x) was not regtype, instead type {go_name(kind)} displaying as '{shown(kind)}' ",
        )
    return Type(f"[]{kind.name}", None, f"([]{_short(kind.name)})")


def pointer_to(value: Any) -> Any:
    """(* x): the target of a pointer, or the type of pointers to a type."""
    if isinstance(value, Type):
        return Type(f"*{value.name}", None, f"(* {_short(value.name)})")
    if type(value) is Pointer:
        return value.target
    if type(value) is Variable or value is None:
        fail("*", "illegal to dereference nil pointer")
    return value


class Variable:
    """Return the value of (var name type) until it is assigned."""


def address_of(value: Any, /) -> Pointer:
    return Pointer(value)


def deref(pointer: Any, /) -> Any:
    if type(pointer) is not Pointer:
        fail("deref", f"deref only operates on pointers (*SexpPointer); we saw {go_name(pointer)} instead")
    return pointer.target
