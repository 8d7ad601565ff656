"""Times on pages: one form, in one zone that each page names once, the same in UTC on hover."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scripting.insight import times
from tests.insight.runs import publish, write
from tests.support.game import Game

NOON = datetime(2030, 1, 31, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.fixture
def kolkata() -> Any:
    with timezone.override("Asia/Kolkata"):
        yield


def test_a_time_is_in_the_sites_zone_and_in_utc_on_hover(kolkata: None) -> None:
    told = times.moment(NOON, exact=True)
    assert told == (
        '<time datetime="2030-01-31T12:00:00.123000+00:00" title="2030-01-31 12:00:00.123 UTC">2030-01-31 17:30:00.123</time>'
    )
    assert ">2030-01-31 17:30:00<" in times.moment(NOON)
    assert ">17:30:00<" in times.clock(NOON)
    assert times.with_zone(NOON) == "2030-01-31 17:30:00 (Asia/Kolkata)"


def test_a_relative_time_has_the_exact_one_on_hover() -> None:
    at = datetime.now(UTC) - timedelta(hours=3, minutes=10)
    assert re.search(rf'title="{at:%F %T}\.\d{{3}} UTC">3\xa0hours ago<', times.ago(at))
    assert ">just now<" in times.ago(datetime.now(UTC))


@pytest.mark.django_db(transaction=True)
def test_a_page_of_executions_names_its_zone_once_and_orders_them_to_the_millisecond(
    game: Game, boss: Client, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    publish(game, "result = 1\n")
    [key] = write(game.script("dice"), 1, end=NOON)
    for address in (
        reverse("admin:scripting_execution_changelist"),
        reverse("admin:scripting_execution_change", args=[key]),
        reverse("admin:scripting_script_changelist"),
    ):
        text = boss.get(address).content.decode()
        assert text.count("Times in Asia/Kolkata") == 1, address
        assert (">2030-01-31 17:30:00.123<" in text) == ("execution" in address)
