"""/metrics: what it says is what the database and Redis say, and who may read it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from scripting.bus.streams import Stream, append
from scripting.insight import metrics_page
from scripting.metrics import error_groups, folding
from scripting.models import Breaker
from scripting.processes import members, place
from scripting.processes.members import LoadedVersion
from tests.insight.runs import publish, write
from tests.support.game import Game
from tests.support.redis import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_kept_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_page, "KEEP_SECONDS", 0.0)


def samples(client: Client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    found = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def of(found: dict[Any, float], name: str, **labels: str) -> float:
    [value] = [value for (n, given), value in found.items() if n == name and set(labels.items()) <= given]
    return value


@pytest.mark.slow
def test_runs_outcomes_durations_and_errors_are_sums_of_all_time_before_and_after_folding(
    game: Game, client: Client
) -> None:
    version = publish(game, "result = 1\n")
    script = game.script("dice")
    write(script, 7, wall_us=2_000)
    write(
        script, 3, status="failed", wall_us=60_000, error_type="timeout", error_version_id=version.pk, error_message="x"
    )
    before = samples(client)
    while folding.fold() + error_groups.fold():
        pass
    write(script, 1, wall_us=2_000)
    found = samples(client)
    assert of(before, "goby_executions_total", outcome="succeeded") == 7
    assert of(found, "goby_executions_total", outcome="succeeded", module="chess_club", script="dice") == 8
    assert of(found, "goby_executions_total", outcome="failed") == 3
    assert of(found, "goby_execution_seconds_bucket", le="0.0025") == 8
    assert of(found, "goby_execution_seconds_bucket", le="0.05") == 8
    assert of(found, "goby_execution_seconds_bucket", le="+Inf") == 11
    assert of(found, "goby_execution_seconds_sum") == pytest.approx(0.196)
    assert not [name for name, _ in found if name.startswith("goby_event_recorded_seconds")], "rows without an event"
    began = datetime.now(UTC)
    write(script, 99, queued_at=began - timedelta(seconds=2))
    write(script, 1, queued_at=began - timedelta(minutes=2))
    longer = 100 * (datetime.now(UTC) - began).total_seconds()  # what a busy machine may have added to their waiting
    waited = samples(client)
    folding.fold()
    assert samples(client) == waited
    assert of(waited, "goby_event_recorded_seconds_bucket", module="chess_club", le="1.0") == 0
    assert of(waited, "goby_event_recorded_seconds_bucket", module="chess_club", le="60.0") == 99
    assert (
        of(waited, "goby_event_recorded_seconds_bucket", le="300.0")
        == of(waited, "goby_event_recorded_seconds_count")
        == 100
    )
    assert 318 * 0.9 <= of(waited, "goby_event_recorded_seconds_sum") <= (318 + longer) * 1.1
    assert of(found, "goby_errors_total", type="timeout") == of(before, "goby_errors_total", type="timeout") == 3


def test_queues_sandboxes_loaded_versions_and_breakers_are_told_as_they_are_now(game: Game, client: Client) -> None:
    version = publish(game, "result = 1\n")
    member = members.Membership("worker", lambda: {"sandboxes": 3, "busy": 1, "forks": 9, "kills": 2, "places": 16})
    member.beat()
    member.acknowledge({"chess_club/dice": LoadedVersion(1, "abc123")})
    append([(Stream("chess_club", 0), b"an entry"), (Stream("chess_club", 0), b"another")])
    Breaker.objects.create(version=version, failures=5, opened_at=version.created_at)
    found = samples(client)
    assert of(found, "goby_queue_depth") == of(found, "goby_backlog") == 2
    assert 0 <= of(found, "goby_queue_age_seconds") < 30
    assert of(found, "goby_sandboxes", state="busy") == 1
    assert of(found, "goby_sandboxes", state="idle") == 2
    assert of(found, "goby_sandbox_starts_total", kind="worker") == 9
    assert of(found, "goby_sandbox_kills_total", kind="worker") == 2
    assert of(found, "goby_sandbox_places", kind="worker") == 16
    assert of(found, "goby_loaded", script="chess_club/dice", digest="abc123", version="1") == 1
    assert of(found, "goby_breaker_open", script="dice", version="1") == 1


def test_many_processes_with_many_scripts_make_a_row_for_each_version_not_for_each_process(client: Client) -> None:
    loaded = {f"chess_club/script_{number}": LoadedVersion(1, "abc123") for number in range(50)}
    with ExitStack() as names:
        for number in range(20):
            names.enter_context(patch.object(place, "start_name", lambda number=number: f"host:{number}"))
            member = members.Membership("worker")
            member.beat()
            member.acknowledge(loaded)
    found = samples(client)
    assert of(found, "goby_loaded", script="chess_club/script_7", version="1") == 20
    assert len([name for name, _ in found if name == "goby_loaded"]) == 50


def test_an_answer_is_made_once_a_second_for_all_who_ask(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_page, "KEEP_SECONDS", 60.0)
    monkeypatch.setattr(metrics_page, "_answer", metrics_page._Answer())
    before = samples(client)
    append([(Stream("chess_club", 0), b"an entry")])
    assert samples(client) == before
    monkeypatch.setattr(metrics_page, "KEEP_SECONDS", 0.0)
    assert of(samples(client), "goby_backlog") == 1


def test_a_stream_that_was_worked_off_has_a_depth_of_none_and_no_gap(client: Client, redis_client: Any) -> None:
    stream = Stream("chess_club", 0)
    append([(stream, b"an entry")])
    redis_client.xtrim(stream.entries, maxlen=0)
    found = samples(client)
    assert of(found, "goby_queue_depth", stream="chess_club:0") == 0
    assert of(found, "goby_queue_age_seconds", stream="chess_club:0") == 0


def test_without_redis_the_database_still_tells_and_the_rest_is_missing(
    game: Game, client: Client, redis_server: Any
) -> None:
    publish(game, "result = 1\n")
    write(game.script("dice"), 1)
    redis_server.kill()
    found = samples(client)
    assert of(found, "goby_redis_up") == 0
    assert of(found, "goby_executions_total", outcome="succeeded") == 1
    assert not [name for name, _ in found if name == "goby_backlog"]


def test_a_redis_that_does_not_answer_holds_up_no_scrape(game: Game, client: Client, redis_server: RedisServer) -> None:
    publish(game, "result = 1\n")
    write(game.script("dice"), 1)
    with redis_server.frozen():
        began = time.monotonic()
        found = samples(client)
        took = time.monotonic() - began
    assert of(found, "goby_redis_up") == 0
    assert of(found, "goby_executions_total", outcome="succeeded") == 1
    assert took < 5


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "10.0.0.7"}, 403),
        ({"REMOTE_ADDR": "10.1.0.7"}, 200),
        ({"REMOTE_ADDR": "::ffff:10.1.0.7"}, 200),
        ({"REMOTE_ADDR": "10.1.0.7", "HTTP_VIA": "1.1 proxy"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"HTTP_X_FORWARDED_FOR": "10.0.0.7"}, 403),
    ],
)
def test_without_a_token_only_the_open_networks_may_read(
    client: Client, settings: Any, extra: dict[str, str], status: int
) -> None:
    settings.SCRIPTING_METRICS_NETWORKS = "127.0.0.0/8, ::1, 10.1.0.0/16"
    assert client.get("/metrics", **extra).status_code == status  # type: ignore[arg-type]


def test_with_neither_token_nor_network_nobody_may_read(client: Client, settings: Any) -> None:
    settings.SCRIPTING_METRICS_NETWORKS = ""
    refused = client.get("/metrics")
    assert refused.status_code == 403
    assert b"SCRIPTING_METRICS_TOKEN" in refused.content


def test_with_a_token_only_who_brings_it_may_read(client: Client, settings: Any) -> None:
    settings.SCRIPTING_METRICS_TOKEN = "s3cret"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer wröng"}).status_code == 403
    answer = client.get("/metrics", headers={"authorization": "Bearer s3cret"}, REMOTE_ADDR="10.0.0.7")
    assert answer.status_code == 200
