"""The channel layer goes on after a network that was gone for long."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest
import redis

from scripting.conf import configure
from scripting.processes.channel_layer import RedisChannelLayer
from tests.support.redis import RedisServer


@pytest.mark.once
def test_a_connection_that_the_kernel_gave_up_is_made_anew(redis_server: RedisServer) -> None:
    """Where it is taken for one without a message, the layer's loop of reading never rests, and nothing else of the event loop runs."""
    made: dict[str, Any] = {}
    configure(made, redis_url=redis_server.url)
    asyncio.run(lose_and_hear(RedisChannelLayer(**made["CHANNEL_LAYERS"]["default"]["CONFIG"])))


async def lose_and_hear(layer: RedisChannelLayer) -> None:
    channel = await layer.new_channel()
    await layer.group_add("readers", channel)
    [shard] = layer._shards
    shard._receive_task.cancel()  # this test reads in its place: a loop that never rests could not be ended
    await asyncio.wait({shard._receive_task})
    while (await shard._pubsub.get_message(timeout=5))["data"] != 2:
        pass  # Redis answers to each subscription with their number
    lost = shard._pubsub.connection._writer.transport
    lost._fatal_error(
        TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    )  # as the event loop does when the kernel gives up
    await asyncio.sleep(0)
    with pytest.raises(redis.ConnectionError, match="was lost"):
        await shard._pubsub.get_message(timeout=0.01)
    while (await shard._pubsub.get_message(timeout=5))["data"] != 2:
        pass
    await layer.group_send("readers", {"type": "hello"})
    shard._receive_message(await shard._pubsub.get_message(timeout=5))
    assert await layer.receive(channel) == {"type": "hello"}
    await layer.flush()
