"""The list of the battle log: filters in the address, pages from a cursor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tests.wargame.conftest import Duel
from tests.wargame.entries import logged
from wargame import log_listing
from wargame.models import BattleLogEntry, LogKind

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public(settings: Settings) -> None:
    settings.WARGAME_PUBLIC = True


def write(duel: Duel, number: int) -> list[BattleLogEntry]:
    return [
        logged(
            duel.game,
            LogKind.MISS if n % 2 else LogKind.DAMAGE,
            f"entry {n}",
            unit=duel.tank if n % 2 else duel.squad,
            side="harbour" if n % 2 else "ridge",
            script="hit_simulator" if n % 2 else "damage_calculator",
            version=1 + n % 3,
            role="fallback" if n % 5 == 0 else "primary",
        )
        for n in range(number)
    ]


def found(**query: str) -> list[str]:
    return [entry.text for entry in log_listing.page(log_listing.parse(query)).rows]


def test_filters_find_what_they_name_and_nothing_else(duel: Duel) -> None:
    entries = write(duel, 10)
    BattleLogEntry.objects.filter(pk__lte=entries[4].pk).update(created=timezone.now() - timedelta(hours=3))
    assert len(found()) == 10
    assert found(kind="miss") == found(unit=duel.tank.code) == found(unit=duel.tank.name) == found(side="harbour")
    assert found(kind="miss") == [f"entry {n}" for n in (9, 7, 5, 3, 1)]
    assert found(by="damage_calculator v3") == ["entry 8", "entry 2"]
    assert found(role="stood_in") == ["entry 5", "entry 0"]
    assert found(range="1h") == [f"entry {n}" for n in range(9, 4, -1)]
    assert found(until=(timezone.now() - timedelta(hours=1)).isoformat()) == [f"entry {n}" for n in range(4, -1, -1)]
    assert found(battle=str(duel.game.pk + 1)) == found(unit="nobody") == []


def test_nonsense_in_the_address_is_named_and_left_out(duel: Duel, client: Client) -> None:
    write(duel, 1)
    page = client.get(f"/wargame/{duel.game.pk}/log/?kind=x&since=soon&before=%00&battle=99").content.decode()
    assert "kind must be one of" in page
    assert "since must be a time such as" in page
    assert "entry 0" in page
    assert "Nothing matches." in client.get(f"/wargame/{duel.game.pk}/log/?unit=nobody").content.decode()


def test_pages_go_on_from_a_cursor_both_ways_without_a_gap(duel: Duel) -> None:
    write(duel, 25)
    everything = log_listing.parse({"battle": str(duel.game.pk)})
    seen, before = [], None
    while True:
        page = log_listing.page(everything, before=before, size=10)
        seen += [entry.text for entry in page.rows]
        if page.older is None:
            break
        before = page.older
    assert seen == [f"entry {n}" for n in range(24, -1, -1)]
    back = log_listing.page(everything, after=page.newer, size=10)
    assert [entry.text for entry in back.rows] == [f"entry {n}" for n in range(14, 4, -1)]
    assert back.newer is not None
    assert log_listing.page(everything, after=back.newer, size=10).newer is None


def test_a_page_takes_as_many_queries_however_long_the_log_is(duel: Duel, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"/wargame/{duel.game.pk}/log/?unit={duel.tank.code}").status_code == 200
        return len(asked)

    write(duel, 2)
    few = queries()
    write(duel, 60)
    assert queries() == few


def test_the_log_is_for_those_who_may_watch(duel: Duel, client: Client, settings: Settings) -> None:
    settings.WARGAME_PUBLIC = False
    write(duel, 1)
    for address in ("/wargame/log/", f"/wargame/{duel.game.pk}/log/", f"/wargame/{duel.game.pk}/log/1/"):
        assert "/login/" in client.get(address)["Location"]
