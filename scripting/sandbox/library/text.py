"""Text as scripts get it: str, repr, format and print without memory addresses, and format strings that cannot wander."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from scripting.sandbox.library.violation import SecurityViolation
from scripting.sandbox.policy.format_strings import format_problem
from scripting.sandbox.policy.inline import ADDRESS_MARK

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_ADDRESS_BYTES = re.compile(rb" at 0x[0-9A-Fa-f]+")


def scrub(value: Any) -> Any:
    """The value; if it is text that shows an address, without it. `<function f at 0x7f…>` becomes `<function f>`."""
    kind = type(value)
    if kind is str:
        return _ADDRESS.sub("", value) if ADDRESS_MARK in value else value
    if (kind is bytes or kind is bytearray) and ADDRESS_MARK.encode() in value:
        return kind(_ADDRESS_BYTES.sub(b"", value))
    return value


def shown(text: Any) -> Any:
    """A text as it may be shown: the guard of `inline.shown`, for ways that are hardly ever gone."""
    return scrub(text) if ADDRESS_MARK in text else text


def text_of(value: object, /) -> str:
    """str(value) without addresses."""
    text = str(value)
    return _ADDRESS.sub("", text) if ADDRESS_MARK in text else text


class _TextClass(type):
    """Makes ScriptText answer for str: calling it converts, isinstance looks at str."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        text = str(*args, **kwargs)
        return _ADDRESS.sub("", text) if ADDRESS_MARK in text else text

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, str)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, str)

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError("str cannot be changed")

    def __delattr__(cls, name: str) -> None:
        raise AttributeError("str cannot be changed")

    def __repr__(cls) -> str:
        return "<class 'str'>"


class ScriptText(str, metaclass=_TextClass):
    """`str` as scripts have it: converting a value never shows an address."""

    __slots__ = ()


type.__setattr__(ScriptText, "__name__", "str")
type.__setattr__(ScriptText, "__qualname__", "str")


def text_repr(value: object) -> str:
    """repr(value) without addresses."""
    return str(scrub(repr(value)))


def text_ascii(value: object) -> str:
    """ascii(value) without addresses."""
    return str(scrub(ascii(value)))


def text_format(value: object, spec: str = "") -> str:
    """format(value, spec) without addresses."""
    return str(scrub(format(value, spec)))


def _check_template(template: str) -> None:
    problem = format_problem(template)
    if problem:
        raise SecurityViolation(f"in a format string {problem[0]}")


def safe_format(template: str, /, *args: Any, **kwargs: Any) -> str:
    """template.format(…) whose fields may name only what the script itself may name."""
    text = str.__str__(template)
    _check_template(text)
    return str(scrub(str.format(text, *args, **kwargs)))


def safe_format_map(template: str, mapping: Any, /) -> str:
    """template.format_map(mapping), with the same bounds as safe_format."""
    text = str.__str__(template)
    _check_template(text)
    return str(scrub(str.format_map(text, mapping)))


class BoundFormat:
    """`text.format` held in a variable."""

    __slots__ = ("_function", "_template")
    _function: Callable[..., str]
    _template: str

    def __init__(self, function: Callable[..., str], template: str) -> None:
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_template", template)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a format cannot be changed")

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        return self._function(self._template, *args, **kwargs)


BoundFormat.__name__ = BoundFormat.__qualname__ = "builtin_function_or_method"


def text_imod(target: Any, value: Any, /) -> Any:
    """Compute `target %= value`; formatted text shows no memory address."""
    return scrub(operator.imod(target, value))  # type: ignore[no-untyped-call]
