"""Pages that read from a replica: they do, they say so, they go back to the main database, and nothing is written there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scripting.conf import PAGES_ROUTER, configure
from scripting.insight import replica
from scripting.models import Script
from scripting.storage import pages_database
from scripting.storage.pages_database import reading_from
from tests.insight.runs import publish, write
from tests.support.game import Game

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alias(settings: Any) -> Iterator[str]:
    """A second way into the test's database, by which pages read."""
    own = connections["default"].settings_dict
    connections.databases["replica"] = connections.databases["default"] | {"NAME": own["NAME"]}
    connections["replica"].connect()  # the tests' guard refuses to open one that it does not know
    settings.SCRIPTING_PAGES_DATABASE = "replica"
    settings.DATABASE_ROUTERS = [PAGES_ROUTER]
    pages_database._spared_until = float("-inf")
    pages_database._written.clear()
    yield "replica"
    connections["replica"].close()
    del connections["replica"]
    del connections.databases["replica"]
    pages_database._spared_until = float("-inf")


LIST = "admin:scripting_execution_changelist"


@pytest.mark.parametrize("page", [LIST, "admin:scripting_execution_rows", "admin:scripting_execution_figures"])
def test_a_page_reads_executions_from_the_replica_alone(
    admin_client: Client, game: Game, alias: str, page: str
) -> None:
    publish(game, "result = 1\n")
    write(game.script("dice"), 3)
    with CaptureQueriesContext(connections["default"]) as main, CaptureQueriesContext(connections[alias]) as other:
        response = admin_client.get(reverse(page))
    assert response.status_code == 200
    assert any("scripting_execution" in query["sql"] for query in other)
    assert not [query for query in main if "scripting_execution" in query["sql"]]
    if not page.endswith("rows"):
        assert "0.0 s behind: read from the replica" in response.content.decode()


def test_who_just_acted_reads_the_main_database(admin_client: Client, alias: str) -> None:
    answered = admin_client.post(reverse("admin:scripting_execution_export", args=["json"]))
    assert answered.cookies[replica.ACTED].value == "1"
    assert "data-source" not in admin_client.get(reverse(LIST)).content.decode()


def test_a_replica_that_is_unavailable_or_too_far_behind_is_not_read_and_the_page_says_so(
    admin_client: Client, alias: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_database, "_behind", lambda _alias: 11.0)
    assert "is 11 s behind, so this page reads the main database" in admin_client.get(reverse(LIST)).content.decode()
    settings.SCRIPTING_PAGES_MAX_LAG = 20.0
    assert "11.0 s behind" in admin_client.get(reverse(LIST)).content.decode()

    def refused(_alias: str) -> float:
        raise OperationalError("connection refused")

    monkeypatch.setattr(pages_database, "_behind", refused)
    assert "unavailable, so this page reads the main" in admin_client.get(reverse(LIST)).content.decode()


def test_what_was_read_from_the_replica_is_saved_in_the_main_database(game: Game, alias: str) -> None:
    publish(game, "result = 1\n")
    with reading_from(alias):
        script = Script.objects.get(name="dice")
    assert script._state.db == alias
    with CaptureQueriesContext(connections[alias]) as other:
        script.save()
    assert not [query for query in other if not query["sql"].startswith("SELECT")]


def test_a_replica_that_is_none_is_told(settings: Any) -> None:
    settings.SCRIPTING_PAGES_DATABASE = "elsewhere"
    assert "scripting.E017" in {found.id for found in run_checks(tags=["scripting"])}
    site: dict[str, Any] = {"SCRIPTING_PAGES_DATABASE": "replica", "DATABASE_ROUTERS": ["site.Router"]}
    configure(site)
    assert site["DATABASE_ROUTERS"] == [PAGES_ROUTER, "site.Router"]
