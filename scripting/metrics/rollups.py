"""Rollups: what each commit adds to the figures, and reading them over a range of time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, BinaryField, Case, QuerySet, Value, When

from scripting import clock
from scripting.metrics import histogram
from scripting.metrics.histogram import Histogram
from scripting.models.execution import SUPERSEDED, Execution
from scripting.models.lone_commits import LoneCommit
from scripting.models.rollups import OUTCOMES, ExecutionStat, StatDelta, StatFields

Span = ExecutionStat.Span
SKIPPED = Execution.Status.SKIPPED.value
_MICROSECOND = timedelta(microseconds=1)


class StatRow(NamedTuple):
    """A row of ExecutionStat or StatDelta as it is read for a page."""

    script_id: int
    version_id: int | None
    start: datetime
    succeeded: int
    fell_back: int
    failed: int
    cancelled: int
    skipped: int
    abandoned: int
    wall_us: int
    cpu_us: int
    durations: bytes
    waits: bytes
    waited_us: int
    superseded: int


@dataclass
class Figures:
    """Counts by outcome and durations (µs) of some executions, and how long those of events waited to be recorded."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    wall_us: int = 0
    cpu_us: int = 0
    durations: Histogram = field(default_factory=Histogram)
    waits: Histogram = field(default_factory=Histogram)
    """Of events alone: from the acceptance to the record."""
    waited_us: int = 0
    superseded: int = 0
    """Of those skipped."""

    def add_waits(self, accepted: Sequence[datetime], recorded: datetime) -> None:
        """Events that were accepted then; by the site's clock, so one from the future has not waited."""
        waits = [max(0, (recorded - each) // _MICROSECOND) for each in accepted]
        self.waits.merge(Histogram.of(waits))
        self.waited_us += sum(waits)

    def add_row(self, row: StatFields | StatRow) -> None:
        for outcome in OUTCOMES:
            self.counts[outcome] += getattr(row, outcome)
        self.wall_us += row.wall_us
        self.cpu_us += row.cpu_us
        self.durations.merge_encoded(bytes(row.durations))
        self.waits.merge_encoded(bytes(row.waits))
        self.waited_us += row.waited_us
        self.superseded += row.superseded

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[Any, ...]]) -> Figures:
        """The sum of rows as StatRow has them, at least one: column by column, which is much less than row after row."""
        columns: Any = StatRow._make(zip(*rows, strict=True))
        made = cls({outcome: sum(getattr(columns, outcome)) for outcome in OUTCOMES})
        made.wall_us, made.cpu_us = sum(columns.wall_us), sum(columns.cpu_us)
        made.durations.merge_all(map(bytes, columns.durations))
        made.waits.merge_all(map(bytes, columns.waits))
        made.waited_us, made.superseded = sum(columns.waited_us), sum(columns.superseded)
        return made

    @classmethod
    def of_requests(cls, rows: Sequence[tuple[Any, ...]]) -> Figures:
        """The sum of rows of LoneCommit, as `requests_as_rows` would have them: their outcomes and times (µs, wall and processor)."""
        made = cls()
        made.counts |= Counter(outcome for outcome, _, _ in rows)
        made.wall_us = sum(wall_us for _, wall_us, _ in rows)
        made.cpu_us = sum(cpu_us for _, _, cpu_us in rows)
        made.durations = Histogram.of(wall_us for outcome, wall_us, _ in rows if outcome != SKIPPED)
        return made

    def merge(self, other: Figures) -> None:
        for outcome in OUTCOMES:
            self.counts[outcome] += other.counts[outcome]
        self.wall_us += other.wall_us
        self.cpu_us += other.cpu_us
        self.durations.merge(other.durations)
        self.waits.merge(other.waits)
        self.waited_us += other.waited_us
        self.superseded += other.superseded

    def columns(self) -> dict[str, Any]:
        return {
            **self.counts,
            "wall_us": self.wall_us,
            "cpu_us": self.cpu_us,
            "durations": self.durations.encode(),
            "waits": self.waits.encode(),
            "waited_us": self.waited_us,
            "superseded": self.superseded,
        }

    @property
    def recorded(self) -> int:
        """Executions of every outcome."""
        return sum(self.counts.values())

    @property
    def runs(self) -> int:
        """Executions in which something ran: all but those skipped."""
        return self.recorded - self.skipped

    @property
    def skipped(self) -> int:
        """Executions of a script that was disabled, or whose event gave way to a newer one: nothing ran."""
        return self.counts[SKIPPED]

    @property
    def failures(self) -> int:
        """Runs whose script did not decide: failed, fell back, or never ran to an end."""
        return self.counts["failed"] + self.counts["fell_back"] + self.counts["abandoned"]

    @property
    def failure_rate(self) -> float | None:
        """Part of the runs that failed, 0 to 1; None without runs."""
        return self.failures / self.runs if self.runs else None


