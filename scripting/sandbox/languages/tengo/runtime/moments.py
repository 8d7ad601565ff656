"""Moments: calendar arithmetic, zones, and Go's layouts. Long because each element of a layout is both written and read here.

Zones are read before the lockdown closes the files; the local zone of every run is UTC.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import io
import os
import re
import zoneinfo
from collections.abc import Callable
from mmap import mmap
from typing import NamedTuple

from scripting.sandbox.kernel.mapped import mapped
from scripting.sandbox.languages.tengo.runtime.values import Time

SECOND = 1_000_000_000
_DAY = 86_400
_DAYS_BEFORE_1970 = 719_468
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class Zone(NamedTuple):
    """A place whose clocks show a moment: `table` for a place by name, else a fixed offset (seconds)."""

    name: str
    offset: int = 0
    table: datetime.tzinfo | None = None

    def at(self, seconds: int) -> tuple[str, int]:
        """Abbreviation and offset at this moment, seconds since 1970 UTC."""
        if self.table is None:
            return self.name, self.offset
        try:
            moment = datetime.datetime.fromtimestamp(seconds, self.table)
            offset = moment.utcoffset()
            return moment.tzname() or "", int(offset.total_seconds()) if offset is not None else 0
        except (OverflowError, ValueError, OSError):
            return "UTC", 0


UTC = Zone("UTC")
_zones: dict[str, Zone] = {"": UTC, "UTC": UTC, "Local": UTC}
_unread: dict[str, slice] = {}
"""Where the file of each zone stands among the contents of all."""
_contents: bytes | mmap = b""
_OTHER_TABLES = frozenset({"posix", "right"})
"""The same zones once more, the second kind with leap seconds."""


@functools.cache
def load_zones() -> None:
    """Read the files of the system's zones, less than a megabyte: after the lockdown there is no file to read."""
    global _contents
    places: dict[bytes, slice] = {}
    end = 0
    # Not zoneinfo.available_timezones(): what that imports would be part of every sandbox, threads and archives among it.
    for top in reversed(zoneinfo.TZPATH):
        for folder, folders, files in os.walk(top):
            if folder == top:
                folders[:] = [name for name in folders if name not in _OTHER_TABLES]
            for name in files:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError), open(path, "rb") as file:
                    content = file.read(4)
                    if content == b"TZif" and name != "posixrules":
                        content += file.read()
                        if content not in places:  # most zones have several names
                            places[content] = slice(end, end + len(content))
                            end += len(content)
                        _unread[os.path.relpath(path, top)] = places[content]
    _contents = mapped(b"".join(places))


def find_zone(name: str) -> Zone | None:
    """The zone of this name, or None."""
    zone = _zones.get(name)
    if zone is None and name in _unread:
        table = zoneinfo.ZoneInfo.from_file(io.BytesIO(_contents[_unread[name]]), key=name)
        zone = _zones[name] = Zone(name, 0, table)
    return zone


class Clock(NamedTuple):
    """Date and time of day, as a calendar and a clock show them."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    year_day: int
    zone: str
    offset: int


def zone_of(moment: Time) -> Zone:
    return moment.zone or UTC


def read(moment: Time) -> Clock:
    """The moment on the clocks of its zone."""
    seconds, nanosecond = divmod(moment.nanoseconds, SECOND)
    name, offset = zone_of(moment).at(seconds)
    days, rest = divmod(seconds + offset, _DAY)
    year, month, day = civil(days)
    return Clock(
        year, month, day, rest // 3600, rest // 60 % 60, rest % 60, nanosecond,
        (days + 4) % 7, days - days_from_civil(year, 1, 1) + 1, name, offset,
    )  # fmt: skip


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970 of a date of the Gregorian calendar, whatever the year."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _DAYS_BEFORE_1970


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day since 1970."""
    era, of_era = divmod(days + _DAYS_BEFORE_1970, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year_of_era + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def moment(year: int, month: int, day: int, hour: int, minute: int, second: int, nanosecond: int, zone: Zone) -> Time:
    """time.Date: what is beyond its range is carried over."""
    carry, month = divmod(month - 1, 12)
    days = days_from_civil(year + carry, month + 1, 1) + day - 1
    local = days * _DAY + hour * 3600 + minute * 60 + second
    guess = zone.at(local)[1]  # the offset is that of the moment itself, which the offset decides
    offset = zone.at(local - guess)[1]
    return Time((local - offset) * SECOND + nanosecond, zone)


def add_date(start: Time, years: int, months: int, days: int) -> Time:
    clock = read(start)
    return moment(
        clock.year + years, clock.month + months, clock.day + days, clock.hour, clock.minute, clock.second,
        clock.nanosecond, zone_of(start),
    )  # fmt: skip


# Writing

_PARTS = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|-07:00:00|-07:00|-070000|-0700|-07|Z07:00:00|Z07:00|Z070000|Z0700|Z07"
    r"|__2|002|01|02|03|04|05|06|_2006|_2|15|PM|pm|[.,]0+(?![0-9])|[.,]9+(?![0-9])|1|2|3|4|5"
)


