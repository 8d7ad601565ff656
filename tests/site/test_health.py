"""The two questions of a load balancer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext

from goby_site.web import health
from goby_site.web.health import Alive
from scripting.models import OutboxEvent
from scripting.storage import database, redis_errors
from scripting.storage.redis_client import key
from scripting.workers.heartbeat import Liveness
from tests.support.redis import RedisServer


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test proves anew."""
    monkeypatch.setattr(health, "_write_seen", (0.0, False))
    monkeypatch.setattr(health, "_schema_seen", 0.0)


def database_part(client: Client) -> bool:
    return bool(client.get("/readyz").json()["parts"]["database"])


READ_ONLY = {
    "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    "postgresql": ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_can_only_be_read_is_not_ready_and_is_asked_at_a_bounded_rate(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, end = READ_ONLY[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(begin)
    try:
        assert not database_part(client)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(end)
    assert not database_part(client), "the answer is kept"
    monkeypatch.setattr(health, "_write_seen", (0.0, False))
    with CaptureQueriesContext(connection) as queries:
        assert [database_part(client) for _ in range(3)] == [True] * 3
    assert sum(query["sql"].startswith("INSERT") for query in queries) == 1
    assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db
def test_what_one_process_cannot_write_makes_the_others_not_ready(client: Client, redis_client: Any) -> None:
    assert database_part(client)
    outage = database.DatabaseOutage("the database")
    outage.note(OSError("no space left"))
    assert not database_part(client)
    redis_client.delete(key("storage", "refused"))
    assert database_part(client)


@pytest.mark.django_db
def test_a_database_that_lacks_a_migration_is_not_ready_and_one_that_is_ahead_is(client: Client) -> None:
    MigrationRecorder.Migration.objects.create(app="scripting", name="9999_of_the_next_release")
    assert client.get("/readyz").json()["parts"]["schema"] is True
    health._schema_seen = 0.0
    MigrationRecorder.Migration.objects.filter(app="scripting").order_by("-name")[1].delete()
    assert client.get("/readyz").json()["parts"]["schema"] is False


@pytest.mark.django_db
def test_a_redis_that_is_away_is_told_once_however_often_a_probe_asks(
    client: Client, redis_server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(redis_errors, "outage", database.Outage("Redis"))  # whatever other tests met
    redis_server.stop()
    answers = [client.get("/readyz").json()["parts"]["redis"] for _ in range(3)]
    redis_server.start()
    answers.append(client.get("/readyz").json()["parts"]["redis"])
    assert answers == [False, False, False, True]
    told = [record for record in caplog.records if record.name.startswith(("scripting.storage", "goby_site"))]
    assert [record.getMessage().partition(",")[0].partition(" after")[0] for record in told] == [
        "Redis is unavailable",
        "Redis is available again",
    ]
    assert not [record for record in told if record.exc_info]


def test_an_outage_is_told_at_its_beginning_and_its_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = database.Outage("the database")
    for _ in range(3):
        outage.note(OSError("disk full"))
    outage.over()
    monkeypatch.setattr(database, "QUIET_SECONDS", 0.0)
    outage.over()
    outage.over()
    assert [message.partition(" in ")[0] for message in caplog.messages] == [
        "the database is unavailable, events wait: disk full",
        "the database is available again after 3 failures",
    ]


def test_alive_answers_without_a_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_the_server_answers_healthz_as_django_would_without_asking_it(client: Client) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def django(*_: object) -> None:
        raise AssertionError("asked all the same")

    scope = {"type": "http", "path": "/healthz", "method": "GET", "headers": [(b"x-request-id", b"probe-7")]}
    await Alive(django)(scope, None, send)
    of_django = await sync_to_async(client.get)("/healthz", headers={"X-Request-ID": "probe-7"})
    assert [sent[0]["status"], sent[1]["body"]] == [of_django.status_code, of_django.content]
    for name, value in sent[0]["headers"]:
        if name != b"content-length":
            assert of_django.headers[name.decode()] == value.decode()
    with pytest.raises(AssertionError, match="asked"):
        await Alive(django)({**scope, "method": "POST"}, None, send)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_by_address_is_answered_and_nothing_else_is(client: Client, path: str) -> None:
    assert client.get(path, headers={"host": "10.42.0.17:8000"}).status_code in {200, 503}
    assert client.post(path, headers={"host": "10.42.0.17:8000"}).status_code == 405
    assert client.get("/scripts/", headers={"host": "10.42.0.17:8000"}).status_code == 400


@pytest.mark.django_db
def test_not_ready_without_redis_and_the_part_is_named(client: Client, redis_server: RedisServer) -> None:
    redis_server.kill()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["database"] is True
    assert response.json()["parts"]["redis"] is False


@pytest.mark.django_db
def test_ready_with_a_worker_whose_heart_beats_and_not_with_one_that_is_merely_listed(
    client: Client, redis_client: Any
) -> None:
    worker = Liveness("one")
    worker.beat()
    redis_client.sadd("rq:workers", f"rq:worker:{worker.name}")
    assert client.get("/readyz").json()["parts"]["workers"] is True
    redis_client.delete(key("alive", worker.name))  # what becomes of it within seconds of the last beat
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"] == {
        "database": True,
        "redis": True,
        "schema": True,
        "sandbox": True,
        "workers": False,
    }


@pytest.mark.django_db
def test_a_redis_that_does_not_answer_is_told_before_a_probe_gives_up(
    client: Client, redis_server: RedisServer
) -> None:
    client.get("/readyz")  # the sandboxes are warm, as they are where probes come
    with redis_server.frozen():
        began = time.monotonic()
        response = client.get("/readyz")
        took = time.monotonic() - began
    assert response.status_code == 503
    assert response.json()["parts"] == {
        "database": True,
        "redis": False,
        "schema": True,
        "sandbox": True,
        "workers": False,
    }
    assert took < 4
