"""The version generation: a counter in Redis, bumped after each change, that tells a process when to look again.

It only makes processes look sooner. A value that was lost or started anew differs from the one remembered (the epoch is
random), and any difference reloads; without Redis the registry's slow poll of the database does.
"""

from __future__ import annotations

import logging
import secrets

import redis

from scripting.connection import key, redis_client

logger = logging.getLogger(__name__)

Generation = tuple[bytes | None, ...]
"""Epoch and counter as Redis holds them."""


def generation_keys() -> tuple[str, str]:
    """Names of the epoch and the counter, to be read along with a batch of events (MGET)."""
    return key("generation", "epoch"), key("generation", "counter")


def read() -> Generation | None:
    """The generation now, or None when Redis is away."""
    try:
        return tuple(redis_client().mget(generation_keys()))
    except redis.RedisError:
        return None


def bump() -> Generation | None:
    """Say that some script changed; call it after the commit. The generation that this made, None when Redis is away.

    A Redis that is away delays the news, it does not lose it.
    """
    epoch, counter = generation_keys()
    try:
        with redis_client().pipeline() as pipe:
            pipe.set(epoch, secrets.token_hex(8), nx=True)
            pipe.get(epoch)
            pipe.incr(counter)
            _, made, count = pipe.execute()
    except redis.RedisError as error:
        logger.warning("version notice not sent (%s): processes see the change at their next poll", error)
        return None
    return made, str(count).encode()


def number(generation: Generation | None) -> int:
    """How many changes the counter has seen; 0 where there is none."""
    return int(generation[1] or 0) if generation else 0


def follows(before: Generation | None, after: Generation | None) -> bool:
    """Whether `after` is `before` with one more change."""
    if before is None or after is None or before[0] is None:
        return False
    return before[0] == after[0] and number(after) == number(before) + 1