def deltas_of(executions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Count rows of Execution: rows of StatDelta, for the transaction that writes them."""
    if len(executions) == 1:
        return [_delta_of(executions[0])]
    groups: dict[tuple[int, int | None, datetime], list[Mapping[str, Any]]] = {}
    for row in executions:
        minute = row["finished_at"].replace(second=0, microsecond=0)
        groups.setdefault((row["script_id"], row.get("version_id"), minute), []).append(row)
    now = clock.now()
    return [_identity(key) | _figures_of(rows, now).columns() for key, rows in groups.items()]


def _figures_of(rows: Sequence[Mapping[str, Any]], now: datetime) -> Figures:
    """Of executions that are recorded now: column by column, which costs each less than to be added by a call of its own."""
    figures = Figures()
    figures.counts |= Counter([row["status"] for row in rows])
    wall_us = [row.get("wall_us", 0) for row in rows]
    figures.wall_us = sum(wall_us)
    figures.cpu_us = sum([row.get("cpu_us", 0) for row in rows])
    if figures.skipped:
        skipped = [row for row in rows if row["status"] == SKIPPED]
        figures.superseded = sum(row.get("error_message", "").startswith(SUPERSEDED) for row in skipped)
        # Nothing ran, so it took no time that says anything.
        wall_us = [row.get("wall_us", 0) for row in rows if row["status"] != SKIPPED]
    figures.durations = Histogram.of(wall_us)
    figures.add_waits([at for row in rows if (at := row.get("queued_at")) is not None], now)
    return figures


def _delta_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The delta of an execution that is alone in its commit: the same as of many, at a fifth of the price."""
    outcome, wall_us, accepted = row["status"], row.get("wall_us", 0), row.get("queued_at")
    skipped = outcome == SKIPPED
    waited_us = 0 if accepted is None else max(0, (clock.now() - accepted) // _MICROSECOND)
    return {
        "script_id": row["script_id"],
        "version_id": row.get("version_id"),
        "start": row["finished_at"].replace(second=0, microsecond=0),
        **_NO_OUTCOMES,
        outcome: 1,
        "wall_us": wall_us,
        "cpu_us": row.get("cpu_us", 0),
        "durations": b"" if skipped else histogram.alone(wall_us),
        "waits": b"" if accepted is None else histogram.alone(waited_us),
        "waited_us": waited_us,
        "superseded": int(skipped and row.get("error_message", "").startswith(SUPERSEDED)),
    }


_NO_OUTCOMES = dict.fromkeys(OUTCOMES, 0)


# -- of commits of one request -------------------------------------------------------------------------------------------


_DURATIONS = StatRow._fields.index("durations")


def of_request(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of LoneCommit that tell what a row of Execution adds."""
    return {
        "script_id": row["script_id"],
        "version_id": row.get("version_id"),
        "start": row["finished_at"].replace(second=0, microsecond=0),
        "outcome": row["status"],
        "wall_us": row.get("wall_us", 0),
        "cpu_us": row.get("cpu_us", 0),
    }


def requests_as_rows(found: QuerySet[LoneCommit]) -> QuerySet[Any]:
    """With all columns of StatRow, but for the histogram, which a database does not know to make: it is NULL, and `whole` makes it."""
    none = Value(0, output_field=BigIntegerField())
    counts = {
        outcome: Case(When(outcome=outcome, then=Value(1)), default=none, output_field=BigIntegerField())
        for outcome in OUTCOMES
    }
    left = {"durations": Value(None, output_field=BinaryField()), "waits": Value(b"", output_field=BinaryField())}
    return found.annotate(**counts, **left, waited_us=none, superseded=none)


def whole(columns: tuple[Any, ...]) -> StatRow:
    """The row of these columns, with the histogram of its time where it is a request's."""
    row = StatRow._make(columns)
    if columns[_DURATIONS] is not None:
        return row
    return row._replace(durations=b"" if row.skipped else histogram.alone(row.wall_us))


def _identity(key: tuple[int, int | None, datetime]) -> dict[str, Any]:
    return {"script_id": key[0], "version_id": key[1], "start": key[2]}


def by_script(since: datetime, until: datetime, scripts: Sequence[int] | None = None) -> dict[int, Figures]:
    """Figures per script id of what ended in [since, until), to the minute; hours are read whole where they fit."""
    found: dict[int, Figures] = defaultdict(Figures)
    for row in rows(since, until, scripts):
        found[row.script_id].add_row(row)
    return dict(found)


def by_step(found: Iterable[StatRow], since: datetime, step: timedelta) -> dict[tuple[int, int], Figures]:
    """Figures by (script id, step since `since`); each row's histogram is read once."""
    cells: dict[tuple[int, int], Figures] = defaultdict(Figures)
    for row in found:
        cells[row.script_id, (row.start - since) // step].add_row(row)
    return dict(cells)


def series(
    cells: Iterable[tuple[tuple[int, int], Figures]], since: datetime, until: datetime, step: timedelta
) -> list[tuple[datetime, Figures]]:
    """(start, figures) of each step of [since, until), empty ones included, from what `by_step` found."""
    steps = max(1, -((since - until) // step))
    made = [(since + step * index, Figures()) for index in range(steps)]
    for (_, index), figures in cells:
        if 0 <= index < steps:
            made[index][1].merge(figures)
    return made


def span_for(length: timedelta) -> ExecutionStat.Span:
    """The rollups that a range of this length is read from, so that a page reads about as many rows whatever the range."""
    if length <= timedelta(hours=2):
        return Span.MINUTE
    if length <= timedelta(hours=12):
        return Span.TEN_MINUTES
    return Span.HOUR if length <= timedelta(days=8) else Span.DAY


def ever() -> list[StatRow]:
    """Sums of all time per script and version, and the deltas that wait to be folded into them."""
    return _together(
        ExecutionStat.objects.filter(span=Span.EVER),
        StatDelta.objects.all(),
        requests_as_rows(LoneCommit.objects.all()),
    )


def _together(*sets: QuerySet[Any]) -> list[StatRow]:
    """Rows of several tables. One statement sees one moment: a fold between two would count its deltas twice, or not at all."""
    first, *others = (each.order_by().values_list(*StatRow._fields) for each in sets)
    return [whole(row) for row in first.union(*others, all=True)]


def rows(since: datetime, until: datetime, scripts: Sequence[int] | None = None) -> list[StatRow]:
    """Every rollup row and waiting delta of [since, until), no execution counted twice.

    The rows are those of `span_for` the range; `since` is widened to where the first of them begins.
    """
    span = span_for(until - since)
    since = span.start_of(since.replace(second=0, microsecond=0))
    within: dict[str, Any] = {"start__gte": since, "start__lt": until}
    if scripts is not None:
        within["script__in"] = scripts
    return _together(
        ExecutionStat.objects.filter(span=span, **within),
        StatDelta.objects.filter(**within),
        requests_as_rows(LoneCommit.objects.filter(**within)),
    )
