"""Redis with a replica: a master that dies is replaced by what Sentinel promotes, and events go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from scripting.bus import publishing
from scripting.bus.publishing import Message
from scripting.conf import configure
from scripting.models import Execution
from scripting.processes.channel_layer import RedisChannelLayer
from scripting.storage import redis_client
from tests.support.redis import RedisServer
from tests.support.sentinel import replicated
from tests.support.stack import wait_until
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone, pytest.mark.once]

BEFORE, AFTER = 60, 20


def test_after_a_failover_what_was_replicated_runs_once_and_new_events_are_taken(
    tmp_path: Path, settings: Settings
) -> None:
    with replicated(tmp_path / "redis") as servers:
        settings.SCRIPTING_REDIS_URL, settings.SCRIPTING_REDIS_SENTINELS = servers.url, servers.sentinels
        own = {"REDIS_URL": servers.url, "SCRIPTING_REDIS_SENTINELS": servers.sentinels, "SECRET_KEY": "for all"}
        with WorkerProcess(tmp_path, "follower", **own).takes_jobs():
            publishing.publish_many(
                Message("track.lap", {"lap": lap, "turns": 400_000}, key="ann") for lap in range(1, BEFORE + 1)
            )
            assert servers.client("first").wait(1, 5000) == 1, "replicated"
            wait_for(lambda: Execution.objects.exists())
            servers.kill("first")
            assert Execution.objects.count() < BEFORE, "the master died while events waited"
            for lap in range(BEFORE + 1, BEFORE + AFTER + 1):
                wait_until(lambda lap=lap: is_accepted(lap))
            assert servers.is_promoted()
            wait_for(lambda: Execution.objects.count() == BEFORE + AFTER, 60)
        wait_until(lambda: asyncio.run(redis_client.answers()))  # it is asked briefly, and this machine may be busy
        asyncio.run(hears_through(servers.url, servers.sentinels))
    assert laps() == {"ann": list(range(1, BEFORE + AFTER + 1))}
    assert set(Execution.objects.values_list("status", flat=True)) == {"succeeded"}


def is_accepted(lap: int) -> bool:
    """Publish as a caller does that hears of a failure: again, under the same id, until Redis has acknowledged it."""
    try:
        publishing.publish("track.lap", {"lap": lap}, key="ann", event_id=f"lap-{lap}")
    except redis.RedisError:
        return False
    return True


async def hears_through(url: str, sentinels: str) -> None:
    """Channels, as `configure` sets it up, reaches the master too."""
    made: dict[str, object] = {"SCRIPTING_REDIS_URL": url, "SCRIPTING_REDIS_SENTINELS": sentinels}
    configure(made)
    layer = RedisChannelLayer(**made["CHANNEL_LAYERS"]["default"]["CONFIG"])  # type: ignore[index]
    channel = await layer.new_channel()
    await layer.group_add("readers", channel)
    await layer.group_send("readers", {"type": "hello"})
    async with asyncio.timeout(10):
        assert await layer.receive(channel) == {"type": "hello"}
    await layer.flush()


def test_a_client_leaves_a_master_that_has_become_a_replica(redis_server: RedisServer) -> None:
    """A replica promoted by hand: the address leads to another server by now, which an open connection would never see."""
    server = redis_server.own_client
    is_accepted(1)
    before = redis_client.redis_client().client_id()
    server.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(redis.ReadOnlyError):
            redis_client.redis_client().set("goby:x", "1")
    finally:
        server.execute_command("REPLICAOF", "NO", "ONE")
    assert redis_client.redis_client().client_id() != before
    assert is_accepted(2)
