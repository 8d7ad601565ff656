"""The module times: moments, durations and their texts. The present is the run's recorded moment; sleeping takes no time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.runtime import durations, moments
from scripting.sandbox.languages.tengo.runtime.moments import SECOND, UTC, Clock, find_zone
from scripting.sandbox.languages.tengo.runtime.operators import INT_MAX, INT_MIN, wrap
from scripting.sandbox.languages.tengo.runtime.values import Failure, Time
from scripting.sandbox.languages.tengo.stdlib.arguments import taking
from scripting.sandbox.library import clock

_FORMATS = {
    "ansic": "Mon Jan _2 15:04:05 2006",
    "unix_date": "Mon Jan _2 15:04:05 MST 2006",
    "ruby_date": "Mon Jan 02 15:04:05 -0700 2006",
    "rfc822": "02 Jan 06 15:04 MST",
    "rfc822z": "02 Jan 06 15:04 -0700",
    "rfc850": "Monday, 02-Jan-06 15:04:05 MST",
    "rfc1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "rfc1123z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "rfc3339": "2006-01-02T15:04:05Z07:00",
    "rfc3339_nano": "2006-01-02T15:04:05.999999999Z07:00",
    "kitchen": "3:04PM",
    "stamp": "Jan _2 15:04:05",
    "stamp_milli": "Jan _2 15:04:05.000",
    "stamp_micro": "Jan _2 15:04:05.000000",
    "stamp_nano": "Jan _2 15:04:05.000000000",
}
_UNITS = {
    "nanosecond": 1,
    "microsecond": 1000,
    "millisecond": 1_000_000,
    "second": SECOND,
    "minute": 60 * SECOND,
    "hour": 3600 * SECOND,
}


def now() -> Time:
    """The moment of the run."""
    return Time(clock.microseconds() * 1000, UTC)


def _between(later: Time, earlier: Time) -> int:
    return max(INT_MIN, min(INT_MAX, later.nanoseconds - earlier.nanoseconds))


def _date(
    year: int, month: int, day: int, hour: int, minute: int, second: int, nanosecond: int, place: str = ""
) -> Time:
    return moments.moment(year, month, day, hour, minute, second, nanosecond, _zone(place))


def _zone(name: str) -> moments.Zone:
    zone = find_zone(name)
    if zone is None:
        raise Failure(f"unknown time zone {name}")
    return zone


def _parse(layout: str, text: str) -> Time:
    try:
        return moments.parse(layout, text)
    except moments.Unreadable as problem:
        raise Failure(str(problem)) from None


def _parse_duration(text: str) -> int:
    try:
        return durations.parse_duration(text)
    except moments.Unreadable as problem:
        raise Failure(str(problem)) from None


def _month_string(month: int) -> str:
    return moments.MONTHS[month - 1] if 1 <= month <= 12 else f"%!Month({month % (1 << 64)})"


def _location(moment: Time) -> str:
    zone = moments.zone_of(moment)
    return zone.name


def _field(read: Callable[[Clock], int]) -> Callable[[Time], int]:
    return lambda moment: read(moments.read(moment))


def _duration(size: int) -> Callable[[int], float]:
    def convert(nanoseconds: int) -> float:
        whole, rest = divmod(abs(nanoseconds), size)
        value = whole + rest / size
        return -value if nanoseconds < 0 else float(value)

    return convert


_OF_MOMENT: dict[str, Callable[[Time], Any]] = {
    "time_year": _field(lambda c: c.year),
    "time_month": _field(lambda c: c.month),
    "time_day": _field(lambda c: c.day),
    "time_weekday": _field(lambda c: c.weekday),
    "time_hour": _field(lambda c: c.hour),
    "time_minute": _field(lambda c: c.minute),
    "time_second": _field(lambda c: c.second),
    "time_nanosecond": _field(lambda c: c.nanosecond),
    "time_unix": lambda moment: moment.nanoseconds // SECOND,
    "time_unix_nano": lambda moment: wrap(moment.nanoseconds),
    "time_location": _location,
    "time_string": moments.shown,
    "is_zero": lambda moment: not moment,
    "to_local": lambda moment: Time(moment.nanoseconds, UTC),
    "to_utc": lambda moment: Time(moment.nanoseconds, UTC),
    "since": lambda moment: _between(now(), moment),
    "until": lambda moment: _between(moment, now()),
}

MEMBERS: dict[str, Any] = {
    **{f"format_{name}": layout for name, layout in _FORMATS.items()},
    **_UNITS,
    **{name.lower(): number for number, name in enumerate(moments.MONTHS, 1)},
    **{name: taking(name, "time", function) for name, function in _OF_MOMENT.items()},
    "sleep": taking("sleep", "int", lambda _: None),
    "parse_duration": taking("parse_duration", "text", _parse_duration),
    "duration_hours": taking("duration_hours", "int", _duration(3600 * SECOND)),
    "duration_minutes": taking("duration_minutes", "int", _duration(60 * SECOND)),
    "duration_seconds": taking("duration_seconds", "int", _duration(SECOND)),
    "duration_nanoseconds": taking("duration_nanoseconds", "int", lambda value: value),
    "duration_string": taking("duration_string", "int", durations.show_duration),
    "month_string": taking("month_string", "int", _month_string),
    "date": taking("date", "int, int, int, int, int, int, int, text", _date, optional=1),
    "now": taking("now", "", now),
    "parse": taking("parse", "text, text", _parse),
    "unix": taking("unix", "int, int", lambda seconds, rest: Time(seconds * SECOND + rest, UTC)),
    "add": taking("add", "time, int", lambda moment, duration: Time(moment.nanoseconds + duration, moment.zone)),
    "sub": taking("sub", "time, time", _between),
    "add_date": taking("add_date", "time, int, int, int", moments.add_date),
    "after": taking("after", "time, time", lambda a, b: a.nanoseconds > b.nanoseconds),
    "before": taking("before", "time, time", lambda a, b: a.nanoseconds < b.nanoseconds),
    "time_format": taking("time_format", "time, text", moments.write),
    "in_location": taking("in_location", "time, text", lambda moment, place: Time(moment.nanoseconds, _zone(place))),
}
