"""The two questions of a load balancer."""

from __future__ import annotations

import pytest
from django.test import Client

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
