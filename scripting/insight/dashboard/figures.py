"""The dashboard's figures: one look at the rollups of a range gives every script's, every version's and every step's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from scripting.metrics import error_groups, rollups
from scripting.metrics.rollups import Figures
from scripting.models import Activation, Breaker, ErrorGroup, Script

SOON_US = 1_000_000
"""An event is to be recorded so soon after it was accepted: docs/slo.md."""
PUBLISHES = 100
"""Changes that the time axis marks at the most, newest first."""


@dataclass(frozen=True)
class ScriptFigures:
    """One line of the table: a script over the range. Times in µs, None without runs."""

    script: Script
    figures: Figures
    p50: float | None
    p95: float | None
    p99: float | None
    new_errors: int
    """Error groups that were first seen since its version was last changed."""
    breaker_open: bool

    @property
    def failures(self) -> int:
        return self.figures.failures

    @property
    def percent(self) -> float | None:
        """Failures among its runs, 0 to 100."""
        rate = self.figures.failure_rate
        return None if rate is None else 100 * rate


@dataclass(frozen=True)
class Place:
    """Where a script stands among the `of` that ran: 1 is the slowest, the one that fails most. None: it did not fail."""

    line: ScriptFigures
    of: int
    slow: int
    failing: int | None


@dataclass(frozen=True)
class Dashboard:
    """Figures of one range."""

    since: datetime
    until: datetime
    step: timedelta
    total: Figures
    scripts: list[ScriptFigures]
    series: list[tuple[datetime, Figures]]
    publishes: list[Activation]
    chosen: Script | None = None

    @property
    def in_time(self) -> float | None:
        """Of the events, the part that was recorded within SOON_US of its acceptance, 0 to 100; None without any."""
        waits = self.total.waits
        return 100 * waits.upto(SOON_US) / waits.total if waits.total else None

    @property
    def slowest(self) -> ScriptFigures | None:
        """The script with the highest p99."""
        return next(iter(self._by_p99()), None)

    @property
    def most_failing(self) -> ScriptFigures | None:
        """The script with the highest failure rate, if any failed."""
        return next(iter(self._by_failures()), None)

    @property
    def place(self) -> Place | None:
        """That of the script chosen; None without one, or if it did not run."""
        line = next((s for s in self.scripts if self.chosen and s.script.pk == self.chosen.pk), None)
        if line is None or line.p99 is None:
            return None
        slow, failing = self._by_p99(), self._by_failures()
        return Place(line, len(slow), slow.index(line) + 1, failing.index(line) + 1 if line in failing else None)

    def _by_p99(self) -> list[ScriptFigures]:
        return sorted((s for s in self.scripts if s.p99 is not None), key=lambda s: -(s.p99 or 0))

    def _by_failures(self) -> list[ScriptFigures]:
        return sorted((s for s in self.scripts if s.failures), key=lambda s: (-(s.percent or 0), -s.failures))

    def modules(self) -> list[tuple[str, list[ScriptFigures]]]:
        """The lines of the table by module."""
        by_module: dict[str, list[ScriptFigures]] = defaultdict(list)
        for line in self.scripts:
            by_module[line.script.module].append(line)
        return sorted(by_module.items())


def dashboard(since: datetime, until: datetime, step: timedelta, chosen: Script | None = None) -> Dashboard:
    """Figures of [since, until); the series and the publishes of `chosen` alone where one is given."""
    scripts = {script.pk: script for script in Script.objects.select_related("active_version")}
    cells = rollups.by_step(rollups.rows(since, until), since, step)
    by_script: dict[int, Figures] = defaultdict(Figures)
    for (key, _), figures in cells.items():
        by_script[key].merge(figures)
    new = _new_errors(by_script)
    broken = set(Breaker.objects.filter(opened_at__isnull=False).values_list("version_id", flat=True))
    lines = [
        _line(scripts[key], figures, new.get(key, 0), scripts[key].active_version_id in broken)
        for key, figures in by_script.items()
        if key in scripts
    ]
    lines.sort(key=lambda line: str(line.script))
    shown = [cell for cell in cells.items() if chosen is None or cell[0][0] == chosen.pk]
    total = by_script.get(chosen.pk, Figures()) if chosen else _total(by_script.values())
    series = rollups.series(shown, since, until, step)
    return Dashboard(since, until, step, total, lines, series, publishes(since, until, chosen), chosen)


def publishes(since: datetime, until: datetime, chosen: Script | None = None) -> list[Activation]:
    """Activations in the range, newest first. They are few: people made them."""
    made = Activation.objects.filter(created_at__gte=since, created_at__lt=until)
    if chosen is not None:
        made = made.filter(script=chosen)
    return list(made.select_related("script", "version", "actor").order_by("-pk")[:PUBLISHES])


def _total(parts: Iterable[Figures]) -> Figures:
    total = Figures()
    for part in parts:
        total.merge(part)
    return total


def _line(script: Script, figures: Figures, new_errors: int, breaker_open: bool) -> ScriptFigures:
    p50, p95, p99 = figures.durations.quantiles(0.5, 0.95, 0.99)
    return ScriptFigures(script, figures, p50, p95, p99, new_errors, breaker_open)


def _new_errors(scripts: Iterable[int]) -> dict[int, int]:
    """Per script, the groups that were first seen since its version was last changed."""
    since = Q(pk__in=[])
    for script, changed in error_groups.last_changes(scripts).items():
        since |= Q(script=script, last_seen__gte=changed, first_seen__gte=changed)
    counted = ErrorGroup.objects.order_by().filter(since).values("script_id").annotate(new=Count("pk"))
    return dict(counted.values_list("script_id", "new"))
