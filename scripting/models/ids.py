"""Time-ordered identifiers (UUID version 7, RFC 9562), so that new rows land together at the end of an index."""

from __future__ import annotations

import functools
import os
import threading
import uuid
from datetime import UTC, datetime

from scripting import clock

_lock = threading.Lock()
_last = 0
_RANDOM = (1 << 62) - 1
_STEP = 10_000 << 12
"""Ten seconds, in the ticks of identifiers. A clock goes back by more only when it was wrong before: identifiers go back with it."""


def uuid7() -> uuid.UUID:
    """A new identifier: 48 bits of milliseconds, 12 of sub-millisecond counter, 62 random; ascending within a process."""
    return _made(_numbered(_ticks(1), os.urandom(8)))


def uuid7_text() -> str:
    """`str(uuid7())`, for those that are made for every event."""
    ticks, random = _ticks(1), int.from_bytes(os.urandom(8), "big")
    digits = f"{ticks >> 12:012x}7{ticks & 0xFFF:03x}{random & _RANDOM | 2 << 62:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid7_texts(count: int) -> list[str]:
    """So many of `uuid7_text`, in their order, for one look at the clock."""
    first, noise = _ticks(count), os.urandom(8 * count)
    return [_text(_numbered(first + place, noise[8 * place : 8 * place + 8])) for place in range(count)]


def _ticks(count: int) -> int:
    """The first of so many ticks in a row, 4096 in a millisecond, that no other identifier of this process has."""
    global _last
    with _lock:
        nanoseconds = clock.time_ns()
        ticks = (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000
        if 0 <= _last - ticks < _STEP:
            ticks = _last + 1
        _last = ticks + count - 1
    return ticks


def _numbered(ticks: int, noise: bytes) -> int:
    random = int.from_bytes(noise, "big") & _RANDOM
    return (ticks >> 12) << 80 | 7 << 76 | (ticks & 0xFFF) << 64 | 2 << 62 | random


def _text(number: int) -> str:
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@functools.lru_cache(maxsize=1024)
def id_of(text: str) -> uuid.UUID:
    """`UUID(text)`, for texts that are read for every event: its execution's id for the row, for what it caused, for the log. Raises ValueError."""
    digits = text.replace("-", "")
    return _made(int(digits, 16)) if len(digits) == 32 else uuid.UUID(text)


def id_in(data: bytes) -> uuid.UUID:
    """`UUID(bytes=data)`."""
    return _made(int.from_bytes(data, "big"))


def _made(number: int) -> uuid.UUID:
    """`UUID(int=number)` without what that checks first, at a third of its price."""
    made = object.__new__(uuid.UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", uuid.SafeUUID.unknown)
    return made


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest identifier of that millisecond: what began since then has a larger one."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def time_of(identifier: uuid.UUID) -> datetime:
    """When it was made, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
