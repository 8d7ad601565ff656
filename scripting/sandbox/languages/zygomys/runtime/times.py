"""Times, dates and spans. The clock is the run's own."""

from __future__ import annotations

import datetime
from typing import Any

from scripting.sandbox.languages.tengo.runtime import durations, moments
from scripting.sandbox.languages.tengo.runtime import values as tengo
from scripting.sandbox.languages.zygomys.runtime.values import Date, Duration, Moment, fail, is_function
from scripting.sandbox.library import clock

_NEW_YORK = "America/New_York"
_DAY = datetime.timedelta(days=1)
_SATURDAY = 5


def _zoned(moment: Moment) -> tengo.Time:
    zone = moments.find_zone(moment.place) if moment.place != "Local" else None
    return tengo.Time(moment.nanoseconds, zone)


def shown(moment: Moment) -> str:
    """As Go's Time.String()."""
    return moments.shown(_zoned(moment))


def rfc3339(moment: Moment) -> str:
    return moments.rfc3339(_zoned(moment))


def now(*_: Any) -> Moment:
    return Moment(clock.microseconds() * 1000)


def millis(*_: Any) -> int:
    return clock.microseconds() // 1000


def astm(value: Any, /) -> Moment:
    if type(value) is int:
        return Moment(value, _NEW_YORK)
    if type(value) is Date:
        zone = moments.find_zone(_NEW_YORK)
        assert zone is not None
        made = moments.moment(value.year, value.month, value.day, 0, 0, 0, 0, zone)
        return Moment(made.nanoseconds, _NEW_YORK)
    if not isinstance(value, str):
        fail("astm", "argument of astm should be a string RFC3999Nano timestamp that we want to convert to time.Time")
    try:
        return Moment(moments.parse("2006-01-02T15:04:05.999999999Z07:00", str(value)).nanoseconds, _NEW_YORK)
    except moments.Unreadable as problem:
        fail("astm", str(problem))


def date(value: Any, /) -> Date:
    if not isinstance(value, str):
        fail("date", 'argument of (date "YYYY/MM/DD") constructor should be a YYYY/MM/DD string such as "2017/12/25"')
    parts = str(value).split("/")
    try:
        year, month, day = map(int, parts)
        datetime.date(year, month, day)
    except ValueError:
        fail("date", f"bad date '{str(value)[:60]}'")
    return Date(year, month, day)


def next_business_day(value: Any, /) -> Date:
    """The next day that is no Saturday or Sunday. The holidays that the original knows are left out."""
    if type(value) is not Date:
        fail("nextBusinessDay", "argument of (nextBusinessDay) must be a date.")
    day = datetime.date(value.year, value.month, value.day) + _DAY
    while day.weekday() >= _SATURDAY:
        day += _DAY
    return Date(day.year, day.month, day.day)


def dur(value: Any = 0, /) -> Duration:
    if type(value) is int:
        return Duration(value)
    if isinstance(value, str):
        try:
            return Duration(durations.parse_duration(str(value)))
        except ValueError as problem:
            fail("dur", str(problem))
    fail("dur", "argument of dur must be string or int")


def timeit(function: Any, count: Any = 1, /) -> None:
    """Call the function so often. What it took is the run's own measure: nothing is shown."""
    if not is_function(function):
        fail("timeit", "1st argument of timeit should be function")
    for _ in range(int(count) if isinstance(count, (int, float)) else 1):
        function()
