"""Durations: nanoseconds as Go reads and writes them, 1h30m0.5s."""

from __future__ import annotations

import re

from scripting.sandbox.languages.tengo.runtime.moments import SECOND, Unreadable
from scripting.sandbox.languages.tengo.runtime.shown import quote

_UNITS = {
    "ns": 1,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([^0-9.]*)")


def parse_duration(text: str) -> int:
    """Nanoseconds. Raises Unreadable."""
    sign, body = (-1 if text[:1] == "-" else 1), text.removeprefix(text[0]) if text[:1] in {"-", "+"} else text
    if body == "0":
        return 0
    total, position = 0, 0
    while position < len(body):
        match = _DURATION.match(body, position)
        if match is None or match[2] not in _UNITS:
            break
        whole, _, fraction = match[1].partition(".")
        unit = _UNITS[match[2]]
        total += int(whole or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        position = match.end()
    if position == 0 or position < len(body) or total > (1 << 63) - (sign > 0):
        raise Unreadable(f"time: {_problem(body, position)}duration {quote(text)}")
    return sign * total


def _problem(body: str, position: int) -> str:
    number = _DURATION.match(body, position)
    if number is None or number[2] in _UNITS:
        return "invalid "
    return f'unknown unit "{number[2]}" in ' if number[2] else "missing unit in "


def show_duration(nanoseconds: int) -> str:
    """As Go's Duration.String shows it: 1h30m0.5s."""
    if nanoseconds == 0:
        return "0s"
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left < SECOND:
        unit, size = ("ns", 1) if left < 1000 else ("µs", 1000) if left < 1_000_000 else ("ms", 1_000_000)
        return f"{sign}{_decimal(left, size)}{unit}"
    minutes, rest = divmod(left, 60 * SECOND)
    text = f"{_decimal(rest, SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return sign + text


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    return f"{whole}.{str(rest).rjust(len(str(size)) - 1, '0').rstrip('0')}" if rest else str(whole)
