"""The Redis that carries events and notices: one client per process, and the names of our keys in it."""

from __future__ import annotations

import functools

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from scripting.conf import conf


@functools.cache
def _client(url: str) -> redis.Redis:
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.01), 3)
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30, retry=retry)


def redis_client() -> redis.Redis:
    """This process's client (thread-safe, answers bytes). Raises redis.ConnectionError at use when Redis is away."""
    return _client(conf.SCRIPTING_REDIS_URL)


def key(*parts: object) -> str:
    """The name of one of our keys: `goby:events:wargame:3`."""
    return ":".join((conf.SCRIPTING_REDIS_PREFIX, *map(str, parts)))
