"""The library's regular expressions remember what they compiled: by plain text alone, so that no run leaves objects to the next.

A script's own kind of text has its own `__eq__` and `__hash__`. Kept as a key, it would answer for the patterns of later runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def exact(value: Any) -> Any:
    """The value; if it is of a class derived from str, bytes or int, the plain text or number in it."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes.__getitem__(value, slice(None))
    return int.__index__(value) if isinstance(value, int) else value


def remember_plain_text_only() -> None:
    """In this process, for good: what the functions of re keep is kept under plain text and numbers."""
    library: Any = re
    library._compile = _plain_compile(library._compile)
    for name in ("_compile_repl", "_compile_template"):  # of replacements: until 3.11, and since
        if hasattr(library, name):
            setattr(library, name, _plain_template(getattr(library, name)))


def _plain_compile(compile_: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def plain_compile(pattern: Any, flags: Any) -> Any:
        if type(pattern) not in _PATTERNS:
            pattern = exact(pattern)
        return compile_(pattern, flags if type(flags) in _FLAGS else exact(flags))

    return plain_compile


def _plain_template(compile_: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def plain_template(first: Any, second: Any) -> Any:
        return compile_(exact(first), exact(second))

    return plain_template


_PATTERNS = frozenset({str, bytes, re.Pattern})
_FLAGS = frozenset({int, re.RegexFlag})
