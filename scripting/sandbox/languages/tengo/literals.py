"""Values of literals: numbers, quoted text and characters, read as Go's strconv reads them."""

from __future__ import annotations

import re

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|([0-7]{3})|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_UNDERSCORES = re.compile(r"(?<![0-9A-Fa-f])_|_(?![0-9A-Fa-f])")


class BadLiteral(ValueError):
    """The literal stands for nothing; the text says why, `offset` where in it."""

    def __init__(self, problem: str, offset: int = 0) -> None:
        super().__init__(problem)
        self.offset = offset


def parse_int(text: str, base: int) -> int:
    """As strconv.ParseInt(text, base, 64): base 0 reads prefixes. Raises ValueError, OverflowError when out of range."""
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if base == 0:
        digits, base = _without_prefix(digits)
    elif "_" in digits:
        raise ValueError("invalid syntax")
    if not digits or not digits.isascii() or not digits.isalnum():
        raise ValueError("invalid syntax")
    if base != 10 or len(digits) <= 20:
        value = int(digits, base)
    elif digits.isdigit():
        value = int(digits.lstrip("0")[:25] or "0")
    else:
        raise ValueError("invalid syntax")
    value = -value if text[0] == "-" else value
    if not INT_MIN <= value <= INT_MAX:
        raise OverflowError("value out of range")
    return value


def _without_prefix(digits: str) -> tuple[str, int]:
    """The digits without prefix and underscores, and the base that the prefix stands for."""
    base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2].lower(), 10)
    body = digits[2:] if base != 10 else digits
    if base == 10 and len(digits) > 1 and digits[0] == "0":
        base, body = 8, digits[1:]
    if "_" in body:
        if _UNDERSCORES.search("0" + body):
            raise ValueError("invalid syntax")
        body = body.replace("_", "")
    return body, base


def parse_float(text: str) -> float:
    """As strconv.ParseFloat(text, 64). Raises ValueError, OverflowError when out of range."""
    plain = text
    if "_" in text:
        if _UNDERSCORES.search(text):
            raise ValueError("invalid syntax")
        plain = text.replace("_", "")
    lowered = plain.lower()
    if lowered.lstrip("+-") in {"inf", "infinity", "nan"}:
        return float(lowered)
    if not plain.isascii() or plain.strip() != plain or not any(sign in "0123456789" for sign in plain):
        raise ValueError("invalid syntax")
    if "0x" in lowered:
        if "p" not in lowered:
            raise ValueError("invalid syntax")
        return float.fromhex(plain)
    value = float(plain)
    if value in {float("inf"), float("-inf")}:
        raise OverflowError("value out of range")
    return value


def unquote(quoted: str) -> str:
    """The text that a string literal in double quotes or backquotes stands for. Raises BadLiteral."""
    if quoted[0] == "`":
        return quoted[1:-1].replace("\r", "")
    body = quoted[1:-1]
    if "\\" not in body:
        return body
    parts: list[bytes] = []
    position = 0
    while (escape := body.find("\\", position)) >= 0:
        parts.append(body[position:escape].encode("utf-8", "surrogateescape"))
        match = _ESCAPE.match(body, escape)
        if match is None or match[1] == "'":
            raise BadLiteral("unknown escape sequence", escape + 1)
        value, is_byte = _escaped(match)
        parts.append(bytes((value,)) if is_byte else _encoded(value, escape + 1))
        position = match.end()
    parts.append(body[position:].encode("utf-8", "surrogateescape"))
    return b"".join(parts).decode("utf-8", "surrogateescape")


def unquote_char(quoted: str) -> int:
    """The code point that a character literal stands for. Raises BadLiteral."""
    body = quoted[1:-1]
    if len(body) == 1 and body not in {"\\", "'"}:
        return ord(body)
    match = _ESCAPE.fullmatch(body)
    if match is None:
        raise BadLiteral("unknown escape sequence" if body[:1] == "\\" and len(body) == 2 else "illegal rune literal")
    if match[1] == '"':
        raise BadLiteral("unknown escape sequence", 1)
    value, is_byte = _escaped(match)
    if not is_byte:
        _encoded(value, 1)
    return value


def _escaped(match: re.Match[str]) -> tuple[int, bool]:
    """The number of an escape, and whether it stands for one byte."""
    simple, octal, byte, short, long = match.groups()
    if simple:
        return _SIMPLE[simple], True
    if octal:
        value = int(octal, 8)
        if value > 255:
            raise BadLiteral("escape sequence is invalid Unicode code point", match.start() + 1)
        return value, True
    if byte:
        return int(byte, 16), True
    return int(short or long, 16), False


def _encoded(value: int, offset: int) -> bytes:
    if value > 0x10FFFF or 0xD800 <= value < 0xE000:
        raise BadLiteral("escape sequence is invalid Unicode code point", offset)
    return chr(value).encode()
