"""When a schedule is due: pure arithmetic over a cron expression or an interval, through every change of the clocks.

A time of the clock that does not exist, since the clocks jump over it, is due at the moment of the jump. One that comes twice is due the first time
alone. An expression for every hour goes by real time instead: it is due in each hour that there is, and so neither doubled nor left out.
An interval counts real seconds from its beginning; clocks have no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from croniter import croniter
from croniter.croniter import CroniterBadDateError, CroniterError

SHORTEST = 1
"""Seconds of an interval."""
LONGEST = 366 * 24 * 3600
FAR = timedelta(hours=26)
"""No change of the clocks in this time means none that matters: the largest there was is a day."""
NAMES = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b", re.IGNORECASE
)
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")


class NotDue(ValueError):
    """A cadence that cannot be: the message says what to write instead."""


@dataclass(frozen=True)
class Cadence:
    """How often, and by which clocks: a cron expression, or seconds between two due times. `begins` is the first moment that may be due."""

    begins: datetime
    cron: str = ""
    seconds: int = 0
    zone: str = "UTC"

    def check(self) -> None:
        """Raise NotDue for what can never be due."""
        if bool(self.cron) == bool(self.seconds):
            raise NotDue("give a cron expression or an interval, one of them")
        zone_named(self.zone)
        if self.cron:
            _expression(self.cron)
            self.after(self.begins)
        elif not SHORTEST <= self.seconds <= LONGEST:
            raise NotDue(f"an interval has {SHORTEST} to {LONGEST} seconds")

    def after(self, moment: datetime) -> datetime:
        """The first due time later than the moment."""
        moment = max(moment.astimezone(UTC), self.begins.astimezone(UTC) - timedelta(microseconds=1))
        if self.seconds:
            begins = self.begins.astimezone(UTC)
            return begins + ((moment - begins) // timedelta(seconds=self.seconds) + 1) * timedelta(seconds=self.seconds)
        return _cron_after(_expression(self.cron), zone_named(self.zone), moment)

    def between(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Every due time later than `since`, up to and with `until`, in order."""
        due = self.after(since)
        walk: croniter | None = None
        while due <= until:
            yield due
            ahead = None
            if self.cron and (offset := _calm(zone_named(self.zone), due)) is not None:
                walk = walk or croniter(self.cron, (due + offset).replace(tzinfo=None))
                ahead = walk.get_next(datetime).replace(tzinfo=UTC) - offset
            if ahead is None or ahead - due >= FAR:
                walk, ahead = None, self.after(due)
            due = ahead

    def count(self, since: datetime, until: datetime) -> int:
        """How many due times that are."""
        if self.seconds:
            first = self.after(since)
            return 0 if first > until else (until - first) // timedelta(seconds=self.seconds) + 1
        return sum(1 for _ in self.between(since, until))

    def upcoming(self, moment: datetime, number: int) -> list[datetime]:
        """The next due times after the moment."""
        found: list[datetime] = []
        for _ in range(number):
            moment = self.after(moment)
            found.append(moment)
        return found


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo:
    """Raises NotDue."""
    if name not in available_timezones():
        raise NotDue(f"there is no time zone {name!r}: write one such as Europe/Berlin, or UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotDue(f"the time zone {name!r} cannot be read on this machine") from None


@dataclass(frozen=True)
class _Expression:
    text: str
    is_hourly: bool
    """Whether it names every hour of the day."""


@lru_cache(maxsize=1024)
def _expression(text: str) -> _Expression:
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise NotDue(f"a cron expression has five fields: {', '.join(FIELDS)}; this one has {len(fields)}")
    if wrong := re.search(r"[^\d*,/\-]", NAMES.sub("", " ".join(fields)).replace(" ", "")):
        raise NotDue(
            f"{wrong[0]!r} has no meaning in a cron expression: use digits, * , - / and names of days and months"
        )
    try:
        hours = croniter.expand(" ".join(fields))[0][1]
    except CroniterError as error:
        raise NotDue(f"this is no cron expression: {error}") from None
    return _Expression(" ".join(fields), hours == ["*"] or len(hours) == 24)


def _calm(zone: tzinfo, moment: datetime) -> timedelta | None:
    """The offset of the clocks, where they do not change from now on for a good day; None where they do."""
    offset = moment.astimezone(zone).utcoffset()
    return offset if (moment + FAR).astimezone(zone).utcoffset() == offset else None


def _cron_after(expression: _Expression, zone: tzinfo, moment: datetime) -> datetime:
    """Walk over the times of the clock from where they may first be later than the moment, and take the earliest that is."""
    local = moment.astimezone(zone)
    ahead = (moment + FAR).astimezone(zone)
    turned_back = (local.utcoffset() or timedelta()) - (ahead.utcoffset() or timedelta())
    start = local.replace(tzinfo=None, fold=0) - max(turned_back, timedelta())
    try:
        walk = croniter(expression.text, start - timedelta(seconds=1))
        best: datetime | None = None
        while True:
            wall = walk.get_next(datetime)
            first, *_ = found = _instants(wall, zone)
            if best is not None and first >= best:
                return best
            for instant in _due(expression, found):
                if instant > moment and (best is None or instant < best):
                    best = instant
    except CroniterBadDateError:
        raise NotDue("no day is like that: it would never be due") from None


def _due(expression: _Expression, found: tuple[datetime, ...]) -> tuple[datetime, ...]:
    """The instants of one time of the clock that count. `found` has one, two where it comes twice, or the jump and None."""
    if found[-1] is _JUMPED:
        return () if expression.is_hourly else found[:1]
    return found if expression.is_hourly else found[:1]


_JUMPED = datetime.max.replace(tzinfo=UTC)
"""Marks a time of the clock that does not exist."""


def _instants(wall: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """When the clocks of the zone show this time: once, twice, or never (the moment of the jump, and a mark)."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return (first.astimezone(UTC),)
    if (first.utcoffset() or timedelta()) > (second.utcoffset() or timedelta()):
        return first.astimezone(UTC), second.astimezone(UTC)
    return _jump(first, second, zone), _JUMPED


def _jump(first: datetime, second: datetime, zone: tzinfo) -> datetime:
    """The moment at which the clocks jump over a time: between how the offsets before and after would read it."""
    low, high = second.astimezone(UTC), first.astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
