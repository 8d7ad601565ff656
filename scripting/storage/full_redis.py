"""A Redis that has reached its `maxmemory`: what drains it still writes, who would fill it further is refused before.

Redis refuses a script's first write if that may take memory, but lets a script go on that has written something else before. What
drains takes little, and gives back more.
"""

from __future__ import annotations

import threading
import time

import redis
from redis.exceptions import OutOfMemoryError

from scripting.storage.database import Outage
from scripting.storage.lua import LuaScript
from scripting.storage.redis_client import redis_client

__all__ = ["FULL", "IN_FULL", "OutOfMemoryError", "has_room", "outage", "set_for", "share_used"]

FULL = (OutOfMemoryError,)
RESERVE = 0.1
"""The share of `maxmemory` that is kept for draining: for RQ's jobs, leases and heartbeats."""
LOOK_SECONDS = 0.25
LOOK_BYTES = 1 << 20
"""A publisher looks again after so long, or after it has sent so much."""

IN_FULL = "redis.call('PEXPIRE', KEYS[1] .. ':none', 1)\n"
"""Begins a Lua script that is to work in a full Redis: a write that takes no memory and changes nothing."""

outage = Outage("room in Redis")

_set = LuaScript(
    IN_FULL
    + """
if ARGV[3] == '1' then return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)


def set_for(name: str, value: str, milliseconds: int, client: redis.Redis, *, absent: bool = False) -> bool:
    """Set a key for a time, in a full Redis too; with `absent` only where there is none. Whether it was set. Raises redis.RedisError."""
    return bool(_set([name], [value, milliseconds, int(absent)], client))


class _Look:
    """The last look at how full Redis is."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = float("-inf")
        self.sent = 0
        self.room = True


_look = _Look()


def share_used() -> float:
    """The share of what publishers may fill that Redis holds; above 1 they are refused, 0 without a `maxmemory`. Raises redis.RedisError."""
    memory = redis_client().info("memory")
    most = int(memory.get("maxmemory", 0)) * (1 - RESERVE)
    return int(memory["used_memory"]) / most if most else 0.0


def has_room(size: int) -> bool:
    """Whether a publisher may send `size` bytes and leave room for draining. Raises redis.RedisError."""
    with _look.lock:
        _look.sent += size
        now = time.monotonic()
        if now - _look.at < LOOK_SECONDS and _look.sent < LOOK_BYTES:
            return _look.room
        _look.at, _look.sent = now, size
    memory = redis_client().info("memory")
    most = int(memory.get("maxmemory", 0))
    _look.room = not most or int(memory["used_memory"]) + size < most * (1 - RESERVE)
    return _look.room
