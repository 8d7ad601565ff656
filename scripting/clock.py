"""The time of the site: that of the database, by which all hosts agree on what is over, old or due, whatever their own clocks say.

Nothing here asks anybody: `storage/database_clock` measures, this applies it. A host whose clock is right keeps its own, and so does one
whose database is a file on it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

TOLERANCE_NS = 500_000_000
"""A clock that is off by less is as good as right: then the host's own is used, which is finer than any measurement."""

# Goes on while the machine sleeps, which the monotonic clock of Linux does not.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_ns() -> int:
    """Nanoseconds that only ever go forward, whoever sets this host's clock."""
    return time.clock_gettime_ns(_STEADY)


@dataclass(frozen=True)
class Measured:
    """An answer of the database."""

    base_ns: int
    """The site's time less `steady_ns`."""
    at_ns: int
    """When, by `steady_ns`."""
    error_ns: int
    """By how much it may be wrong at the most: half of the round trip."""


_measured: Measured | None = None


def measured() -> Measured | None:
    """The last measurement of this process, if there is one."""
    return _measured


def learn(theirs_ns: int, asked_ns: int, heard_ns: int) -> Measured:
    """Take the database's time, asked and heard at these moments of `steady_ns`."""
    global _measured
    new = Measured(theirs_ns - (asked_ns + heard_ns) // 2, heard_ns, (heard_ns - asked_ns + 1) // 2)
    old = _measured
    if old is not None and abs(new.base_ns - old.base_ns) <= new.error_ns + old.error_ns:
        new = Measured(old.base_ns, heard_ns, new.error_ns)  # the same, as far as one can tell: time makes no steps
    _measured = new
    return new


def forget() -> None:
    """Go by this host's clock again."""
    global _measured
    _measured = None


def time_ns() -> int:
    """Nanoseconds since 1970 UTC by the site's time."""
    own = time.time_ns()
    if _measured is None:
        return own
    ours = steady_ns() + _measured.base_ns
    return own if -TOLERANCE_NS < own - ours < TOLERANCE_NS else ours


def seconds() -> float:
    """Seconds since 1970 UTC by the site's time."""
    return time_ns() / 1e9


def now() -> datetime:
    """The site's time."""
    return datetime.fromtimestamp(time_ns() / 1e9, UTC)


def ahead() -> float:
    """Seconds by which this host's clock is ahead of the site's; 0 where that is not known, or too little to tell."""
    return (time.time_ns() - time_ns()) / 1e9
