"""The dashboard's charts and trends, by what they draw and say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from scripting.insight.dashboard import charts
from scripting.insight.dashboard.charts import Chart, durations_chart, outcomes_chart, spark
from scripting.metrics.histogram import Histogram
from scripting.metrics.rollups import Figures

STEP = timedelta(minutes=10)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Box = tuple[float, float, float, float]
"""Left, top, width, height."""


def series(*steps: dict[str, list[int]]) -> list[tuple[datetime, Figures]]:
    """From noon on: for each step, the wall times (µs) by outcome."""
    made = [(NOON + STEP * index, Figures()) for index in range(len(steps))]
    for (_, figures), by_outcome in zip(made, steps, strict=True):
        for outcome, walls in by_outcome.items():
            figures.counts[outcome] += len(walls)
            figures.durations.merge(Histogram.of(walls if outcome != "skipped" else ()))
    return made


def boxes(path: str) -> list[Box]:
    """The rectangles that a path draws."""
    number = r"(-?[\d.]+(?:e-?\d+)?)"
    found = re.findall(rf"M{number} {number}h{number}v{number}h{number}z", path)
    assert all(float(there) == -float(back) for _, _, there, _, back in found)
    return [(float(x), float(y), float(width), float(height)) for x, y, width, height, _ in found]


def bars(chart: Chart) -> dict[str, list[Box]]:
    return {area.outcome: boxes(area.path) for area in chart.areas}


def test_bars_stand_on_one_another_as_high_as_their_runs_are_many() -> None:
    drawn = bars(outcomes_chart(series({"succeeded": [5] * 6, "failed": [5] * 2}, {"succeeded": [5] * 4}), STEP, []))
    assert set(drawn) == {"succeeded", "failed"}, "what never happened is not drawn"
    (first, second), [failed] = drawn["succeeded"], drawn["failed"]
    unit = (charts.HEIGHT - charts.TOP - charts.BOTTOM) / 10
    assert [round(box[3] / unit, 1) for box in (first, second, failed)] == [6, 4, 2]
    assert first[1] + first[3] == second[1] + second[3] == Chart.bottom
    assert round(failed[1] + failed[3], 2) == round(first[1], 2)
    assert failed[0] == first[0] < first[0] + first[2] < second[0]


def test_a_step_says_its_figures_where_it_is_pointed_at_and_an_empty_one_nothing() -> None:
    some = series({"succeeded": [1000] * 1200, "fell_back": [1000]}, {}, {"failed": [250]})
    first, last = outcomes_chart(some, STEP, []).columns
    assert first.title == "12:00: 1,200 succeeded, 1 fell back"
    assert last.title == "12:20: 1 failed"
    assert [column.title.partition(":")[0] for column in durations_chart(some, STEP, []).columns] == ["12", "12"]
    assert re.fullmatch(
        r"12:20: p50 25\d µs, p95 25\d µs, p99 25\d µs", durations_chart(some, STEP, []).columns[1].title
    )
    [area], [bar] = boxes(last.path), bars(outcomes_chart(some, STEP, []))["failed"]
    assert area[0] <= bar[0]
    assert bar[0] + bar[2] <= area[0] + area[2]
    assert (area[1], area[1] + area[3]) == (Chart.top, Chart.bottom)


def test_a_line_of_wall_times_breaks_where_nothing_ran() -> None:
    median = durations_chart(
        series({"succeeded": [100]}, {}, {"succeeded": [900]}, {"succeeded": [950]}), STEP, []
    ).lines[0]
    assert median.name == "p50"
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", median.path)]
    assert median.path.count("M") == 2
    assert points[0] == points[1], "one alone is a dot"
    assert points[0][1] > points[2][1] > points[4][1], "slower is higher"


def test_charts_of_nothing_are_empty_and_draw_nothing() -> None:
    for chart in (outcomes_chart(series({}, {}), STEP, []), durations_chart(series({}, {}), STEP, [])):
        assert chart.empty
        assert not chart.areas
        assert not chart.columns


def test_a_trend_is_as_high_as_its_box_where_it_is_most() -> None:
    drawn = boxes(spark([0, 2, 8, 4], width=40, height=16))
    assert [(box[0], box[1], box[3]) for box in drawn] == [(10, 12, 4), (20, 0, 16), (30, 8, 8)]
    assert spark([0, 0]) == spark([]) == ""
