"""The plans by which the databases answer the pages of a long history: by index, in its order, nothing scanned or sorted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from scripting.insight.executions import listing
from scripting.insight.executions.filters import Filters
from scripting.metrics import error_groups, folding
from scripting.models import ErrorGroup, Execution, uuid7
from scripting.models.ids import first_id_at
from tests.insight.runs import publish, write
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "scripting_execution_pkey|sqlite_autoindex_scripting_execution_1"
HOUR = timedelta(hours=1)

INDEXES = [
    (Filters(), KEY),
    (Filters(since=datetime.now(UTC) - HOUR), KEY),
    (Filters(until=datetime.now(UTC) - HOUR), KEY),
    (Filters(script=1), "execution_of_script"),
    (Filters(module="chess_club"), "execution_of_script"),
    (Filters(version=1), "execution_of_one_version"),
    (Filters(status="failed"), "execution_unusual_status"),
    (Filters(status="unsuccessful"), "execution_unusual_status"),
    (Filters(status="tried"), "execution_unusual_status"),
    (Filters(status="tried", version=1), "execution_version_failed"),
    (Filters(status="succeeded"), KEY),
    (Filters(error="timeout"), "execution_of_error_type"),
    (Filters(trigger="endpoint"), "execution_of_trigger"),
    (Filters(trigger="event"), KEY),
    (Filters(topic="chess_club.roll"), "execution_of_one_topic"),
    (Filters(worker="host:1"), "execution_of_one_worker"),
    (Filters(user="ada"), "execution_of_user"),
    (Filters(slow=1_000_000), "execution_over_1000000_us"),
    (Filters(slow=100_000), "execution_over_100000_us"),
    (Filters(slow=10_000), "execution_over_10000_us"),
    (Filters(words="owl"), KEY),
]


@contextmanager
def explained() -> Iterator[list[str]]:
    """The plans of what is asked of the executions, as the database itself tells them.

    PostgreSQL is told to leave out what only pays on tables as small as a test's.
    """
    plans: list[str] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if 'FROM "scripting_execution"' in sql and not sql.startswith("EXPLAIN"):
            with connection.cursor() as cursor:
                prefix = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
                cursor.execute(f"{prefix} {sql}", params)
                plans.append("\n".join(str(line[-1]) for line in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
    try:
        with connection.execute_wrapper(explain):
            yield plans
    finally:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("RESET ALL")


def by_index(plan: str) -> bool:
    """Whether nothing of it scans the executions or sorts them."""
    scans = r"TEMP B-TREE FOR ORDER|\bSort\b|Seq Scan|^SCAN scripting_execution(?! USING (COVERING )?INDEX)"
    return not re.search(scans, plan, re.MULTILINE)


@pytest.mark.parametrize(("filters", "index"), INDEXES, ids=lambda value: value if isinstance(value, str) else "")
def test_each_filter_walks_its_index_without_sorting(game: Game, filters: Filters, index: str) -> None:
    script = publish(game, "result = 1\n").script
    write(script, 3)
    for place in ({}, {"before": uuid7()}, {"after": first_id_at(datetime.now(UTC) - HOUR)}):
        with explained() as plans:
            listing.page(filters, **place)
        assert plans
        assert any(re.search(index, plan) for plan in plans), plans
        assert all(by_index(plan) for plan in plans), plans


PAIRS = [
    (Filters(topic="a", worker="x"), "execution_of_one_topic|execution_of_one_worker"),
    (Filters(script=1, status="failed"), "execution_of_script|execution_unusual_status"),
    (Filters(version=1, user="ada"), "execution_of_one_version|execution_of_user"),
    (Filters(slow=10_000, trigger="manual"), "execution_over_10000_us|execution_of_trigger"),
    (Filters(module="chess_club", error="timeout"), "execution_of_script|execution_of_error_type"),
    (Filters(topic="a", words="owl"), "execution_of_one_topic"),
    (Filters(status="succeeded", worker="x", since=datetime.now(UTC) - HOUR), "execution_of_one_worker"),
]


@pytest.mark.parametrize(("filters", "indexes"), PAIRS)
def test_of_several_filters_one_walks_and_no_other_index_is_taken(game: Game, filters: Filters, indexes: str) -> None:
    script = publish(game, "result = 1\n").script
    write(script, 3, topic="a", worker="x")
    with explained() as plans:
        listing.page(filters)
    assert plans
    assert all(by_index(plan) for plan in plans), plans
    assert any(re.search(indexes, plan) for plan in plans), plans
    used = {
        name for plan in plans for name in re.findall(r"execution_\w+_(?:of|us|un)\w*|execution_(?:of|un)\w+", plan)
    }
    assert used <= set(indexes.split("|")) | {
        "execution_once_per_event",
        "execution_of_request",
        "execution_of_trace",
    }, plans


@pytest.mark.parametrize("line", [None, 3])
def test_an_error_groups_executions_are_found_by_index(game: Game, line: int | None) -> None:
    version = publish(game, "result = 1\n")
    fields = {"status": "failed", "error_type": "timeout", "error_line": line, "error_message": "x"}
    written = write(game.script("dice"), 2, error_version_id=version.pk, **fields)
    error_groups.fold()
    group = ErrorGroup.objects.get()
    with explained() as plans:
        found = listing.page(Filters(group=group.pk))
    assert [row.pk for row in found.rows] == written[::-1]
    assert "execution_of_error_group" in plans[0], plans
    assert all(by_index(plan) for plan in plans), plans


def test_an_id_is_found_by_the_indexes_of_what_it_may_be(game: Game) -> None:
    publish(game, "result = 1\n")
    with explained() as plans:
        listing.page(Filters(words=str(uuid7())))
    told = "\n".join(plans)
    for index in (KEY, "execution_of_cause", "execution_once_per_event", "execution_of_request", "execution_of_trace"):
        assert re.search(index, told), told
    assert all(by_index(plan) for plan in plans), plans


def test_the_page_of_one_execution_and_the_dashboard_scan_no_executions(game: Game, boss: Client) -> None:
    version = publish(game, "result = 1\n")
    fields = {"status": "failed", "error_type": "timeout", "error_line": 1, "error_message": "x"}
    [first] = write(version.script, 1)
    [key] = write(version.script, 1, cause=first, error_version_id=version.pk, **fields)
    error_groups.fold()
    folding.fold()
    with explained() as plans:
        assert boss.get(reverse("admin:scripting_execution_change", args=[key])).status_code == 200
    assert plans
    # What one cause led to is sorted: it is few.
    assert not [plan for plan in plans if not by_index(plan) and "execution_of_cause" not in plan], plans
    with explained() as plans:
        assert boss.get(reverse("admin:scripting_execution_figures"), {"range": "90d"}).status_code == 200
    assert plans == []
    assert Execution.objects.count() == 2
