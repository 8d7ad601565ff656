"""Charts as shapes for an SVG that the template draws: outcomes stacked over time, quantiles as lines, publishes marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scripting.insight import times
from scripting.insight.display import milliseconds
from scripting.metrics.histogram import Histogram
from scripting.metrics.rollups import Figures
from scripting.models import Activation
from scripting.models.rollups import OUTCOMES

WIDTH, HEIGHT = 560, 180
LEFT, RIGHT, TOP, BOTTOM = 58, 6, 14, 24
QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
ACCEPTED_TO_RECORDED = "Events: accepted to recorded"
STACK = ("succeeded", "skipped", "cancelled", "fell_back", "failed", "abandoned")
"""From the axis upwards: what went well is at the bottom."""
assert set(STACK) == set(OUTCOMES)


@dataclass(frozen=True)
class Area:
    """The bars of one outcome, all steps in one path: a template takes tens of µs for every thing that it names."""

    outcome: str
    path: str


@dataclass(frozen=True)
class Column:
    """A step in which something ran, from top to bottom: what it says when pointed at."""

    path: str
    title: str


@dataclass(frozen=True)
class Line:
    """A quantile over time; a gap where nothing ran."""

    name: str
    path: str


@dataclass(frozen=True)
class Tick:
    """A label on an axis, at its place."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A publish on the time axis."""

    x: float
    title: str
    url_script: int


@dataclass(frozen=True)
class Chart:
    """A chart for the template to draw, in a box of WIDTH by HEIGHT."""

    title: str
    areas: list[Area]
    lines: list[Line]
    columns: list[Column]
    across: list[Tick]
    upward: list[Tick]
    marks: list[Mark]
    empty: bool

    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


Series = Sequence[tuple[datetime, Figures]]


def outcomes_chart(series: Series, step: timedelta, publishes: Sequence[Activation]) -> Chart:
    """Runs by outcome, stacked."""
    most = max((figures.recorded for _, figures in series), default=0)
    top = nice_ceiling(most)
    slot = _slot(series)
    width = max(1, slot - 1)
    paths: dict[str, list[str]] = {name: [] for name in STACK}
    said: list[str] = []
    for index, (_, figures) in enumerate(series):
        y = float(HEIGHT - BOTTOM)
        for name in STACK:
            height = _scaled(figures.counts[name], top)
            if height:
                y -= height
                paths[name].append(_outline(LEFT + slot * index + 0.5, y, width, height))
        counts = [(figures.counts[name], name.replace("_", " ")) for name in STACK]
        said.append(", ".join(f"{count:,} {name}" for count, name in counts if count))
    areas = [Area(name, "".join(parts)) for name, parts in paths.items() if parts]
    upward = [Tick(HEIGHT - BOTTOM - _scaled(part, top), f"{part:,.0f}") for part in (0, top / 2, top) if top]
    return Chart(
        "Runs by outcome",
        areas,
        [],
        _columns(series, step, said),
        _across(series, step),
        upward,
        _marks(series, step, publishes),
        most == 0,
    )


def durations_chart(series: Series, step: timedelta, publishes: Sequence[Activation]) -> Chart:
    """Median and slow ends of the wall time."""
    return _quantiles_chart("Wall time", series, [figures.durations for _, figures in series], step, publishes)


def waits_chart(series: Series, step: timedelta, publishes: Sequence[Activation]) -> Chart:
    """Median and slow ends of the time from an event's acceptance until it was recorded."""
    return _quantiles_chart(ACCEPTED_TO_RECORDED, series, [figures.waits for _, figures in series], step, publishes)


