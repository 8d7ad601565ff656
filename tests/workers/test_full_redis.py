"""A real Redis that has reached its maxmemory: workers live through it and drain it, publishers are refused before it is full."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import redis

from scripting.bus import publishing
from scripting.bus.publishing import Message, Overloaded
from scripting.models import Execution
from scripting.storage import full_redis
from tests.support.redis import RedisServer
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]


@pytest.fixture(autouse=True)
def look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_redis, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(full_redis, "_look", full_redis._Look())  # what was seen here is not for the next test


def publish(first: int, count: int) -> None:
    for lap in range(first, first + count):
        message = Message("track.lap", {"lap": lap}, key=f"runner-{lap % 4}", event_id=f"lap-{lap}")
        publishing.publish_many([message])


def publish_until_refused(first: int) -> int:
    """How many were accepted."""
    for accepted in range(20_000):
        try:
            publish(first + accepted, 1)
        except Overloaded:
            return accepted
    raise AssertionError("nothing was refused")


def fill(client: redis.Redis) -> None:
    """To the last byte, as somebody else might who uses this Redis."""
    with contextlib.suppress(redis.exceptions.OutOfMemoryError):
        while True:
            client.rpush("somebody-elses", "x" * 1000)


def limit(client: redis.Redis, room: int) -> None:
    client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + room if room else 0)


def let_publish(client: redis.Redis, room: int) -> None:
    """Limit it so that publishers may fill so much, beside which there is what is kept for draining."""
    most = int(client.info("memory")["used_memory"]) + room
    client.config_set("maxmemory", int(most / (1 - full_redis.RESERVE)))


def test_a_worker_that_starts_on_a_full_redis_drains_it_and_one_that_runs_lives_through_a_flood(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    client = redis_server.client()
    publish(1, 40)
    limit(client, 50_000)
    fill(client)
    with pytest.raises(Overloaded, match="Redis has little room left"):
        publish(41, 1)
    with WorkerProcess(tmp_path, "worker") as worker:
        wait_for(lambda: Execution.objects.count() == 40 or worker.process.poll() is not None, 60, "not drained")
        assert worker.process.poll() is None, worker.log.read_text()
        client.delete("somebody-elses")
        limit(client, 0)
        wait_for(lambda: worker.said("takes jobs"), what="not registered")
        let_publish(client, 150_000)
        published = 40 + publish_until_refused(41)
        fill(client)
        wait_for(lambda: Execution.objects.count() == published, 60, "not drained")
        assert worker.process.poll() is None
        assert worker.log.read_text().count("OOM command") < 20
    assert {runner: sorted(done) for runner, done in laps().items()} == laps()
    client.config_set("maxmemory", 0)


def test_publishers_are_refused_while_there_still_is_room_for_draining(redis_server: RedisServer) -> None:
    client = redis_server.client()
    let_publish(client, 150_000)
    assert publish_until_refused(1) > 0
    client.set("drained", "x" * 1000)
    client.config_set("maxmemory", 0)
