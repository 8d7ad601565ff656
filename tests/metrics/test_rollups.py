"""Rollups (7.2): written with the executions, folded without loss, read without counting anything twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scripting.engine import get_engine
from scripting.metrics import folding, rollups
from scripting.models import Execution, ExecutionStat, StatDelta
from scripting.registry.active import registry
from scripting.types import ExecutionRequest, ScriptInput
from scripting.workers import sweep
from scripting.workers.sweep import Sweep
from tests.support.arena import Arena, arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def arena() -> Iterator[Arena]:
    registry.forget()
    with arena_registered() as module:
        yield module
    registry.forget()


def run(points: object) -> None:
    request = ExecutionRequest("arena", "scorer", ScriptInput({"points": points}), trigger="event", key="ada")
    get_engine().execute(request)


def around_now() -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return now - timedelta(minutes=5), now + timedelta(minutes=5)


def test_7_2_rates_and_timings_are_counted_with_each_commit_and_survive_folding(arena: Arena) -> None:
    script = make_script("result = {'points': 10 // points}")
    for points in (1, 2, 0, 5):
        run(points)
    before = rollups.by_script(*around_now())[script.pk]
    while folding.fold():
        pass
    after = rollups.by_script(*around_now())[script.pk]
    assert not StatDelta.objects.exists()
    assert before == after
    assert (after.runs, after.counts["succeeded"], after.failures) == (4, 3, 1)
    assert after.failure_rate == 0.25
    walls = sorted(Execution.objects.values_list("wall_us", flat=True))
    assert after.wall_us == sum(walls)
    median = after.durations.quantiles(0.5)[0]
    assert median is not None
    assert abs(median - walls[1]) <= 0.02 * walls[1]


@pytest.mark.parametrize("requests", [0, 3])
def test_a_sweep_folds_what_a_second_has_brought_a_few_at_a_time_and_lets_commits_go_between(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, requests: int
) -> None:
    script, minute = make_script("result = {'points': points}"), around_now()[0]
    for _ in range(requests):  # what they add waits in another table
        run(1)
    StatDelta.objects.bulk_create(StatDelta(script=script, start=minute, succeeded=1) for _ in range(250))
    left: list[int] = []
    monkeypatch.setattr(sweep.time, "sleep", lambda _: left.append(StatDelta.objects.count()))
    assert Sweep("test").fold_stats(sweep.waiting_rows()) == 250 + requests
    assert left == [150, 50]
    assert sum(ExecutionStat.objects.filter(span="ever").values_list("succeeded", flat=True)) == 250 + requests


def test_folding_twice_adds_to_the_same_minute_and_hour(arena: Arena) -> None:
    make_script("result = {'points': points}")
    run(1)
    assert folding.fold() == 1
    run(2)
    assert folding.fold() == 1
    assert folding.fold() == 0
    assert sum(ExecutionStat.objects.filter(span="minute").values_list("succeeded", flat=True)) == 2
    assert sum(ExecutionStat.objects.filter(span="hour").values_list("succeeded", flat=True)) == 2


def test_a_fold_reads_once_and_writes_in_few_statements_since_commits_wait_for_it(arena: Arena) -> None:
    make_script("result = {'points': points}")
    for _ in range(2):  # the first makes the rows, the second changes them; where a minute began, some of both
        run(1)
        with CaptureQueriesContext(connection) as asked:
            folding.fold()
        assert len([each for each in asked if "stat" in each["sql"].lower()]) <= 5


def test_what_the_rollups_say_equals_a_recount_of_the_executions(arena: Arena) -> None:
    make_script("result = {'points': 10 // points}")
    for points in (1, 0, 2):
        run(points)
    folding.fold()
    run(0)
    told: Counter[str] = Counter()
    for figures in rollups.by_script(*around_now()).values():
        told.update(figures.counts)
    assert told == Counter(Execution.objects.values_list("status", flat=True))


def test_a_range_without_executions_gives_empty_steps(arena: Arena) -> None:
    since, until = around_now()
    step = timedelta(minutes=1)
    series = rollups.series(rollups.by_step(rollups.rows(since, until), since, step).items(), since, until, step)
    assert len(series) == 10
    assert all(figures.runs == 0 for _, figures in series)
