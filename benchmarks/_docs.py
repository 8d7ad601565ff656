"""docs/performance.md from the kept figures: the table and the plots of how cost grows, each between its two marks."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks import _machine
from goby_site.paths import BASE_DIR

PAGE = BASE_DIR / "docs" / "performance.md"
IMAGES = BASE_DIR / "docs" / "img"
BEGIN, END = "<!-- {}: python -m benchmarks --docs -->", "<!-- end of {} -->"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 260, 62, 20, 34, 44
# Greys in the middle stand out from white as from black.
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#767c87}.title{font-weight:600;font-size:13px}"
    "line{stroke:#8b919c;stroke-opacity:.35}polyline{fill:none;stroke-width:2}"
)
COLOURS = ("#3b82d6", "#d9822b", "#3f9e5f")

Figure = dict[str, Any]


def write(latest: Path) -> int:
    """Write the page, and plots where their points were measured. 1 where there are no figures yet."""
    if not latest.exists():
        print(f"There are no figures: {latest} is made by `make bench`")
        return 1
    figures = [figure for figure in json.loads(latest.read_text(encoding="utf-8")) if "measured" in figure]
    drawn = plots(figures)
    for name, series in drawn.items():
        (IMAGES / f"performance-{name}.svg").write_text(plot(series), encoding="utf-8")
    text = between(PAGE.read_text(encoding="utf-8"), "figures", table(figures))
    images = "\n".join(f"![{next(iter(series))}](img/performance-{name}.svg)" for name, series in drawn.items())
    points = [figure for figure in figures if "point" in figure]
    if points:  # without them the page keeps the plots that it has
        text = between(text, "plots", f"{where(points)}\n\n{images}")
    PAGE.write_text(text, encoding="utf-8")
    return 0


def between(text: str, what: str, new: str) -> str:
    """The text with `new` between the marks of `what`."""
    head, _, rest = text.partition(BEGIN.format(what))
    return f"{head}{BEGIN.format(what)}\n{new}\n{END.format(what)}{rest.partition(END.format(what))[2]}"


def table(figures: Sequence[Figure]) -> str:
    """All but the points of plots, with where and when they were measured."""
    from benchmarks.__main__ import cell

    rows = [
        "| figure | value | spread | beside | its value | ratio | target | holds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    shown = [figure for figure in figures if "point" not in figure]
    for figure in shown:
        busy = "\\*" if figure["load"] > _machine.BUSY else ""
        rows.append(
            f"| {figure['figure']}{busy} | {cell(figure['value'])} {figure['unit']} | {figure.get('spread') or '-'} | {figure['peer'] or '-'} | "
            f"{cell(figure['peer_value'])} | {cell(figure['ratio'])} | {figure['target'] or '-'} | {cell(figure['holds'])} |"
        )
    return "\n".join([where(shown), "", *rows])


def where(figures: Sequence[Figure]) -> str:
    """A sentence that tells when and on what they were measured, and how many others did something else there."""
    if not figures:
        return "Not measured yet."
    days = sorted({figure["measured"][:10] for figure in figures})
    told = f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} on {'; '.join(sorted({each['machine'] for each in figures}))}."
    busy = [figure for figure in figures if figure["load"] > _machine.BUSY]
    if busy:
        loads = " to ".join(dict.fromkeys(f"{edge(figure['load'] for figure in busy):.0f}" for edge in (min, max)))
        told += (
            f" \\* while others shared the machine (a load of {loads} on {_machine.CORES} cores): "
            "read the ratio, not the value."
        )
    return told


def plots(figures: Sequence[Figure]) -> dict[str, dict[str, list[Figure]]]:
    """By the name of the file: its series with their points. What stands before a colon is shown in one plot."""
    found: dict[str, dict[str, list[Figure]]] = {}
    for figure in figures:
        if "point" in figure:
            series = figure["point"]["series"]
            name = re.sub(r"[^a-z0-9]+", "-", series.partition(":")[0].partition(",")[0].lower())
            found.setdefault(name, {}).setdefault(series, []).append(figure)
    return found


def plot(series: dict[str, list[Figure]]) -> str:
    """Lines over a logarithmic axis of how many, as SVG."""
    points = [point for each in series.values() for point in each]
    xs = sorted({point["point"]["x"] for point in points})
    marks, height = _scale([point["value"] for point in points])
    low, high = math.log10(xs[0]), math.log10(xs[-1])

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(x) - low) / ((high - low) or 1)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * height(y)

    title = f"{next(iter(series)).partition(':')[0]}: {points[0]['unit']}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<style>{STYLE}</style><text class="title" x="{LEFT}" y="18">{escape(title)}</text>'
    )
    parts = [head]
    parts += [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
        for y in marks
    ]
    parts += [
        f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{_short(x)}</text>' for x in xs
    ]
    for number, ((name, each), colour) in enumerate(zip(series.items(), COLOURS, strict=False)):
        places = [(across(point["point"]["x"]), up(point["value"])) for point in each]
        parts.append(f'<polyline stroke="{colour}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        if len(series) > 1:
            label = name.partition(": ")[2]
            parts.append(
                f'<text x="{LEFT + 6 + 150 * number}" y="{HEIGHT - 6}"><tspan style="fill:{colour}">●</tspan> {escape(label)}</text>'
            )
    return "\n".join([*parts, "</svg>\n"])


def _scale(values: Sequence[float]) -> tuple[list[float], Callable[[float], float]]:
    """Marks of the upright axis, and how high a value stands, 0 to 1: in tens where values differ that much."""
    least, most = min(values), max(values)
    if most <= 50 * least:
        top = _round_up(most)
        return [top * step / 4 for step in range(5)], lambda value: value / top
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return [10.0**step for step in range(low, high + 1)], lambda value: (math.log10(value) - low) / (high - low)


def _round_up(value: float) -> float:
    """To one that divides by four well."""
    size = 10 ** math.floor(math.log10(value))
    return float(next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= value))


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
