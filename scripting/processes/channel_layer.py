"""The channel layer of channels_redis, which also goes on after a network that was gone for so long that the kernel gave a connection up.

redis-py takes the error of such a connection (ETIMEDOUT, once three probes have found nobody) for "no message yet", and then answers so at
once, every time: the layer's loop would read for ever without a rest. Nothing else of its event loop would run, and since the one error
notes each place that it passes, the process would grow by tens of MB a second.
"""

from __future__ import annotations

import functools
from typing import Any

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer


class RedisChannelLayer(RedisPubSubChannelLayer):  # type: ignore[misc] # channels_redis is untyped
    """Takes the same settings."""

    def _get_layer(self) -> Any:
        """The part of this event loop, asked for with each call."""
        layer: Any = super()._get_layer()
        for shard in layer._shards:
            is_new = shard._redis is None
            shard._ensure_redis()
            if is_new:
                pool = shard._redis.connection_pool
                pool.connection_class = _that_notices_its_loss(pool.connection_class)
        return layer


@functools.cache
def _that_notices_its_loss(kind: type[Any]) -> type[Any]:
    """The kind of connection (over TCP, TLS, a Unix socket, or of a sentinel's master), which raises once it is lost, to be made anew."""

    class Noticing(kind):  # type: ignore[misc] # see above
        async def read_response(self, *args: Any, **options: Any) -> Any:
            response = await super().read_response(*args, **options)
            lost = self._reader.exception() if response is None and self._reader is not None else None
            if lost is not None:
                raise redis.ConnectionError(f"the connection to Redis was lost: {lost}")
            return response

    return Noticing
