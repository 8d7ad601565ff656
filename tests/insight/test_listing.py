"""The list of executions: every filter by itself walks its index; pages follow each other without gap or repetition."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from scripting import errors
from scripting.insight import listing
from scripting.insight.listing import Filters, page, parse
from scripting.models import ErrorGroup, Execution, uuid7
from tests.insight.runs import publish, write
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


def keys(filters: Filters) -> list[UUID]:
    return [row.pk for row in page(filters).rows]


def test_pages_from_cursors_give_every_execution_once_newest_first_and_lead_back(game: Game) -> None:
    publish(game, "result = 1\n")
    written = write(game.script("dice"), 23)
    seen: list[UUID] = []
    found = page(Filters(), size=10)
    assert found.newer is None
    while True:
        seen += [row.pk for row in found.rows]
        if found.older is None:
            break
        last, found = found, page(Filters(), before=found.older, size=10)
    assert seen == written[::-1]
    back = page(Filters(), after=found.newer, size=10)
    assert [row.pk for row in back.rows] == [row.pk for row in last.rows]


def test_a_module_and_an_outcome_of_several_statuses_are_merged_in_order(game: Game) -> None:
    publish(game, "result = 1\n")
    game.ship("other")
    from scripting import discovery

    discovery.sync()
    now = datetime.now(UTC)
    wanted = []
    for index, (name, status) in enumerate([("dice", "failed"), ("other", "abandoned"), ("dice", "fell_back")] * 3):
        wanted += write(game.script(name), 1, end=now + timedelta(seconds=index), status=status)
    write(game.script("dice"), 5, end=now + timedelta(seconds=60))
    assert keys(Filters(module="chess_club", status="unsuccessful")) == wanted[::-1]
    first = page(Filters(module="chess_club", status="unsuccessful"), size=4)
    second = page(Filters(module="chess_club", status="unsuccessful"), size=4, before=first.older)
    assert [row.pk for row in (*first.rows, *second.rows)] == wanted[::-1][:8]


def test_each_filter_finds_what_it_says(game: Game) -> None:
    version = publish(game, "result = 1\n")
    script = game.script("dice")
    write(script, 3)
    end = datetime.now(UTC) + timedelta(minutes=1)
    [odd] = write(
        script,
        1,
        end=end,
        status="failed",
        error_type="timeout",
        error_message="too slow",
        error_line=3,
        error_version_id=version.pk,
        trigger="manual",
        topic="other.topic",
        worker="host-7",
        user="ada",
        wall_us=2_000_000,
        request_id="req-1",
        event_id="event-1",
        key="game-9",
        inputs_text='{"banner": "Crimson Owl"}',
    )
    errors.fold()
    group = ErrorGroup.objects.get()
    soon = end + timedelta(seconds=1)
    for filters in (
        Filters(status="failed"),
        Filters(error="timeout"),
        Filters(trigger="manual"),
        Filters(topic="other.topic"),
        Filters(worker="host-7"),
        Filters(user="ada"),
        Filters(slow=1_000_000),
        Filters(since=end),
        Filters(group=group.pk),
        Filters(words="req-1"),
        Filters(words="event-1"),
        Filters(words=str(odd)),
        Filters(words="owl crimson", until=soon),
        Filters(words="game-9", until=soon),
    ):
        assert keys(filters) == [odd], filters
    assert len(keys(Filters(version=version.pk, script=script.pk, module="chess_club"))) == 4
    assert keys(Filters(words="owl falcon", until=soon)) == []


def test_words_are_looked_for_within_a_bounded_range_and_the_page_says_so(game: Game) -> None:
    publish(game, "result = 1\n")
    script = game.script("dice")
    now = datetime.now(UTC)
    [old] = write(script, 1, end=now - timedelta(hours=30))
    [recent] = write(script, 1, end=now - timedelta(minutes=5))
    found = page(Filters(words="red"))
    assert [row.pk for row in found.rows] == [recent]
    assert "one hour" in found.remarks[0]
    found = page(Filters(words="red", since=now - timedelta(days=3)))
    assert [row.pk for row in found.rows] == [recent]
    assert "one day" in found.remarks[0]
    assert keys(Filters(words="red", since=now - timedelta(days=3), until=now - timedelta(hours=29))) == [old]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "nonsense"},
        {"slow": "7"},
        {"script": "9" * 40},
        {"script": "٣"},
        {"since": "yesterday"},
        {"since": "2030-02-31T00:00"},
        {"until": "0001-01-01T00:00"},
        {"range": "1000y"},
        {"trigger": "\0"},
    ],
)
def test_nonsense_in_the_address_is_named_and_breaks_nothing(game: Game, boss: Client, query: dict[str, str]) -> None:
    assert boss.get(reverse("admin:scripting_execution_changelist"), query).status_code == 200
    assert boss.get(reverse("admin:scripting_execution_changelist"), {"before": "x", "q": "\0%_'"}).status_code == 200
    assert len(parse(query).problems) == (0 if query == {"trigger": "\0"} else 1)


INDEXES = [
    (Filters(script=1), "execution_latest_of_script"),
    (Filters(version=1), "execution_of_version"),
    (Filters(status="failed"), "execution_unusual_status"),
    (Filters(error="timeout"), "execution_of_error_type"),
    (Filters(trigger="endpoint"), "execution_unusual_trigger"),
    (Filters(topic="chess_club.roll"), "execution_of_topic"),
    (Filters(worker="host:1"), "execution_of_worker"),
    (Filters(user="ada"), "execution_of_user"),
    (Filters(slow=1_000_000), "execution_over_1000000_us"),
    (Filters(slow=100_000), "execution_over_100000_us"),
    (Filters(slow=10_000), "execution_over_10000_us"),
]


@pytest.mark.parametrize(("filters", "index"), INDEXES)
@pytest.mark.parametrize("deep", [False, True])
def test_each_filter_walks_its_index_without_sorting(game: Game, filters: Filters, index: str, deep: bool) -> None:
    """As the database plans it; PostgreSQL is told to leave out what only pays on tables as small as a test's."""
    plan = explained(filters, deep)
    assert index in plan, plan
    assert not re.search(r"TEMP B-TREE|\bSort\b|Seq Scan", plan), plan


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    "filters", [Filters(), Filters(since=datetime.now(UTC) - timedelta(hours=1)), Filters(status="succeeded")]
)
def test_what_is_common_is_found_along_the_primary_key(game: Game, filters: Filters, deep: bool) -> None:
    plan = explained(filters, deep)
    assert re.search(r"scripting_execution_pkey|sqlite_autoindex_scripting_execution_1", plan), plan
    assert not re.search(r"TEMP B-TREE|\bSort\b|Seq Scan", plan), plan


def explained(filters: Filters, deep: bool) -> str:
    [query] = listing.queries(filters)
    query = query.select_related(None)
    if deep:
        query = query.filter(pk__lt=uuid7())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        try:
            return query.order_by("-pk")[:51].explain()
        finally:
            if connection.vendor == "postgresql":
                cursor.execute("RESET ALL")


def test_an_error_groups_executions_are_found_by_index(game: Game) -> None:
    version = publish(game, "result = 1\n")
    write(
        game.script("dice"),
        2,
        status="failed",
        error_type="timeout",
        error_line=1,
        error_version_id=version.pk,
        error_message="x",
    )
    errors.fold()
    assert "execution_of_error" in explained(Filters(group=ErrorGroup.objects.get().pk), deep=False)
    assert Execution.objects.count() == 2
