"""The Redis that carries events and notices: one client per process, and the names of our keys in it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from scripting.conf import conf

BRIEF_SECONDS = 1.0

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
    """This process's client (thread-safe, answers bytes). Raises redis.RedisError at use when Redis is away."""
    return (_brief_client if _brief.get() else _client)(conf.SCRIPTING_REDIS_URL)


@contextlib.contextmanager
def briefly() -> Iterator[None]:
    """Within it Redis is given BRIEF_SECONDS for an answer: for who had rather know that it is slow than wait for it."""
    before = _brief.set(True)
    try:
        yield
    finally:
        _brief.reset(before)


def key(*parts: object) -> str:
    """The name of one of our keys: `goby:events:wargame:3`."""
    return ":".join((conf.SCRIPTING_REDIS_PREFIX, *map(str, parts)))
