"""The two questions of a load balancer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from scripting.storage.redis_client import key
from scripting.workers.heartbeat import Liveness
from tests.support.redis import RedisServer


def test_alive_answers_without_a_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


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
    assert response.json()["parts"] == {"database": True, "redis": True, "sandbox": True, "workers": False}


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
    assert response.json()["parts"] == {"database": True, "redis": False, "sandbox": True, "workers": False}
    assert took < 4
