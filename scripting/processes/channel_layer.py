"""The channel layer of channels_redis, which also goes on after a network that was gone for so long that the kernel gave a connection up.

redis-py takes the error of such a connection (ETIMEDOUT, once three probes have found nobody) for "no message yet", and then answers so at
once, every time: the layer's loop would read for ever without a rest. Nothing else of its event loop would run, and since the one error
notes each place that it passes, the process would grow by tens of MB a second.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import _consistent_hash, decode_hosts
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from scripting.processes.group_reader import Reader
from scripting.storage.redis_client import BRIEF_SECONDS, DRIVER


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
                pool.connection_kwargs.setdefault("driver_info", DRIVER)
        return layer

    def reader(self, group: str) -> Reader:
        """A reader that hears the group for a thread, from the same Redis."""
        channel = self._channel_of(group)
        return Reader(_pool_of(self._host_of(channel)), channel)

    def tell(self, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """`group_send` of each (group, message) for a thread, all in one exchange: no event loop takes them over. Raises redis.RedisError."""
        pipes: dict[int, Any] = {}
        for group, message in messages:
            channel = self._channel_of(group)
            client = self._client_of(channel)
            pipe = pipes.setdefault(id(client), client.pipeline(transaction=False))
            pipe.publish(channel, self.serialize(message))
        for pipe in pipes.values():
            pipe.execute()

    def _client_of(self, channel: str) -> redis.Redis:
        host = self._host_of(channel)
        client = self._clients.get(repr(host))
        if client is None:
            # A connection that is lost is made anew: one that hears a notice twice follows it once.
            pool = _pool_of({"retry": Retry(NoBackoff(), 1)} | host)
            client = self._clients.setdefault(repr(host), redis.Redis(connection_pool=pool))
        return client

    @functools.cached_property
    def _clients(self) -> dict[str, redis.Redis]:
        """By where their Redis is."""
        return {}

    def _channel_of(self, group: str) -> str:
        return f"{self._kwargs.get('prefix', 'asgi')}__group__{group}"

    def _host_of(self, channel: str) -> dict[str, Any]:
        hosts: list[dict[str, Any]] = decode_hosts(self._kwargs.get("hosts", self._args[0] if self._args else None))
        number: int = _consistent_hash(channel, len(hosts))
        return hosts[number]


def _pool_of(host: dict[str, Any]) -> redis.ConnectionPool:
    """Connections without an event loop to where `create_pool` of channels_redis leads."""
    in_time = {"socket_connect_timeout": BRIEF_SECONDS, "socket_timeout": BRIEF_SECONDS}
    usual: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "driver_info": DRIVER}
    options = usual | in_time | host | {"protocol": 2}  # a message is a plain answer
    if "address" in options:
        pool = redis.ConnectionPool.from_url(options.pop("address"), **options)
        pool.connection_kwargs["protocol"] = 2  # whatever the query of the address asks for
        return pool
    master = options.pop("master_name", None)
    if master is None:
        return redis.ConnectionPool(**options)
    of_sentinels = in_time | (options.pop("sentinel_kwargs", None) or {})
    sentinels: Any = Sentinel(options.pop("sentinels"), sentinel_kwargs=of_sentinels)  # type: ignore[no-untyped-call]
    return sentinels.master_for(master, **options).connection_pool  # type: ignore[no-any-return]


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
