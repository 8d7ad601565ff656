"""Time-ordered identifiers (UUID version 7, RFC 9562), so that new rows land together at the end of an index."""

from __future__ import annotations

import os
import threading
import uuid
from datetime import UTC, datetime

from scripting import clock

_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A new identifier: 48 bits of milliseconds, 12 of sub-millisecond counter, 62 random; ascending within a process."""
    global _last
    with _lock:
        nanoseconds = clock.time_ns()
        ticks = (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000
        _last = ticks = max(ticks, _last + 1)
    random = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    return uuid.UUID(int=(ticks >> 12) << 80 | 7 << 76 | (ticks & 0xFFF) << 64 | 2 << 62 | random)


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest identifier of that millisecond: what began since then has a larger one."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def time_of(identifier: uuid.UUID) -> datetime:
    """When it was made, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
