"""Due times of schedules, held against every minute that the clocks of a zone show."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from scripting.schedules.due import Cadence, NotDue
from scripting.schedules.policy import LOOKED_BACK, Missed, settle

pytestmark = pytest.mark.once

BEGIN, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca")
"""An hour forth and back, in either hemisphere; half an hour; at midnight; and back for one month."""
MINUTE = timedelta(minutes=1)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- the oracle: no arithmetic, only clocks that are looked at ---------------------------------------------------------


def values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


class Clock:
    """A cron expression as somebody reads it who looks at a clock each minute."""

    def __init__(self, text: str, zone: str) -> None:
        fields = text.split()
        self.minutes, self.hours, self.days, self.months, self.weekdays = (
            values(field, *span) for field, span in zip(fields, RANGES, strict=True)
        )
        self.either = fields[2] != "*" and fields[4] != "*"
        self.hourly = len(self.hours) == 24
        self.zone = ZoneInfo(zone)

    def is_day(self, day: date) -> bool:
        by_day, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (by_day or by_week if self.either else by_day and by_week)

    def shows(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and self.is_day(wall.date())

    def due(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Every due time after `begin`, up to `end`; on days without a change of the clocks by hours and minutes alone."""
        day = begin.astimezone(self.zone).date() - timedelta(days=1)
        while day <= end.astimezone(self.zone).date() + timedelta(days=1):
            midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
            offsets = {(midnight + timedelta(hours=h)).utcoffset() for h in (-26, 0, 12, 23, 50)}
            if len(offsets) > 1:
                found = list(self.minute_by_minute(day))
            elif self.is_day(day):
                found = [
                    (midnight + timedelta(hours=hour, minutes=minute)).astimezone(UTC)
                    for hour in sorted(self.hours)
                    for minute in sorted(self.minutes)
                ]
            else:
                found = []
            yield from (each for each in found if begin < each <= end)
            day += timedelta(days=1)

    def minute_by_minute(self, day: date) -> Iterator[datetime]:
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
        before = None
        for _ in range(54 * 60):
            wall = at.astimezone(self.zone)
            jumped = before is not None and wall.utcoffset() > before.utcoffset()  # type: ignore[operator]
            if wall.date() == day:
                counts = self.shows(wall) and (self.hourly or wall.fold == 0)
                if counts or (jumped and not self.hourly and self.jumped_over(before, wall)):
                    yield at
            before, at = wall, at + MINUTE

    def jumped_over(self, before: datetime | None, wall: datetime) -> bool:
        assert before is not None
        missing = before.replace(tzinfo=None, fold=0) + MINUTE
        while missing < wall.replace(tzinfo=None, fold=0):
            if self.shows(missing):
                return True
            missing += MINUTE
        return False


def expression(dice: random.Random) -> str:
    """One that people might write; every other one is about the small hours, when clocks change."""
    minute = dice.choice(["0", "30", "15,45", "*/20", "7", "*/30", str(dice.randrange(60))])
    hour = dice.choice(["*", "*/2", "2", "1,2,3", "0", "23,0", "1-4", str(dice.randrange(24))])
    day, weekday = dice.choice([("*", "*"), ("*", "*"), ("*", "0"), ("1,15", "*"), ("*", "1-5"), ("13", "5")])
    return f"{minute} {hour} {day} {dice.choice(['*', '*', '*', '3,4,9,10,11'])} {weekday}"


