"""Functions on texts and symbols, and what is written to the log."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys.runtime.formatting import format_text
from scripting.sandbox.languages.zygomys.runtime.shown import shown, text_of
from scripting.sandbox.languages.zygomys.runtime.values import Raw, Symbol, fail


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        fail(name, "string required, got string" if name in {"chomp", "trim"} else "argument must be string")
    return str(value)


def stringify(value: Any, /) -> str:
    """(str value)"""
    return shown(value)


def chomp(value: Any, /) -> str:
    return _text("chomp", value).removesuffix("\n")


def trim(value: Any, /) -> str:
    return _text("trim", value).strip(" \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + _SPACES)


_SPACES = "".join(map(chr, range(0x2000, 0x200B)))


def split(value: Any, separator: Any, /) -> list[str]:
    if not isinstance(value, str) or not isinstance(separator, str):
        fail("split", "split requires strings")
    return str(value).split(separator) if separator else list(value)


def nsplit(value: Any, /) -> list[str]:
    if not isinstance(value, str):
        fail("nsplit", "nsplit requires a string")
    return str(value).split("\n")


def sym2str(value: Any, /) -> str:
    if type(value) is not Symbol:
        fail("sym2str", "argument must be symbol")
    return str(value.name)


def str2sym(value: Any, /) -> Symbol:
    if not isinstance(value, str):
        fail("str2sym", "argument must be string")
    return Symbol(str(value))


def sprintf(pattern: Any = None, /, *arguments: Any) -> str:
    return format_text(text_of(pattern), arguments)


def raw2str(value: Any, /) -> str:
    if type(value) is not Raw and not isinstance(value, bytes):
        fail("raw2str", "argument must be raw")
    data = value.data if isinstance(value, Raw) else bytes(value)
    return data.decode("utf-8", "surrogateescape")


def printing(print_: Callable[..., None]) -> dict[str, Callable[..., Any]]:
    """println, print and printf: what they write to the log of the run; printf goes on in the line that it does not end."""

    def println(value: Any, /, *_: Any) -> None:
        print_(text_of(value))

    def printf(pattern: Any, /, *arguments: Any) -> None:
        text = text_of(pattern)
        text = format_text(text, arguments) if arguments else text
        if text.endswith("\n"):
            print_(text[:-1])
        else:
            print_(text, end="")

    return {"println": println, "print": println, "printf": printf}


def counting() -> Callable[..., Symbol]:
    """(gensym prefix): symbols that differ from each other."""
    count = itertools.count(1)

    def gensym(prefix: Any = "__gensym", /) -> Symbol:
        if not isinstance(prefix, str):
            fail("gensym", "argument must be string")
        return Symbol(f"{prefix}{next(count)}")

    return gensym
