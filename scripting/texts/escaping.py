"""Untrusted text and values made fit to show: control and bidirectional characters visible, no NUL, no lone surrogate."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

# C0 and C1 controls but newline and tab, line and paragraph separators, bidirectional controls, zero-width characters
# that hide text, the byte order mark, and surrogates, which no database or page can hold.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
    "|[\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""`text` with every character that could deceive a reader or break a store written as `\x00` or `\u202e`."""
    if text.isascii() and text.isprintable():  # nearly all text, and quicker told than by looking for what is not there
        return text
    return _UNSAFE.sub(_escape, text)


def one_line(text: str, limit: int = 500) -> str:
    """`visible` text on one line, cut at `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():  # as it mostly is
        return text
    flat = visible(text).replace("\n", "⏎").replace("\t", " ")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def display(value: Any, limit: int = 4000, *, packed: bytes | None = None) -> str:
    """Plain data as text to show and search: JSON, but for NaN and bytes, which JSON has not; cut at `limit` characters.

    `packed` is the value's msgpack, where that is at hand: it tells whether msgspec, which is quicker, writes the same text.
    """
    text = (
        _shown(value) if packed is None or _is_spelled_otherwise(packed) else _spaced(_json(value), indent=0).decode()
    )
    if len(text) <= limit and text.isascii() and "\x7f" not in text:
        return text  # JSON has escaped all other controls
    return visible(text if len(text) <= limit else text[: limit - 1] + "…")


def _is_spelled_otherwise(packed: bytes) -> bool:
    """Whether msgspec's JSON of a value may differ from Python's: it holds bytes, NaN, or a float that is written with an exponent.

    Told from the tags of msgpack, so that it is also said of some values that only look so.
    """
    return (
        b"\xc4" in packed
        or b"\xc5" in packed
        or b"\xc6" in packed
        or b"\xca" in packed
        or (b"\xcb" in packed and _ODD_FLOAT.search(packed) is not None)
    )


# No zero, and not between 2 ** -13 and 2 ** 53.
_ODD_FLOAT = re.compile(rb"\xcb(?![\x3f\xbf][\x20-\xff]|[\x40-\x42\xc0-\xc2]|[\x43\xc3][\x00-\x3f]|[\x00\x80]\x00{7})")
_json = msgspec.json.Encoder().encode
_spaced = msgspec.json.format


def _not_json(value: Any) -> str:
    return f"bytes({value.hex()})" if isinstance(value, bytes) else type(value).__name__


_shown = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=_not_json).encode