def write(at: Time, layout: str) -> str:
    """The moment in a layout that shows how Go's reference moment would be written."""
    clock = read(at)
    return _PARTS.sub(lambda match: _part(match[0], clock), layout)


def _part(part: str, clock: Clock) -> str:
    simple = _SIMPLE.get(part)
    if simple is not None:
        return simple(clock)
    if part[0] in "-Z":
        return _offset(part, clock.offset)
    digits = f"{clock.nanosecond:09d}"[: len(part) - 1]
    if part[1] == "9":
        digits = f"{clock.nanosecond:09d}"[: len(part) - 1].rstrip("0")
        return part[0] + digits if digits else ""
    return part[0] + digits.ljust(len(part) - 1, "0")


def _hour12(clock: Clock) -> int:
    return clock.hour % 12 or 12


_SIMPLE: dict[str, Callable[[Clock], str]] = {
    "January": lambda c: MONTHS[c.month - 1],
    "Jan": lambda c: MONTHS[c.month - 1][:3],
    "1": lambda c: str(c.month),
    "01": lambda c: f"{c.month:02d}",
    "Monday": lambda c: WEEKDAYS[c.weekday],
    "Mon": lambda c: WEEKDAYS[c.weekday][:3],
    "2": lambda c: str(c.day),
    "_2": lambda c: f"{c.day:2d}",
    "02": lambda c: f"{c.day:02d}",
    "__2": lambda c: f"{c.year_day:3d}",
    "002": lambda c: f"{c.year_day:03d}",
    "15": lambda c: f"{c.hour:02d}",
    "3": lambda c: str(_hour12(c)),
    "03": lambda c: f"{_hour12(c):02d}",
    "4": lambda c: str(c.minute),
    "04": lambda c: f"{c.minute:02d}",
    "5": lambda c: str(c.second),
    "05": lambda c: f"{c.second:02d}",
    "2006": lambda c: _year(c.year),
    "_2006": lambda c: "_" + _year(c.year),
    "06": lambda c: f"{c.year % 100:02d}",
    "PM": lambda c: "PM" if c.hour >= 12 else "AM",
    "pm": lambda c: "pm" if c.hour >= 12 else "am",
    "MST": lambda c: c.zone or _numeric_zone(c.offset),
}


def _year(year: int) -> str:
    return f"{year:04d}" if year >= 0 else f"-{-year:04d}"