def _quantiles_chart(
    title: str,
    series: Series,
    histograms: Sequence[Histogram],
    step: timedelta,
    publishes: Sequence[Activation],
) -> Chart:
    """Quantiles over time, on a logarithmic axis."""
    found = [histogram.quantiles(*(q for q, _ in QUANTILES)) for histogram in histograms]
    values = [value for each in found for value in each if value]
    low = 10 ** math.floor(math.log10(min(values))) if values else 1
    high = 10 ** math.ceil(math.log10(max(values) * 1.0001)) if values else 10
    slot = _slot(series)

    def y(value: float) -> float:
        part = math.log10(max(value, low) / low) / math.log10(high / low)
        return round(HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP), 2)

    lines = []
    for index, (_, name) in enumerate(QUANTILES):
        path, drawing = [], False
        for position, each in enumerate(found):
            value = each[index]
            if value is None:
                drawing = False
                continue
            x = round(LEFT + slot * (position + 0.5), 2)
            # A point without neighbours is a stroke of no length, which a round cap shows as a dot.
            path.append(f"{'L' if drawing else 'M'}{x} {y(value)}" + ("" if drawing else f"L{x} {y(value)}"))
            drawing = True
        lines.append(Line(name, "".join(path)))
    decades = round(math.log10(high / low))
    upward = [Tick(y(low * 10**decade), milliseconds(int(low * 10**decade))) for decade in range(decades + 1)]
    said = [
        ", ".join(
            f"{name} {milliseconds(round(v))}" for v, (_, name) in zip(each, QUANTILES, strict=True) if v is not None
        )
        for each in found
    ]
    return Chart(
        title,
        [],
        lines,
        _columns(series, step, said),
        _across(series, step),
        upward,
        _marks(series, step, publishes),
        not values,
    )


def spark(counts: Sequence[int], width: int = 96, height: int = 22) -> str:
    """The outlines of the bars of a trend, as one SVG path: a page may show hundreds of them."""
    most = max(counts, default=0)
    slot = width / max(1, len(counts))
    return "".join(
        _outline(slot * i, height - height * c / most, slot - 0.6, height * c / most) for i, c in enumerate(counts) if c
    )


def _columns(series: Series, step: timedelta, said: Sequence[str]) -> list[Column]:
    slot = _slot(series)
    return [
        Column(_outline(LEFT + slot * index, TOP, slot, HEIGHT - BOTTOM - TOP), f"{_when(start, step)}: {text}")
        for index, ((start, _), text) in enumerate(zip(series, said, strict=True))
        if text
    ]


def _outline(x: float, y: float, width: float, height: float) -> str:
    """A rectangle as a part of an SVG path. Made here, since a template takes tens of µs for four numbers."""
    return f"M{x:.6g} {y:.6g}h{width:.6g}v{height:.6g}h{-width:.6g}z"


def nice_ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, at least 2: an axis that people can halve."""
    if value <= 2:
        return 2 if value > 0 else 0
    power: float = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 10) if step * power >= value)


def _slot(series: Series) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(series))


def _scaled(value: float, top: float) -> float:
    return round((HEIGHT - BOTTOM - TOP) * value / top, 2) if top else 0


def _across(series: Series, step: timedelta) -> list[Tick]:
    every = max(1, math.ceil(len(series) / 6))
    slot = _slot(series)
    return [
        Tick(round(LEFT + slot * i, 2), _when(start, step)) for i, (start, _) in enumerate(series) if i % every == 0
    ]


def _when(start: datetime, step: timedelta) -> str:
    at = times.written(start)
    if step >= timedelta(days=1):
        return at[5:10]
    return at[5:16] if step >= timedelta(hours=6) else at[11:16]


def _marks(series: Series, step: timedelta, publishes: Sequence[Activation]) -> list[Mark]:
    if not series:
        return []
    since, whole = series[0][0], step * len(series)
    marks = []
    for each in publishes:
        x = LEFT + (WIDTH - LEFT - RIGHT) * ((each.created_at - since) / whole)
        what = f"{each.script} v{each.version.number}" if each.version else f"{each.script}: nothing active"
        by = f" by {each.actor}" if each.actor else ""
        title = f"{times.written(each.created_at)} {what}, {each.get_cause_display().lower()}{by}"
        marks.append(Mark(round(x, 2), title, each.script_id))
    return marks
