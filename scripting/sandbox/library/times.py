"""time and calendar for scripts: the clock of the run, which stands still, and tables that nobody can change."""

from __future__ import annotations

import calendar
import time as library
from typing import Any

from scripting.sandbox.library.clock import microseconds
from scripting.sandbox.library.patterns import exact


def time() -> float:
    """The moment of the run in seconds since 1970 UTC."""
    return microseconds() / 1_000_000


def time_ns() -> int:
    """The moment of the run in nanoseconds since 1970 UTC."""
    return microseconds() * 1000


def gmtime(secs: float | None = None, /) -> library.struct_time:
    """Seconds since 1970 as a date and time in UTC; without them the moment of the run."""
    return library.gmtime(time() if secs is None else secs)


def localtime(secs: float | None = None, /) -> library.struct_time:
    """The same as gmtime(): the time zone of scripts is UTC."""
    return gmtime(secs)


def mktime(t: Any, /) -> float:
    """Seconds since 1970 of a date and time in UTC."""
    return float(calendar.timegm(t))


def strftime(form: str, t: Any = None, /) -> str:
    """A date and time as text; without one the moment of the run."""
    return library.strftime(form, gmtime() if t is None else t)


def strptime(text: str, form: str = "%a %b %d %H:%M:%S %Y", /) -> library.struct_time:
    """The date and time that a text tells."""
    return library.strptime(text, exact(form))


def asctime(t: Any = None, /) -> str:
    """A date and time as text such as `Sun Jun 20 23:21:05 1993`."""
    return library.asctime(gmtime() if t is None else t)


def ctime(secs: float | None = None, /) -> str:
    """Seconds since 1970 as text such as `Sun Jun 20 23:21:05 1993`."""
    return asctime(gmtime(secs))


TIME: dict[str, Any] = {
    "asctime": asctime,
    "ctime": ctime,
    "gmtime": gmtime,
    "localtime": localtime,
    "mktime": mktime,
    "strftime": strftime,
    "strptime": strptime,
    "struct_time": library.struct_time,
    "time": time,
    "time_ns": time_ns,
    "timezone": 0,
}
_STILL = "the clock of a run stands still: its time is measured for you and shown with the run"
TIME_ABSENT = {
    "sleep": "a run does not wait; publish an event for later, or keep the moment and compare it in the next run",
    **dict.fromkeys(
        ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "thread_time"), _STILL
    ),
}


def month(theyear: int, themonth: int, w: int = 0, l: int = 0) -> str:  # noqa: E741 - the library's own name
    """A month as text of several lines."""
    return calendar.TextCalendar().formatmonth(theyear, themonth, w, l)


def monthcalendar(year: int, month: int) -> list[list[int]]:
    """The weeks of a month, each a list of days; 0 stands for a day of another month."""
    return calendar.Calendar().monthdayscalendar(year, month)


_DAYS = "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY"
CALENDAR: dict[str, Any] = {
    **{name: int(getattr(calendar, name)) for name in _DAYS.split()},
    **{name: getattr(calendar, name) for name in "isleap leapdays monthrange timegm weekday".split()},
    **{name: tuple(getattr(calendar, name)) for name in "day_abbr day_name month_abbr month_name".split()},
    "month": month,
    "monthcalendar": monthcalendar,
}
CALENDAR_ABSENT = {"setfirstweekday": "weeks begin on Monday: turn the list round", "Calendar": "use monthcalendar()"}
