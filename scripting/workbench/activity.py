"""How often each script ran and failed in the last day, by hour, for the sparkline of the list; read from the rollups."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache

from scripting import clock
from scripting.metrics import rollups

HOURS = 24
KEEP_SECONDS = 15
CACHED = "scripting.workbench.pulses"
WIDTH, HEIGHT = 96, 22


@dataclass
class Pulse:
    """Runs of the last 24 hours by hour, oldest first; `bad` of them failed or were decided by a fallback."""

    runs: list[int] = field(default_factory=lambda: [0] * HOURS)
    bad: list[int] = field(default_factory=lambda: [0] * HOURS)

    @property
    def total(self) -> int:
        return sum(self.runs)

    @property
    def failure_percent(self) -> float:
        return 100 * sum(self.bad) / self.total if self.total else 0.0

    @property
    def bars(self) -> list[dict[str, float]]:
        """One bar an hour for the drawing, with its failed part at the foot."""
        top = max(self.runs) or 1
        drawn = []
        for hour, (runs, bad) in enumerate(zip(self.runs, self.bad, strict=True)):
            height = max(1.5, (HEIGHT - 2) * runs / top) if runs else 0.0
            foot = max(1.5, height * bad / runs) if bad else 0.0
            place = {"x": hour * WIDTH / HOURS, "y": HEIGHT - height, "height": height}
            drawn.append(place | {"bad_y": HEIGHT - foot, "bad_height": foot})
        return drawn

    def __str__(self) -> str:
        return f"{self.total} runs in 24 hours, {self.failure_percent:.1f} % failed or fell back"


def pulses() -> dict[int, Pulse]:
    """The pulse of every script that ran, by its id; at most KEEP_SECONDS old."""
    found: dict[int, Pulse] | None = cache.get(CACHED)
    if found is None:
        found = read(clock.now())
        cache.set(CACHED, found, KEEP_SECONDS)
    return found


def read(now: datetime) -> dict[int, Pulse]:
    """From the rollups of the 24 hours before `now`."""
    begin = now - timedelta(hours=HOURS)
    found: dict[int, Pulse] = defaultdict(Pulse)
    for row in rollups.rows(begin, now):
        hour = min(HOURS - 1, max(0, int((row.start - begin).total_seconds() // 3600)))
        figures = rollups.Figures()
        figures.counts = {name: getattr(row, name) for name in figures.counts}
        pulse = found[row.script_id]
        pulse.runs[hour] += figures.runs
        pulse.bad[hour] += figures.failures
    return dict(found)
