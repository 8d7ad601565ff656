"""Untrusted text and values made fit to show: control and bidirectional characters visible, no NUL, no lone surrogate."""

from __future__ import annotations

import re
from typing import Any

# C0 and C1 controls but newline and tab, line and paragraph separators, bidirectional controls, zero-width characters
# that hide text, the byte order mark, and surrogates, which no database or page can hold.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
    "|[\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""`text` with every character that could deceive a reader or break a store written as `\x00` or `\u202e`."""
    return _UNSAFE.sub(_escape, text)


def one_line(text: str, limit: int = 500) -> str:
    """`visible` text on one line, cut at `limit` characters."""
    flat = visible(text).replace("\n", "⏎").replace("\t", " ")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def display(value: Any, limit: int = 4000) -> str:
    """Plain data as text to show and search, close to JSON; cut at `limit` characters."""
    parts: list[str] = []
    _write(value, parts, [limit])
    text = "".join(parts)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _write(value: Any, parts: list[str], room: list[int]) -> None:
    if room[0] <= 0:
        return
    before = len(parts)
    match value:
        case None | bool():
            parts.append({None: "null", True: "true", False: "false"}[value])
        case int() | float():
            parts.append(repr(value))
        case str():
            parts.append(_quote(value[: room[0]]))
        case bytes():
            parts.append(f"bytes({value[: room[0] // 2].hex()})")
        case list() | tuple():
            parts.append("[")
            room[0] -= 2
            for index, item in enumerate(value):
                if room[0] <= 0:
                    break
                if index:
                    parts.append(", ")
                    room[0] -= 2
                _write(item, parts, room)
            parts.append("]")
            return
        case dict():
            parts.append("{")
            room[0] -= 2
            for index, (key, item) in enumerate(value.items()):
                if room[0] <= 0:
                    break
                if index:
                    parts.append(", ")
                parts.append(f"{_quote(str(key)[: room[0]])}: ")
                room[0] -= len(parts[-1]) + 2
                _write(item, parts, room)
            parts.append("}")
            return
        case _:
            parts.append(_quote(type(value).__name__))
    room[0] -= sum(map(len, parts[before:]))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{visible(escaped)}"'
