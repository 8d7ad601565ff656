"""The made-up past of `make bench-history`: what is summed beside the rows is what counting the rows gives."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from benchmarks._past import COLUMNS, Past
from scripting.metrics.histogram import Histogram
from scripting.metrics.retention import HOURS_KEPT, MINUTES_KEPT
from scripting.models import ExecutionStat
from scripting.models.rollups import OUTCOMES

COUNT = 20_000


@pytest.mark.slow
def test_rollups_and_groups_equal_a_recount_and_rows_are_in_order_and_small() -> None:
    past = Past(COUNT, {1: [1, 2], 2: [3, 4], 3: [5, 6], 4: [7, 8]}, datetime.now(UTC))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in past.rows()]
    assert len(rows) == COUNT
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    payloads = ("inputs", "inputs_text", "result", "result_text")
    assert max(sum(len(row[name] or b"") for name in payloads) for row in rows) <= 300

    rollups = past.rollups()
    for span in ExecutionStat.Span:
        kept = {"minute": MINUTES_KEPT, "ten": MINUTES_KEPT, "hour": HOURS_KEPT}.get(span)
        since = "" if kept is None else f"{span.start_of(past.now - kept):%F %T}"
        recount = Counter(row["status"] for row in rows if row["started_at"] >= since)
        sums = Counter({name: sum(row[name] for row in rollups if row["span"] == span) for name in OUTCOMES})
        # At the edge of what is kept, the first span may lack its beginning.
        assert abs((recount - sums).total() + (sums - recount).total()) <= (0 if kept is None else 20), span
    whole = Histogram()
    for row in rollups:
        if row["span"] == "ever":
            whole.merge_encoded(row["durations"])
    assert whole == Histogram.of(row["wall_us"] for row in rows)

    failed = Counter((row["script_id"], row["error_type"], row["error_line"]) for row in rows if row["error_type"])
    groups: Counter[tuple[int, str, int | None]] = Counter()
    for group in past.groups():
        groups[group["script_id"], group["error_type"], group["error_line"]] += group["count"]
    assert failed == groups
