"""The Redis that carries events and notices: one client per process, whether it answers, and the names of our keys in it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from scripting.conf import conf
from scripting.texts.redis_addresses import addresses_in, master_of

BRIEF_SECONDS = 1.0
"""Seconds without an answer after which callers that must not wait take Redis as unavailable."""

MOVED = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)
"""Errors after which a client connects anew. A master that has become a replica refuses to write: another one is master now."""

_RETRIED = (*MOVED, TimeoutError)

_brief = ContextVar("brief", default=False)


def connect(url: str, sentinels: str, **options: Any) -> redis.Redis:
    """A new client of the Redis at `url`; of the master that the sentinels know by the name of its host, where there are some.

    It asks them with each new connection, so that it follows a failover. Raises redis.RedisError at use.
    """
    options.setdefault("retry", _some_retries())
    if not sentinels:
        return redis.Redis.from_url(url, **options)
    asked = {"socket_connect_timeout": BRIEF_SECONDS, "socket_timeout": BRIEF_SECONDS}
    name, of_url = master_of(url)
    manager: Any = Sentinel(addresses_in(sentinels), sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    master: redis.Redis = manager.master_for(name, **of_url | options)
    return master


def _some_retries() -> Retry:
    return Retry(ExponentialBackoff(cap=0.5, base=0.01), 3, supported_errors=_RETRIED)


@functools.cache
def _client(url: str, sentinels: str) -> redis.Redis:
    return connect(url, sentinels, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30)


@functools.cache
def _brief_client(url: str, sentinels: str) -> redis.Redis:
    once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError, redis.ReadOnlyError))
    return connect(url, sentinels, socket_connect_timeout=BRIEF_SECONDS, socket_timeout=BRIEF_SECONDS, retry=once_more)


def redis_client() -> redis.Redis:
    """This process's client (thread-safe, answers bytes). Raises redis.RedisError at use when Redis is unavailable."""
    return (_brief_client if _brief.get() else _client)(conf.SCRIPTING_REDIS_URL, conf.SCRIPTING_REDIS_SENTINELS)


@contextlib.contextmanager
def briefly() -> Iterator[None]:
    """Within it Redis is given BRIEF_SECONDS for an answer: for who had rather know that it is slow than wait for it."""
    before = _brief.set(True)
    try:
        yield
    finally:
        _brief.reset(before)


async def answers() -> bool:
    """Whether Redis answers now; takes no thread, so that many may ask while it hangs."""
    client = _async_client()
    try:
        async with asyncio.timeout(BRIEF_SECONDS), client:
            return bool(await client.ping())
    except (redis.RedisError, OSError, TimeoutError):
        return False


def _async_client() -> redis.asyncio.Redis:
    url, sentinels = conf.SCRIPTING_REDIS_URL, conf.SCRIPTING_REDIS_SENTINELS
    retry = AsyncRetry(NoBackoff(), 0)
    if not sentinels:
        return redis.asyncio.Redis.from_url(url, retry=retry)
    name, options = master_of(url)
    manager: Any = AsyncSentinel(addresses_in(sentinels))  # type: ignore[no-untyped-call]
    master: redis.asyncio.Redis = manager.master_for(name, **options, retry=retry)
    return master


def key(*parts: object) -> str:
    """The name of one of our keys: `prefix:events:my_game:3`."""
    return ":".join((conf.SCRIPTING_REDIS_PREFIX, *map(str, parts)))
