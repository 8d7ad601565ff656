"""Regular expressions of Go: positions are in bytes. Python's engine backtracks: the run's time limit ends a slow one."""

from __future__ import annotations

from typing import Any

from scripting.sandbox.languages.tengo.runtime import values as tengo
from scripting.sandbox.languages.tengo.runtime.shown import byte_length
from scripting.sandbox.languages.tengo.stdlib.regexps import compile_pattern
from scripting.sandbox.languages.zygomys.runtime.values import Pattern, fail


def compile_(text: Any, /, *_: Any) -> Pattern:
    if not isinstance(text, str):
        fail("regexpCompile", "argument of regexpCompile should be a string")
    try:
        return Pattern(str(text), compile_pattern(str(text)))
    except tengo.Failure as problem:
        fail("regexpCompile", f"error during regexpCompile: '{problem}'")


def _checked(name: str, pattern: Any, text: Any) -> tuple[Any, str]:
    if not isinstance(text, str):
        fail(name, f"2nd argument of {name} should be a string")
    if type(pattern) is not Pattern:
        fail(name, f"1st argument of {name} should be a compiled regular expression")
    return pattern.compiled, str(text)


def find(pattern: Any, text: Any, /) -> str:
    compiled, hay = _checked("regexpFind", pattern, text)
    match = compiled.search(hay)
    return str(match[0]) if match else ""


def find_index(pattern: Any, text: Any, /) -> list[int]:
    compiled, hay = _checked("regexpFindIndex", pattern, text)
    match = compiled.search(hay)
    return [byte_length(hay[:place]) for place in match.span()] if match else []


def match(pattern: Any, text: Any, /) -> bool:
    compiled, hay = _checked("regexpMatch", pattern, text)
    return compiled.search(hay) is not None
