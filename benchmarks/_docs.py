"""docs/performance.md from the kept figures: the table between its two marks, and the plots of how cost grows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks import _machine
from goby_site.paths import BASE_DIR

PAGE = BASE_DIR / "docs" / "performance.md"
IMAGES = BASE_DIR / "docs" / "img"
BEGIN, END = "<!-- figures: python -m benchmarks --docs -->", "<!-- end of figures -->"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 260, 62, 20, 34, 44
# Greys in the middle stand out from white as from black.
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#767c87}.title{font-weight:600;font-size:13px}"
    "line{stroke:#8b919c;stroke-opacity:.35}polyline{fill:none;stroke-width:2}"
)
COLOURS = ("#3b82d6", "#d9822b", "#3f9e5f")

Figure = dict[str, Any]


def write(latest: Path) -> int:
    """Write page and plots. 1 where there are no figures yet."""
    if not latest.exists():
        print(f"There are no figures: {latest} is made by `make bench`")
        return 1
    figures = json.loads(latest.read_text(encoding="utf-8"))
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table(figures)}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    for name, series in plots(figures).items():
        (IMAGES / f"performance-{name}.svg").write_text(plot(series), encoding="utf-8")
    return 0


def table(figures: Sequence[Figure]) -> str:
    """All but the points of plots, with where and when they were measured."""
    from benchmarks.__main__ import cell

    rows = [
        "| figure | value | spread | beside | its value | ratio | target | holds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    shown = [figure for figure in figures if "point" not in figure]
    for figure in shown:
        busy = "\\*" if figure.get("load", 0) > _machine.BUSY else ""
        rows.append(
            f"| {figure['figure']}{busy} | {cell(figure['value'])} {figure['unit']} | {figure.get('spread') or '-'} | {figure['peer'] or '-'} | "
            f"{cell(figure['peer_value'])} | {cell(figure['ratio'])} | {figure['target'] or '-'} | {cell(figure['holds'])} |"
        )
    days = sorted({figure["measured"][:10] for figure in figures if "measured" in figure})
    machines = sorted({figure["machine"] for figure in figures if "machine" in figure})
    busy = [figure for figure in figures if figure.get("load", 0) > _machine.BUSY]
    told = f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} on {'; '.join(machines)}." if days else ""
    if busy:
        told += (
            f" \\* while others shared the machine (a load of {min(figure['load'] for figure in busy):.0f} to "
            f"{max(figure['load'] for figure in busy):.0f} on {_machine.CORES} cores): read the ratio, not the value."
        )
    return "\n".join([told, "", *rows])


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
    """Lines over a logarithmic axis, as SVG."""
    points = [point for each in series.values() for point in each]
    xs, most = sorted({point["point"]["x"] for point in points}), _round_up(max(point["value"] for point in points))
    low, high = math.log10(xs[0]), math.log10(xs[-1])

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(x) - low) / ((high - low) or 1)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / most

    title = f"{next(iter(series)).partition(':')[0]}: {points[0]['unit']}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<style>{STYLE}</style><text class="title" x="{LEFT}" y="18">{escape(title)}</text>'
    )
    parts = [head]
    for step in range(5):
        y = most * step / 4
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>'
            f'<text x="{LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
        )
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


def _round_up(value: float) -> float:
    """To one that divides by four well."""
    size = 10 ** math.floor(math.log10(value))
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= value)


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
