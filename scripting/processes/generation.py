"""The version generation: a counter in Redis, bumped after each change, that tells a process when to look again.

It only makes processes look sooner. A value that was lost or started anew differs from the one remembered (the epoch is
random), and any difference reloads; without Redis the registry's slow poll of the database does.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from scripting.conf import conf
from scripting.storage.full_redis import IN_FULL
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import GLANCE_SECONDS, is_silent, key, redis_client, within

logger = logging.getLogger(__name__)

SAY_SECONDS = 10.0
"""Between two words on a Redis that is unavailable."""

Generation = tuple[bytes | None, ...]
"""Epoch and counter as Redis holds them."""


def generation_keys() -> tuple[str, str]:
    """Names of the epoch and the counter, to be read along with a batch of events (MGET)."""
    return key("generation", "epoch"), key("generation", "counter")


def read() -> Generation | None:
    """The generation now, or None when Redis is unavailable or takes long: publishers and requests wait for it."""
    if is_silent():
        return None
    try:
        with within(GLANCE_SECONDS):
            return tuple(redis_client().mget(generation_keys()))  # type: ignore[arg-type] # our clients answer bytes
    except redis.RedisError:
        return None


_read = LuaScript("return redis.call('MGET', KEYS[1], KEYS[2], KEYS[3])")


_tell = LuaScript(IN_FULL + "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")


def reading() -> Call:
    """A call that answers the generation and the database's mark, to be made along with others: see `heard`."""
    return Call(_read, [*generation_keys(), _mark_key()])


def heard(answer: Sequence[bytes | None]) -> tuple[Generation, int | None]:
    """The generation and the database's mark out of the answer to `reading`."""
    *seen, mark = answer
    return tuple(seen), None if mark is None else int(mark)


def telling(mark: int) -> Call:
    """A call that tells all processes the database's mark, so that each need not ask for it."""
    return Call(_tell, [_mark_key()], [mark, int(conf.SCRIPTING_POLL_SECONDS * 1000)])


def _mark_key() -> str:
    """Holds the mark that the registry raises in the database, as one process of all reads it there."""
    return key("generation", "mark")


_bump = LuaScript(
    IN_FULL
    + """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return {redis.call('GET', KEYS[1]), redis.call('INCR', KEYS[2])}
"""
)


def bump(also: Sequence[Call] = ()) -> Generation | None:
    """Say that some script changed; call it after the commit. The generation that this made, None when Redis is unavailable.

    A Redis that is unavailable delays the news, it does not lose it. `also` are calls made in the same exchange.
    """
    try:
        (made, count), *_ = together([Call(_bump, generation_keys(), [secrets.token_hex(8)]), *also], redis_client())
    except redis.RedisError as error:
        _say_once_in_a_while(error)
        return None
    return made, str(count).encode()


_said_at = float("-inf")


def _say_once_in_a_while(error: redis.RedisError) -> None:
    """Many changes may be made while Redis is unavailable; once is enough for the log."""
    global _said_at
    now = time.monotonic()
    if now - _said_at >= SAY_SECONDS:
        _said_at = now
        logger.warning(
            "Redis is unavailable (%s): processes that run now see changes at their next look into the database", error
        )


def number(generation: Generation | None) -> int:
    """How many changes the counter has seen; 0 where there is none."""
    return int(generation[1] or 0) if generation else 0


@dataclass(frozen=True)
class Span:
    """Changes that somebody knows all of: from the counter's value `first` to `last`, both included."""

    epoch: bytes
    first: int
    last: int

    @staticmethod
    def of(made: Generation | None) -> Span | None:
        """The one change that made a generation."""
        if made is None or made[0] is None:
            return None
        return Span(made[0], number(made), number(made))

    def leads_on_from(self, generation: Generation | None) -> bool:
        """Whether who was at `generation` is at `reached` with these changes, none between them missing."""
        same = generation is not None and generation[0] == self.epoch
        return same and self.first - 1 <= number(generation) <= self.last

    @property
    def reached(self) -> Generation:
        return self.epoch, str(self.last).encode()
