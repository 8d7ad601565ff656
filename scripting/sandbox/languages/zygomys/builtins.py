"""The language's own functions by name."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys.runtime import hashes, numbers, sequences, texts, times, types
from scripting.sandbox.languages.zygomys.runtime.types import TYPES, Pointer, type_of
from scripting.sandbox.languages.zygomys.runtime.values import (
    Char,
    Failure,
    Lazy,
    Pair,
    Symbol,
    Uint64,
    fail,
    go_name,
    is_function,
    is_list,
    truth,
)  # fmt: skip
from scripting.sandbox.languages.zygomys.stdlib import encodings, regexps
from scripting.sandbox.library import dice


def _is_number(value: Any, /) -> bool:
    return type(value) is not bool and (isinstance(value, (int, float)) or type(value) is Char)


def _is_zero(value: Any, /) -> bool:
    return value.code == 0 if type(value) is Char else _is_number(value) and value == 0


def _is_nan(value: Any, /) -> bool:
    return isinstance(value, float) and value != value


def _stop(message: Any = "stop", /) -> Any:
    fail("stop", str(message) if isinstance(message, str) else "stop")


def _symnum(symbol: Any, /) -> int:
    if type(symbol) is not Symbol:
        fail("symnum", "argument must be symbol")
    return zlib.crc32(symbol.name.encode("utf-8", "surrogateescape"))


def _force(value: Any, /) -> Any:
    return value.force() if type(value) is Lazy else value


def _substitute(value: Any, /) -> Any:
    return value.expression if type(value) is Lazy else value


def _times(first: Any, *more: Any) -> Any:
    return numbers.mul(first, *more) if more else types.pointer_to(first)


def _deref_set(pointer: Any, value: Any, /) -> Any:
    if type(pointer) is not Pointer:
        fail("derefSet", f"derefSet only operates on pointers (*SexpPointer); we saw {go_name(pointer)} instead")
    target = pointer.target
    if isinstance(target, dict) and isinstance(value, dict) and type_of(target) == type_of(value):
        target.clear()
        target.update(value)
    elif type(target) is type(value) and not isinstance(target, dict):
        pointer.target = value
    else:
        fail("derefSet", f"cannot assign type '{type_of(value)}' to type '{type_of(target)}'")


def _assigned(*_: Any) -> Any:
    fail("=", "assignment needs left-hand-side argument to be a symbol")


def _unavailable(name: str, why: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        fail(name, why)

    return refuse


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": numbers.add, "-": numbers.sub, "*": _times, "/": numbers.div, "**": numbers.power,
    "mod": numbers.mod, "sll": numbers.shift_left, "sra": numbers.shift_right, "srl": numbers.shift_logical,
    "bitAnd": numbers.bit_and, "bitOr": numbers.bit_or, "bitXor": numbers.bit_xor, "bitNot": numbers.bit_not,
    "asUint64": numbers.as_uint64,
    "<": numbers.lt, ">": numbers.gt, "<=": numbers.le, ">=": numbers.ge, "==": numbers.eq, "!=": numbers.ne,
    "isnan": _is_nan, "isNaN": _is_nan, "not": lambda value, /: not truth(value),
    "list?": lambda value, /: is_list(value), "null?": lambda value, /: value is None,
    "array?": lambda value, /: type(value) is list, "hash?": lambda value, /: isinstance(value, dict),
    "number?": _is_number, "int?": lambda value, /: type(value) is int, "float?": lambda value, /: isinstance(value, float),
    "char?": lambda value, /: type(value) is Char, "symbol?": lambda value, /: type(value) is Symbol,
    "string?": lambda value, /: isinstance(value, str), "zero?": _is_zero, "empty?": sequences.is_empty,
    "func?": lambda value, /: is_function(value), "type?": type_of,
    "cons": sequences.cons, "list": sequences.list_, "array": sequences.array, "makeArray": sequences.make_array,
    "first": sequences.first, "second": sequences.second, "rest": sequences.rest, "car": sequences.first,
    "cdr": sequences.rest, "len": sequences.length, "append": sequences.append, "appendslice": sequences.append_slice,
    "concat": sequences.concat, "slice": sequences.cut, "sget": sequences.sget, "apply": sequences.apply,
    "map": sequences.map_, "flatten": sequences.flatten, "quotelist": sequences.quotelist,
    "aget": lambda array, index, *default: hashes.aget(array, index, *default[:1]), "aset": hashes.aset,
    "hash": hashes.make_hash, "hget": hashes.hget, "hset": hashes.hset, "hdel": hashes.hdel, "keys": hashes.keys,
    "hpair": hashes.hpair, "->": hashes.thread, "arrayidx": sequences.array_index, "hashidx": sequences.hash_index,
    "msgmap": hashes.msgmap, "field": hashes.make_field, ":": hashes.COLON,
    "str": texts.stringify, "sprintf": texts.sprintf, "chomp": texts.chomp, "trim": texts.trim, "split": texts.split,
    "nsplit": texts.nsplit, "sym2str": texts.sym2str, "str2sym": texts.str2sym, "joinsym": sequences.joinsym,
    "symnum": _symnum, "raw": encodings.raw, "raw2str": texts.raw2str, "base64": encodings.to_base64,
    "unbase64": encodings.unbase64, "flipbase64": encodings.flipbase64, "isbase64": encodings.is_base64,
    "raw64": encodings.raw64, "copyraw": encodings.copyraw, "json": encodings.json, "json2": encodings.json2,
    "unjson": encodings.unjson, "msgpack": encodings.msgpack, "unmsgpack": encodings.unmsgpack,
    "force": _force, "substitute": _substitute, "stop": _stop, "&": types.address_of, "deref": types.deref,
    "derefSet": _deref_set, "GOOS": lambda: "linux", "=": _assigned, ":=": _assigned,
    "now": times.now, "millis": times.millis, "astm": times.astm, "date": times.date, "dur": times.dur,
    "nextBusinessDay": times.next_business_day, "timeit": times.timeit, "random": lambda *_: dice.rand(),
    "regexpCompile": regexps.compile_, "regexpFind": regexps.find, "regexpFindIndex": regexps.find_index,
    "regexpMatch": regexps.match, "sliceOf": types.slice_of, "ptr": types.pointer_to,
}  # fmt: skip

NAMED = "builtin:"
"""How the Python names of these functions begin, for the errors that name them."""


def named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(function, "__qualname__", "").startswith(NAMED):
        other = function

        def function(*arguments: Any) -> Any:
            return other(*arguments)

    function.__name__ = name
    function.__qualname__ = NAMED + name
    return function


FUNCTIONS: dict[str, Any] = {name: named(name, function) for name, function in _FUNCTIONS.items()}
CONSTANTS: dict[str, Any] = {"null": None, "nil": None, **TYPES}


def for_run(print_: Callable[..., None]) -> dict[str, Any]:
    """Those that write to the log of a run."""
    return {name: named(name, function) for name, function in texts.printing(print_).items()}


def new_gensym() -> Callable[..., Any]:
    """(gensym prefix) of one run."""
    return named("gensym", texts.counting())


def problem_of(error: BaseException) -> str:
    """Its text."""
    return str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"


__all__ = ["CONSTANTS", "FUNCTIONS", "NAMED", "Pair", "Uint64", "for_run", "problem_of"]
