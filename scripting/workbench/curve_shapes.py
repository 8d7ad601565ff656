"""Curves of knobs as shapes for an SVG that the template draws: a line of means in a band of 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripting.insight.dashboard.charts import Tick
from scripting.types import Knob

WIDTH, HEIGHT = 340, 132
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 22
SHOWN = 3
"""Measures that are drawn: those that the knob moves most."""


@dataclass(frozen=True)
class Point:
    """A setting, where it is drawn and what it says when pointed at."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Shape:
    """One measure over the settings of a knob, in a box of WIDTH by HEIGHT."""

    measure: str
    line: str
    band: str
    points: list[Point]
    upward: list[Tick]
    across: list[Tick]
    live: float
    """Where the live value stands."""
    low: float
    high: float
    words: str
    """The curve in a sentence, for who does not see it."""

    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def shapes_of(document: Mapping[str, Any], knob: Knob) -> tuple[Shape, ...]:
    """The measures that the knob moves; empty where it moves none."""
    found = [
        _shape(name, measure, document["settings"], knob)
        for name, measure in document["measures"].items()
        if measure["moves"]
    ]
    return tuple(found[:SHOWN])


def _shape(name: str, measure: Mapping[str, Any], settings: list[float], knob: Knob) -> Shape:
    low, high = float(settings[0]), float(settings[-1])
    scale = 100.0 if measure["kind"] == "share" else 1.0
    unit = " %" if measure["kind"] == "share" else ""
    columns = [[part * scale for part in point] for point in measure["points"]]
    least: float = min(point[1] for point in columns)
    most: float = max(point[2] for point in columns)
    if most == least:
        least, most = least - 1, most + 1

    def x(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * ((value - low) / (high - low) if high > low else 0.5), 2)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - least) / (most - least), 2)

    across = [x(float(setting)) for setting in settings]
    line = "".join(
        f"{'L' if at else 'M'}{x} {y(point[0])}" for at, (x, point) in enumerate(zip(across, columns, strict=True))
    )
    upper = [f"{x} {y(point[2])}" for x, point in zip(across, columns, strict=True)]
    lower = [f"{x} {y(point[1])}" for x, point in zip(across, columns, strict=True)]
    points = [
        Point(at, y(mean), f"{knob.name} {figure(setting)}: {name} {figure(mean)}{unit} ({figure(lo)} to {figure(hi)})")
        for at, setting, (mean, lo, hi) in zip(across, settings, columns, strict=True)
    ]
    middle = (least + most) / 2
    first, last = columns[0][0], columns[-1][0]
    return Shape(
        measure=f"{'share of ' if unit else 'mean '}{name}",
        line=line,
        band=f"M{'L'.join(upper)}L{'L'.join(reversed(lower))}Z",
        points=points,
        upward=[Tick(y(value), f"{figure(value)}{unit}") for value in (least, middle, most)],
        across=[Tick(x(value), figure(value)) for value in (low, (low + high) / 2, high)],
        live=x(min(high, max(low, float(knob.value)))),
        low=low,
        high=high,
        words=f"from {figure(first)}{unit} at {figure(low)} to {figure(last)}{unit} at {figure(high)}",
    )


def figure(value: float) -> str:
    """A figure of three digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
