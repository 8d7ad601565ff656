"""The Redis that carries events and notices: one client per process, whether it answers, and the names of our keys in it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import AbstractBackoff, ExponentialBackoff, NoBackoff
from redis.driver_info import DriverInfo
from redis.retry import Retry
from redis.sentinel import Sentinel

from scripting.conf import conf
from scripting.texts.redis_addresses import addresses_in, master_of

BRIEF_SECONDS = 1.0
"""Seconds without an answer after which callers that must not wait take Redis as unavailable."""

GLANCE_SECONDS = 0.5
"""The same for callers that can do without, and for so long after Redis gave no answer in time they do not ask; see `is_silent`."""
SECONDS = 10.0
"""Seconds that everybody else waits for an answer."""

MOVED = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)
"""Errors after which a client connects anew. A master that has become a replica refuses to write: another one is master now."""

DRIVER = DriverInfo()
"""How a connection names its library to Redis: made once, since redis-py reads its package's metadata for it with each connection."""

_RETRIED = (*MOVED, TimeoutError)

_SOME = ExponentialBackoff(cap=0.5, base=0.01), 3
_ONCE_MORE = NoBackoff(), 1

_brief = ContextVar("brief", default=False)
_until: ContextVar[float | None] = ContextVar("until", default=None)
_NEVER = -math.inf
_silent_at = _NEVER
_LEAST_SECONDS = 0.001
"""For reading what has arrived already once the time is up: 0 would mean a socket that never waits, for sending too."""


def connect(url: str, sentinels: str, **options: Any) -> redis.Redis:
    """A new client of the Redis at `url`; of the master that the sentinels know by the name of its host, where there are some.

    It asks them with each new connection, so that it follows a failover. Raises redis.RedisError at use.
    """
    options = {"retry": _some_retries(), "driver_info": DRIVER} | options
    if not sentinels:
        return redis.Redis.from_url(url, **options)
    asked = {"socket_connect_timeout": BRIEF_SECONDS, "socket_timeout": BRIEF_SECONDS}
    name, of_url = master_of(url)
    manager: Any = Sentinel(addresses_in(sentinels), sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    master: redis.Redis = manager.master_for(name, **of_url | options)
    return master


def _some_retries() -> Retry:
    return Retry(*_SOME, supported_errors=_RETRIED)


@functools.cache
def _client(url: str, sentinels: str) -> redis.Redis:
    return connect(url, sentinels, socket_connect_timeout=2, socket_timeout=SECONDS, health_check_interval=30)


@functools.cache
def _punctual_client(url: str, sentinels: str, most: float, tries: tuple[AbstractBackoff, int]) -> redis.Redis:
    """A client that ends in time, when it asks a sentinel too. It connects anew, but repeats nothing that took its time."""
    anew = Retry(*tries, supported_errors=(redis.ConnectionError, redis.ReadOnlyError))
    client = connect(url, sentinels, retry=anew)
    pool: Any = client.connection_pool
    pool.connection_class = _punctual(pool.connection_class, most)
    for sentinel in pool.sentinel_manager.sentinels if sentinels else ():
        sentinel.connection_pool.connection_class = _punctual(
            sentinel.connection_pool.connection_class, min(most, BRIEF_SECONDS)
        )
    return client


def _punctual(kind: type[Any], most: float) -> type[Any]:
    """The kind of connection, with what is left of `within` as its timeout: `most` seconds at the most."""

    class Punctual(kind):  # type: ignore[misc] # over TCP, TLS, a Unix socket, or of a sentinel's master
        socket_timeout = socket_connect_timeout = property(
            lambda _: max(_LEAST_SECONDS, min(most, _left())), lambda *_: None
        )

        def send_packed_command(self, *args: Any, **options: Any) -> None:
            if _left() <= 0:
                raise redis.TimeoutError("the time that Redis was given is used up")
            if self._sock:
                self._sock.settimeout(self.socket_timeout)
            super().send_packed_command(*args, **options)

        def read_response(self, *args: Any, **options: Any) -> Any:
            if self._sock:
                self._sock.settimeout(self.socket_timeout)
            global _silent_at
            try:
                response = super().read_response(*args, **options)
            except redis.TimeoutError:
                _silent_at = time.monotonic()
                self.disconnect()  # or the late answer would be read as that to the next command
                raise
            _silent_at = _NEVER
            return response

    return Punctual


def own_connection(pool: redis.ConnectionPool) -> Any:
    """A connection as the pool makes them, for its owner to keep: the pool would count it for good, also once it is closed, and refuses the 101st."""
    return pool.connection_class(**pool.connection_kwargs)


def is_silent() -> bool:
    """Whether Redis gave no answer in time a moment ago: who can do without one goes on, instead of waiting too."""
    return time.monotonic() - _silent_at < GLANCE_SECONDS


def _left() -> float:
    until = _until.get()
    return math.inf if until is None else until - time.monotonic()


def redis_client() -> redis.Redis:
    """This process's client (thread-safe, answers bytes). Raises redis.RedisError at use when Redis is unavailable."""
    where = conf.SCRIPTING_REDIS_URL, conf.SCRIPTING_REDIS_SENTINELS
    if _brief.get():
        return _punctual_client(*where, BRIEF_SECONDS, _ONCE_MORE)
    return _client(*where) if _until.get() is None else _punctual_client(*where, SECONDS, _SOME)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Within it all exchanges with Redis take `seconds` together; what begins later is not sent. They raise redis.TimeoutError then.

    Only the look-up of a host's name may take longer: no system can bound that.
    """
    before, until = _until.get(), time.monotonic() + seconds
    token = _until.set(until if before is None else min(before, until))
    try:
        yield
    finally:
        _until.reset(token)


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
