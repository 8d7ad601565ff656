"""Over how many streams the keys of each module are spread: a number in Redis, the same for all processes, and what this process knows of it.

A publisher says which number it went by; Redis refuses what went by another one, and the publisher looks again. So the number may
change while events are published. How it changes while events wait: see respread.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripting.conf import conf
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import key, redis_client

_known: dict[str, int] = {}


class SpreadChanged(Exception):
    """Nothing was added: the keys of a module are spread over another number of streams by now."""


@dataclass(frozen=True)
class Spread:
    """The spread of one module."""

    streams: int
    becomes: int = 0
    """The number that it is being changed to; 0: it is not being changed."""


def counts_key() -> str:
    """Module → number of streams."""
    return key("spread")


def changes_key() -> str:
    """Module → the number of streams that it is being changed to. While a module is here none of its streams is drained."""
    return key("spread", "changes")


def count(module: str) -> int:
    """The number of streams of the module, as far as this process knows."""
    return _known.get(module) or conf.SCRIPTING_SHARDS


def shard(module: str, ordering_key: str, event_id: str) -> int:
    """The number of the stream of an event: by its ordering key, or by its id without one."""
    return shard_among(count(module), ordering_key, event_id)


def shard_among(streams: int, ordering_key: str, event_id: str) -> int:
    """The same where the module has so many streams."""
    return zlib.crc32((ordering_key or event_id).encode()) % streams


def look(modules: Iterable[str]) -> None:
    """Learn the present numbers. Raises redis.RedisError."""
    wanted = list(modules)
    found: Any = redis_client().hmget(counts_key(), wanted) if wanted else []
    for module, number in zip(wanted, found, strict=True):
        learn(module, int(number or 0))


def learn(module: str, number: int) -> None:
    """Go by this number from now on; 0: by the setting, until Redis says otherwise."""
    _known[module] = number


def forget() -> None:
    _known.clear()


AS_KNOWN = """
local function is_spread_otherwise(counts, first, modules)
  for i = first, first + 2 * modules - 2, 2 do
    local number = redis.call('HGET', counts, ARGV[i])
    if number and number ~= ARGV[i + 1] then return true end
  end
  for i = first, first + 2 * modules - 2, 2 do redis.call('HSETNX', counts, ARGV[i], ARGV[i + 1]) end
  return false
end
"""
"""For the top of a Lua script that adds entries. Told the key of the counts and where in ARGV (module, number) of each begin."""


def told(counts: Mapping[str, int]) -> list[Any]:
    """(module, number) of each, for ARGV."""
    return [part for pair in counts.items() for part in pair]


_all = LuaScript("return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])}")


def looking() -> Call:
    """A call that finds the spread of every module, to be made along with others: `found_by` reads its answer."""
    return Call(_all, [counts_key(), changes_key()])


def found_by(answer: Sequence[Sequence[bytes]]) -> dict[str, Spread]:
    """Module → its spread."""
    counts, changes = (dict(zip(flat[::2], flat[1::2], strict=True)) for flat in answer)
    return {name.decode(): Spread(int(number), int(changes.get(name, 0))) for name, number in counts.items()}


def everywhere() -> dict[str, Spread]:
    """Module → its spread. Raises redis.RedisError."""
    return found_by(together([looking()], redis_client())[0])
