"""The ranges of time that the dashboard offers, each with the steps of its charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scripting import clock
from scripting.metrics.rollups import span_for


@dataclass(frozen=True)
class Range:
    """A name for addresses, what people read, how far back, and the step of a chart: about 15 to 90 of them."""

    name: str
    title: str
    length: timedelta
    step: timedelta

    def until(self, now: datetime | None = None) -> tuple[datetime, datetime]:
        """[since, until) that ends with the step that goes on now, and begins where a step begins."""
        now = now or clock.now()
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        start = day + (now - day) // self.step * self.step
        until = start + self.step
        return span_for(self.length).start_of(until - self.length), until


RANGES = (
    Range("15m", "15 minutes", timedelta(minutes=15), timedelta(minutes=1)),
    Range("1h", "hour", timedelta(hours=1), timedelta(minutes=2)),
    Range("6h", "6 hours", timedelta(hours=6), timedelta(minutes=10)),
    Range("24h", "24 hours", timedelta(hours=24), timedelta(hours=1)),
    Range("7d", "7 days", timedelta(days=7), timedelta(hours=6)),
    Range("30d", "30 days", timedelta(days=30), timedelta(days=1)),
    Range("90d", "90 days", timedelta(days=90), timedelta(days=2)),
)
BY_NAME = {each.name: each for each in RANGES}
DEFAULT = BY_NAME["1h"]
