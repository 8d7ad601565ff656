"""The highest number that was ever given to a version, a set of values or of subscriptions: kept in Redis, beside the database.

A database that was restored from a backup has forgotten the numbers that were given since. Receipts, logs and people have not: so the
next one is counted from here, where Redis has not forgotten too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import redis
from django.db import transaction

from scripting.storage.full_redis import IN_FULL
from scripting.storage.lua import Call, LuaScript
from scripting.storage.redis_client import briefly, key, redis_client

VERSION, KNOBS, SUBSCRIPTIONS = "version", "knobs", "subscriptions"

_raise = LuaScript(
    IN_FULL
    + """
for i = 1, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
"""
)


def next_number(kind: str, label: str, last: int, at_least: int = 1, *, is_told: bool = False) -> int:
    """The number after `last`, which is the database's highest, and after every one that was ever given. To be called in a transaction.

    While Redis is unavailable the database alone counts. `is_told`: whoever asks has it noted behind the commit, by `note` or `noting`.
    """
    try:
        with briefly():
            given = int(redis_client().hget(_key(), f"{kind} {label}") or 0)
    except redis.RedisError:
        return max(last + 1, at_least)
    number = max(last + 1, given + 1, at_least)
    if not is_told:
        transaction.on_commit(lambda: note(kind, label, number))
    return number


def note(kind: str, label: str, number: int) -> None:
    """Let no number up to this one be given again. While Redis is unavailable nothing is noted: the next number says it too."""
    with contextlib.suppress(redis.RedisError), briefly():
        raise_to({f"{kind} {label}": number})


def noting(kind: str, label: str, number: int) -> Call:
    """A call that does the same, to be made along with others."""
    return Call(_raise, [_key()], [f"{kind} {label}", number])


def raise_to(numbers: Mapping[str, int]) -> None:
    """Let no number up to these be given again, by "kind label". Raises redis.RedisError."""
    if numbers:
        _raise([_key()], [part for each in numbers.items() for part in each], redis_client())


def given() -> dict[str, int]:
    """The highest of each, by "kind label". Raises redis.RedisError."""
    found = redis_client().hgetall(_key())
    return {name.decode(): int(number) for name, number in found.items()}  # type: ignore[union-attr] # our clients answer bytes


def _key() -> str:
    return key("numbers")
