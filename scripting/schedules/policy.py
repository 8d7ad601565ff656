"""Settle due times together, since no worker lived in between: pure, by the schedule's stated policy."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from scripting.schedules.due import Cadence

LATE = timedelta(seconds=60)
"""A due time settled within this is on time, whatever the policy says of missed ones."""
LOOKED_BACK = timedelta(days=7)
"""Times that were missed longer ago are not looked at: they count as skipped."""
MOST = 100
"""Missed due times of one schedule that can run at once."""


class Missed(enum.StrEnum):
    """Policies for due times that were missed."""

    ONCE = "once"
    ALL = "all"
    SKIP = "skip"


@dataclass(frozen=True)
class Settled:
    """The due times that run, in order, and how many do not; `last` is the last one of all, None where none was due."""

    runs: tuple[datetime, ...]
    left_out: int
    last: datetime | None


def settle(cadence: Cadence, since: datetime, now: datetime, missed: str, most: int = 1) -> Settled:
    """Decide on every due time after `since` up to `now`.

    `once`: the last one runs for all of them. `all`: the last `most` run, in order. `skip`: only one that is on time runs.
    """
    looked = max(since, now - LOOKED_BACK)
    keep = min(max(most, 1), MOST) if missed == Missed.ALL else 1
    count, tail = _tail(cadence, looked, now, keep)
    if not count:
        return Settled((), 0, None)
    runs = list(tail)
    if missed == Missed.SKIP:
        runs = [due for due in runs if now - due <= LATE]
    return Settled(tuple(runs), count - len(runs), tail[-1])


def _tail(cadence: Cadence, since: datetime, now: datetime, keep: int) -> tuple[int, deque[datetime]]:
    """How many due times there are, and the last of them."""
    if not cadence.seconds:
        count, tail = 0, deque[datetime](maxlen=keep)
        for due in cadence.between(since, now):
            count += 1
            tail.append(due)
        return count, tail
    count = cadence.count(since, now)
    begin = now - timedelta(seconds=cadence.seconds) * keep
    return count, deque(cadence.between(max(since, begin), now), maxlen=keep)
