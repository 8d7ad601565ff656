"""A database that refuses writes, or cannot be reached: every kind of address says that it is for later, and whose fault it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from scripting.access.tokens import Wanted, make
from scripting.storage import database

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visitor() -> Client:
    """An admin who is logged in."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def token(visitor: Client) -> dict[str, str]:
    _, text = make(Wanted("ci", User.objects.get(), ("read", "check")), actor=User.objects.get(), reason="for a test")
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def read_only(visitor: Client, token: Any) -> Iterator[None]:
    """As after a failover to a standby."""
    if connection.vendor == "sqlite":
        statements = "PRAGMA query_only = 1", "PRAGMA query_only = 0"
    else:
        kind = "SET SESSION CHARACTERISTICS AS TRANSACTION"
        statements = f"{kind} READ ONLY", f"{kind} READ WRITE"
    with connection.cursor() as cursor:
        cursor.execute(statements[0])
    yield
    with connection.cursor() as cursor:
        cursor.execute(statements[1])


@pytest.fixture
def unreachable(visitor: Client, token: Any) -> Iterator[None]:
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(
        {"NAME": "/nowhere/at.all"} if connection.vendor == "sqlite" else {"HOST": "127.0.0.1", "PORT": "1"}
    )
    yield
    connection.close()
    connection.settings_dict.update(before)


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("address", ["/scripts/", "/admin/", "/scripting/processes/", "/scripts/wargame/nothing/"])
def test_a_page_without_its_database_says_that_it_is_for_later(visitor: Client, address: str) -> None:
    answer = visitor.get(address)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"The database is unavailable" in answer.content


@pytest.mark.usefixtures("unreachable")
def test_a_request_in_json_is_answered_in_json(visitor: Client, token: dict[str, str]) -> None:
    page = visitor.get("/scripts/", headers={"Accept": "application/json"})
    assert (page.status_code, page.json()["error"]["type"]) == (503, "unavailable")
    api = visitor.get("/api/v1/scripts", headers=token)
    assert (api.status_code, api.json()["code"], api["Retry-After"]) == (503, "unavailable", "5")


@pytest.mark.usefixtures("read_only")
def test_what_would_write_to_a_read_only_database_says_so_and_the_rest_works(
    visitor: Client, token: dict[str, str]
) -> None:
    assert visitor.get("/scripts/").status_code == 200
    assert visitor.get("/api/v1/scripts", headers=token).status_code == 200
    answer = visitor.post("/admin/auth/group/add/", {"name": "new"})
    assert answer.status_code == 503
    assert b"takes no writes" in answer.content


@pytest.mark.usefixtures("unreachable")
def test_the_log_tells_one_outage_not_each_request(
    visitor: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "outage", database.DatabaseOutage("the database"))  # whatever other tests met
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            visitor.get("/scripts/")
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["the database is unavailable"]
    assert not any(record.exc_info for record in caplog.records)


def test_an_error_that_the_database_tells_of_a_request_stays_an_error(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM there_is_none")

    monkeypatch.setattr("scripting.insight.processes_page.admin_page", broken)
    assert visitor.get("/scripting/processes/").status_code == 500
