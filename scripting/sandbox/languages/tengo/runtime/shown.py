"""Values as text: what `string`, `+` and %v make of them, with floats and quotes as Go writes them."""

from __future__ import annotations

import math
from typing import Any

from scripting.sandbox.languages.tengo.runtime.values import (
    ARRAYS,
    BYTES,
    Char,
    Error,
    Failure,
    ImmutableMap,
    Time,
    is_callable,
    is_compiled,
    type_name,
)

_ESCAPES = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}


def shortest(value: float) -> str:
    """The fewest digits that read back as the float, never with an exponent: strconv's 'f' with -1."""
    text = repr(value)
    if "e" not in text and "n" not in text:
        return text.removesuffix(".0")
    if not math.isfinite(value):
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = text.partition("e")
    sign, digits = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
    whole, _, fraction = digits.partition(".")
    point = len(whole) + int(exponent)
    digits = whole + fraction
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """The text in quotes, escaped as strconv.Quote does."""
    if text.isascii() and text.isprintable() and mark not in text and "\\" not in text:
        return f"{mark}{text}{mark}"
    return mark + "".join([_escaped(sign, mark, ascii_only=ascii_only) for sign in text]) + mark


def _escaped(sign: str, mark: str, *, ascii_only: bool) -> str:
    code = ord(sign)
    if sign == mark:
        return "\\" + sign
    if code in _ESCAPES:
        return _ESCAPES[code]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if sign.isprintable() and (code < 127 or not ascii_only):
        return sign
    if code < 32 or code == 127:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def text_of(value: Any) -> str:
    """The text of a value as `string(value)` has it, and `+` after a string: a string as it is."""
    return value if type(value) is str else shown(value)


def shown(value: Any) -> str:
    """The text of a value inside another: a string in quotes."""
    kind = type(value)
    if kind is str:
        return quote(value)
    if kind is int:
        return str(value)
    if kind is float:
        return shortest(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "<undefined>"
    return _shown_other(value)


def _shown_other(value: Any) -> str:
    kind = type(value)
    try:
        if kind in ARRAYS:
            return f"[{', '.join([shown(item) for item in (value if kind is list else value.items)])}]"
        if kind is dict or kind is ImmutableMap:
            entries = value if kind is dict else value.items
            return f"{{{', '.join([f'{key}: {shown(item)}' for key, item in entries.items()])}}}"
    except RecursionError:
        raise Failure("the value contains itself, or is nested too deeply to be shown") from None
    if kind is Char:
        return char_text(value.code)
    if kind in BYTES:
        return bytes_text(value)
    if kind is Error:
        return f"error: {shown(value.value)}"
    if kind is Time:
        from scripting.sandbox.languages.tengo.runtime import moments

        return moments.shown(value)
    if is_callable(value):
        builtin = type_name(value).startswith("builtin-function")
        return "<compiled-function>" if is_compiled(value) else "<builtin-function>" if builtin else "<user-function>"
    return "<object>"


def char_text(code: int) -> str:
    """The character of a code point; the replacement character where there is none."""
    return chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"


def bytes_text(value: bytes | bytearray) -> str:
    """The string of these bytes; what is no UTF-8 is kept byte by byte."""
    return value.decode("utf-8", "surrogateescape")


def text_bytes(text: str) -> bytes:
    """The bytes of a string."""
    return text.encode("utf-8", "surrogateescape")


def byte_length(text: str) -> int:
    """How many bytes a string has: what `len` counts."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def characters(text: str) -> list[Char]:
    """The characters of a string; each byte that is no UTF-8 is one replacement character."""
    return [Char(0xFFFD if 0xDC80 <= code <= 0xDCFF else code) for code in map(ord, text)]