def _numeric_zone(offset: int) -> str:
    sign, minutes = ("-", -offset // 60) if offset < 0 else ("+", offset // 60)
    return f"{sign}{minutes // 60:02d}" + (f"{minutes % 60:02d}" if minutes % 60 else "")


def _offset(part: str, offset: int) -> str:
    if part[0] == "Z" and offset == 0:
        return "Z"
    sign, seconds = ("-", -offset) if offset < 0 else ("+", offset)
    hours, minutes, rest = f"{seconds // 3600:02d}", f"{seconds // 60 % 60:02d}", f"{seconds % 60:02d}"
    colon = ":" if ":" in part else ""
    shape = part[1:].replace(":", "")
    return sign + colon.join([hours, minutes, rest][: len(shape) // 2])


def shown(at: Time) -> str:
    """As Go's Time.String shows it."""
    return write(at, "2006-01-02 15:04:05.999999999 -0700 MST")


def rfc3339(at: Time) -> str:
    """RFC 3339 with nanoseconds, as far as there are any."""
    return write(at, "2006-01-02T15:04:05.999999999Z07:00")


# Reading


class Unreadable(ValueError):
    """The text is not written in the layout; the message is Go's."""


def parse(layout: str, text: str) -> Time:
    """time.Parse. Raises Unreadable."""
    found: dict[str, int] = {"year": 0, "month": 0, "day": 0}
    zone: Zone | None = None
    rest, position = text, 0

    def refuse(part: str, left: str, note: str = "") -> Unreadable:
        detail = note or f' as "{part}"'
        if note:
            return Unreadable(f'parsing time "{text}": {note}')
        return Unreadable(f'parsing time "{text}" as "{layout}": cannot parse "{left}"{detail}')

    for match in [*_PARTS.finditer(layout), None]:
        literal = layout[position : match.start()] if match else layout[position:]
        after = _skip(literal, rest)
        if after is None:
            raise refuse(literal, rest)
        rest = after
        if match is None:
            break
        position = match.end()
        part = match[0]
        pattern = _READ.get(part) or (
            re.compile(r"([.,][0-9]*)?") if part[1] == "9" else re.compile(rf"([.,][0-9]{{{len(part) - 1}}})")
        )
        taken = pattern.match(rest)
        if taken is None:
            raise refuse(part, rest)
        left, rest = rest, rest[taken.end() :]
        value = taken[0]
        if (
            part in {"05", "5"}
            and not layout[position:].startswith((".", ","))
            and (fraction := re.match(r"[.,]([0-9]+)", rest))
        ):
            found["nanosecond"] = int(fraction[1][:9].ljust(9, "0"))
            rest = rest[fraction.end() :]
        zone = _take(part, value, found, zone)
        problem = _out_of_range(part, found)
        if problem:
            raise refuse(part, left, f"{problem} out of range")
    if rest:
        raise refuse("", rest, f'extra text: "{rest}"')
    return _assembled(found, zone, text)


def _skip(literal: str, rest: str) -> str | None:
    """The rest after the literal, or None if it does not begin with it; spaces stand for any number of spaces, as in Go."""
    while literal:
        if literal[0] == " ":
            if rest[:1] not in {"", " "}:
                return None
            literal, rest = literal.lstrip(" "), rest.lstrip(" ")
        elif rest[:1] == literal[0]:
            literal, rest = literal[1:], rest[1:]
        else:
            return None
    return rest


_READ = {
    **dict.fromkeys(("2006", "_2006"), re.compile(r"[0-9]{4}")),
    **dict.fromkeys(("01", "02", "03", "04", "05", "06"), re.compile(r"[0-9]{2}")),
    **dict.fromkeys(("1", "2", "3", "4", "5"), re.compile(r"[0-9]{1,2}")),
    "15": re.compile(r"[0-9]{1,2}"),
    "_2": re.compile(r" ?[0-9]{1,2}"),
    "002": re.compile(r"[0-9]{3}"),
    "__2": re.compile(r" {0,2}[0-9]{1,3}"),
    "January": re.compile("|".join(MONTHS), re.IGNORECASE),
    "Jan": re.compile("|".join(month[:3] for month in MONTHS), re.IGNORECASE),
    "Monday": re.compile("|".join(WEEKDAYS), re.IGNORECASE),
    "Mon": re.compile("|".join(day[:3] for day in WEEKDAYS), re.IGNORECASE),
    "PM": re.compile("AM|PM"),
    "pm": re.compile("am|pm"),
    "MST": re.compile(r"[A-Z]{3,5}|[+-][0-9]{2}(?:[0-9]{2})?"),
    "-07:00": re.compile(r"[+-][0-9]{2}:[0-9]{2}"),
    "-0700": re.compile(r"[+-][0-9]{4}"),
    "-07": re.compile(r"[+-][0-9]{2}"),
    "-07:00:00": re.compile(r"[+-][0-9]{2}:[0-9]{2}:[0-9]{2}"),
    "-070000": re.compile(r"[+-][0-9]{6}"),
    "Z07:00": re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}"),
    "Z0700": re.compile(r"Z|[+-][0-9]{4}"),
    "Z07": re.compile(r"Z|[+-][0-9]{2}"),
    "Z07:00:00": re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}:[0-9]{2}"),
    "Z070000": re.compile(r"Z|[+-][0-9]{6}"),
}
_FIELD = {
    "2006": "year", "_2006": "year", "01": "month", "1": "month", "02": "day", "2": "day", "_2": "day", "15": "hour", "03": "hour",
    "3": "hour", "04": "minute", "4": "minute", "05": "second", "5": "second", "002": "year_day", "__2": "year_day",
}  # fmt: skip


def _take(part: str, value: str, found: dict[str, int], zone: Zone | None) -> Zone | None:
    field = _FIELD.get(part)
    if field is not None:
        found[field] = int(value)
    elif part == "06":
        found["year"] = int(value) + (1900 if int(value) >= 69 else 2000)
    elif part in {"January", "Jan"}:
        found["month"] = [month[:3].lower() for month in MONTHS].index(value[:3].lower()) + 1
    elif part in {"PM", "pm"}:
        found["afternoon"] = int(value.lower() == "pm")
    elif part == "MST":
        return zone or (UTC if value == "UTC" else Zone(value, 0))
    elif part[0] in "-Z":
        return _read_offset(value)
    elif part[0] in ".,":
        found["nanosecond"] = int(value[1:10].ljust(9, "0") or "0") if len(value) > 1 else 0
    return zone


def _read_offset(value: str) -> Zone:
    if value == "Z":
        return UTC
    digits = value[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:6])
    return Zone("", -seconds if value[0] == "-" else seconds) if seconds else UTC


def _out_of_range(part: str, found: dict[str, int]) -> str:
    field = _FIELD.get(part, "")
    highest = {"month": 12, "day": 31, "hour": 12 if part in {"03", "3"} else 23, "minute": 59, "second": 59}.get(field)
    if highest is None:
        return ""
    lowest = 1 if field == "month" else 0
    return "" if lowest <= found[field] <= highest else field


def _assembled(found: dict[str, int], zone: Zone | None, text: str) -> Time:
    hour = found.get("hour", 0)
    if "afternoon" in found:
        hour = hour % 12 + 12 * found["afternoon"]
    month, day = found["month"] or 1, found["day"] or 1
    if "year_day" in found:
        month, day = 1, found["year_day"]
    elif day > 28 and civil(days_from_civil(found["year"], month, day))[1] != month:
        raise Unreadable(f'parsing time "{text}": day out of range')
    return moment(
        found["year"],
        month,
        day,
        hour,
        found.get("minute", 0),
        found.get("second", 0),
        found.get("nanosecond", 0),
        zone or UTC,
    )
