"""The Redis that carries events and notices: one client per process, whether it answers, and the names of our keys in it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from scripting.conf import conf

BRIEF_SECONDS = 1.0
"""Seconds without an answer after which callers that must not wait take Redis as unavailable."""

_brief = ContextVar("brief", default=False)


@functools.cache
def _client(url: str) -> redis.Redis:
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.01), 3)
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30, retry=retry)


@functools.cache
def _brief_client(url: str) -> redis.Redis:
    once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(
        url, socket_connect_timeout=BRIEF_SECONDS, socket_timeout=BRIEF_SECONDS, retry=once_more
    )


def redis_client() -> redis.Redis:
    """This process's client (thread-safe, answers bytes). Raises redis.RedisError at use when Redis is unavailable."""
    return (_brief_client if _brief.get() else _client)(conf.SCRIPTING_REDIS_URL)


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
    client = redis.asyncio.Redis.from_url(conf.SCRIPTING_REDIS_URL, retry=AsyncRetry(NoBackoff(), 0))
    try:
        async with asyncio.timeout(BRIEF_SECONDS), client:
            return bool(await client.ping())
    except (redis.RedisError, OSError, TimeoutError):
        return False


def key(*parts: object) -> str:
    """The name of one of our keys: `prefix:events:my_game:3`."""
    return ":".join((conf.SCRIPTING_REDIS_PREFIX, *map(str, parts)))
