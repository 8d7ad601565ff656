"""The list of executions: every filter by itself walks its index; pages follow each other without gap or repetition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from scripting.insight.executions import walk
from scripting.insight.executions.filters import Filters, parse
from scripting.insight.executions.listing import page
from scripting.metrics import error_groups
from scripting.models import ErrorGroup
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
    from scripting.sources import sync

    sync.sync()
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
    error_groups.fold()
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


def test_a_version_is_found_by_what_it_failed_to_decide_too(game: Game) -> None:
    good, bad = publish(game, "result = 1\n"), publish(game, "1 / 0\n")
    script = game.script("dice")
    well = write(script, 2, version_id=good.pk)
    failed = {"error_type": "execution", "error_message": "division by zero", "error_version_id": bad.pk}
    fell_back = write(script, 3, version_id=good.pk, status="fell_back", **failed)
    lost = write(script, 1, version_id=bad.pk, status="failed", **failed)
    assert set(keys(Filters(version=bad.pk))) == {*fell_back, *lost}
    assert set(keys(Filters(version=good.pk))) == {*well, *fell_back}
    assert set(keys(Filters(version=bad.pk, status="fell_back"))) == set(fell_back)
    assert len(keys(Filters(version=bad.pk))) == 4, "none twice"


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


def test_words_are_looked_for_in_the_whole_day_that_the_form_offers(game: Game) -> None:
    publish(game, "result = 1\n")
    [earlier] = write(game.script("dice"), 1, end=datetime.now(UTC) - timedelta(hours=23))
    found = page(parse({"q": "red", "range": "24h"}))
    assert [row.pk for row in found.rows] == [earlier]
    assert found.remarks == ()


def test_a_module_that_the_script_is_not_of_is_left_out_and_named(game: Game) -> None:
    publish(game, "result = 1\n")
    script = game.script("dice")
    [ran] = write(script, 1)
    found = page(parse({"module": "elsewhere", "script": str(script.pk)}))
    assert [row.pk for row in found.rows] == [ran]
    assert found.remarks == ("module elsewhere is left out, since the script is of chess_club",)
    assert page(parse({"module": "chess_club", "script": str(script.pk)})).remarks == ()


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


@pytest.mark.parametrize("words", [{}, {"words": "green"}], ids=["two filters", "and words"])
def test_what_filters_have_in_common_is_looked_for_as_long_as_there_is_time_and_the_next_page_goes_on(
    game: Game, monkeypatch: pytest.MonkeyPatch, words: dict[str, str]
) -> None:
    """Each of the two is common by itself, both together are not: neither index finds it at once."""
    monkeypatch.setattr(walk, "PROBE", 5)
    monkeypatch.setattr(walk, "STEP", 10)
    publish(game, "result = 1\n")
    script = game.script("dice")
    now = datetime.now(UTC)
    [old] = write(script, 1, end=now - timedelta(seconds=99), topic="a", worker="y", inputs_text="green")
    for index in range(45):
        side = {"topic": "a", "worker": "x"} if index % 2 else {"topic": "b", "worker": "y"}
        write(script, 1, end=now - timedelta(seconds=90 - index), inputs_text="green", **side)
    [new] = write(script, 1, end=now, topic="a", worker="y", inputs_text="green")
    filters = Filters(topic="a", worker="y", **words)
    assert keys(filters) == [new, old]
    found, pages = page(filters, seconds=0), 1
    assert [row.pk for row in found.rows] == [new]
    assert "There was time to look through what ran since" in found.remarks[-1]
    while found.stopped:
        assert found.older is not None
        found, pages = page(filters, before=found.older, seconds=0), pages + 1
    assert [row.pk for row in found.rows] == [old]
    assert found.older is None
    assert 2 < pages < 9
    back = page(filters, after=old, seconds=0)
    assert back.rows == []
    while back.stopped:
        back = page(filters, after=back.newer, seconds=0)
    assert [row.pk for row in back.rows] == [new]


def test_the_filter_that_reaches_back_furthest_leads(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PROBE", 5)
    monkeypatch.setattr(walk, "STEP", 10)
    publish(game, "result = 1\n")
    script = game.script("dice")
    now = datetime.now(UTC)
    [old] = write(script, 1, end=now - timedelta(hours=1), topic="common", worker="rare")
    write(script, 40, end=now, topic="common", worker="busy")
    found = page(Filters(topic="common", worker="rare"), seconds=0)
    assert [row.pk for row in found.rows] == [old]
    assert not found.stopped


def test_the_failures_of_a_version_are_listed_without_the_runs_it_was_not_tried_in(game: Game) -> None:
    version = publish(game, "result = 1\n")
    script = game.script("dice")
    failing = {"error_type": "execution", "error_message": "no dice"}
    withheld = {
        "error_type": "execution",
        "error_message": "not tried: v1 failed 5 times in a row, so its breaker is open",
    }
    wanted = write(script, 3, status="failed", error_version_id=version.pk, **failing)
    write(script, 40, status="fell_back", **withheld)
    write(script, 40, status="failed", **withheld)
    write(script, 1, error_version_id=version.pk, **failing)  # a retry went well
    wanted += write(
        script, 1, status="fell_back", version_id=None, role="built_in", error_version_id=version.pk, **failing
    )
    for filters in (Filters(status="tried"), Filters(script=script.pk, version=version.pk, status="tried")):
        assert keys(filters) == wanted[::-1]