@pytest.mark.slow
def test_a_hundred_thousand_due_times_of_two_years_are_those_that_the_clocks_show() -> None:
    dice, total = random.Random(14), 0
    while total < 100_000:
        text, zone = expression(dice), dice.choice(ZONES)
        cadence = Cadence(BEGIN, cron=text, zone=zone)
        found = list(cadence.between(BEGIN, END))
        assert found == list(Clock(text, zone).due(BEGIN, END)), f"{text} in {zone}"
        total += len(found)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_from_any_moment_near_a_change_of_the_clocks_the_next_due_time_is_the_same(zone: str) -> None:
    dice = random.Random(zone)
    here = ZoneInfo(zone)
    changes = [day for n in range(730) if (day := BEGIN + timedelta(days=n)).astimezone(here).utcoffset() != (day + timedelta(days=1)).astimezone(here).utcoffset()]  # fmt: skip
    assert len(changes) == 4
    for change in changes:
        for _ in range(6):
            text = expression(dice)
            cadence = Cadence(BEGIN, cron=text, zone=zone)
            known = list(Clock(text, zone).due(change - timedelta(days=1), change + timedelta(days=40)))
            for _ in range(4):
                moment = change + timedelta(minutes=dice.randrange(36 * 60), seconds=dice.randrange(60))
                assert cadence.after(moment) == next((d for d in known if d > moment), cadence.after(moment)), (text, moment)  # fmt: skip


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "since", "due"),
    [
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),  # 2:30 is jumped over: at 3:00
        ("*/15 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),  # once for all of them
        ("30 * * * *", "2026-03-29T00:00", ["2026-03-29T00:30", "2026-03-29T01:30"]),  # each hour that there is
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),  # the first 2:30 alone
        ("30 * * * *", "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]),
    ],
)
def test_the_hour_that_is_missing_and_the_hour_that_comes_twice(text: str, since: str, due: list[str]) -> None:
    assert Cadence(BEGIN, cron=text, zone=BERLIN).upcoming(utc(since), len(due)) == [utc(one) for one in due]


def test_an_interval_counts_real_seconds_from_its_beginning_through_every_change() -> None:
    cadence = Cadence(utc("2026-03-28T00:00:05"), seconds=7200, zone=BERLIN)
    found = list(cadence.between(BEGIN, utc("2026-04-01T00:00")))
    assert found[0] == cadence.begins
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=2)}
    assert cadence.count(BEGIN, utc("2026-04-01T00:00")) == len(found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"cron": "* * * *"},
            "has five fields: minute, hour, day of the month, month, day of the week; this one has 4",
        ),
        ({"cron": "61 * * * *"}, "this is no cron expression"),
        ({"cron": "R * * * *"}, "'R' has no meaning"),
        ({"cron": "0 0 30 2 *"}, "it would never be due"),
        ({"cron": "0 0 * * *", "zone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
        ({"cron": "0 0 * * *", "zone": "../../etc/passwd"}, "there is no time zone"),
        ({"seconds": 0}, "one of them"),
        ({"seconds": -5}, "an interval has 1 to"),
        ({"cron": "0 0 * * *", "seconds": 5}, "one of them"),
    ],
)
def test_what_can_never_be_due_is_refused_with_what_to_write(given: dict[str, object], message: str) -> None:
    with pytest.raises(NotDue, match=message.replace("*", r"\*").replace(".", r"\.")):
        Cadence(BEGIN, **given).check()  # type: ignore[arg-type]


@pytest.mark.slow
def test_each_due_time_runs_once_or_is_counted_by_its_policy_whenever_workers_live() -> None:
    dice, total = random.Random(41), 0
    for _ in range(120):
        cadence = dice.choice([
            Cadence(BEGIN, seconds=dice.choice([30, 300, 3600])),
            Cadence(BEGIN, cron=expression(dice), zone=dice.choice(ZONES)),
        ])  # fmt: skip
        policy, most = dice.choice(list(Missed)), dice.randrange(1, 5)
        since = now = BEGIN + timedelta(seconds=dice.randrange(600 * 86400))
        began, ran, left_out = since, [], 0
        for _ in range(30):  # turns, between which workers are dead for a while
            now += timedelta(seconds=dice.choice([1, 5, 65, 4000, 40_000, 200_000]))
            settled = settle(cadence, since, now, policy, most)
            late = [due for due in settled.runs if now - due > timedelta(seconds=60)]
            assert len(settled.runs) <= (most if policy == Missed.ALL else 1)
            assert not late or policy != Missed.SKIP
            assert list(settled.runs) == sorted(settled.runs)
            ran += settled.runs
            left_out += settled.left_out
            since = now
        every = list(cadence.between(began, now))
        assert len(set(ran)) == len(ran)
        assert set(ran) <= set(every)
        assert len(ran) + left_out == len(every)
        total += len(every)
    assert total > 10_000


def test_what_was_missed_longer_ago_than_a_week_is_not_looked_at() -> None:
    settled = settle(Cadence(BEGIN, cron="* * * * *"), BEGIN, END, Missed.ALL, 3)
    assert settled.runs == tuple(END - n * MINUTE for n in (2, 1, 0))
    assert settled.left_out + 3 == LOOKED_BACK // MINUTE
