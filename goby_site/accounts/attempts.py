"""Counts tries within a window: in Redis for all processes, in this one while Redis is unavailable."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import redis

from scripting.storage.redis_client import briefly, redis_client

WINDOW_SECONDS = 300
KNOWN_SECONDS = 30 * 24 * 3600
_MOST_HERE = 20_000
"""Counters that this process keeps by itself; when there are more, the oldest go."""

logger = logging.getLogger("scripting.security")

# KEYS: the mark of who is known, then counters. ARGV: seconds of the window, then for each counter the most, and whether it
# holds for who is known too. Answers 0 and counts, or the number of the counter that is full, and counts nothing.
_TRY = """
local known = redis.call('EXISTS', KEYS[1])
for i = 2, #KEYS do
  local most, always = tonumber(ARGV[2 * i - 2]), ARGV[2 * i - 1]
  if (known == 0 or always == '1') and tonumber(redis.call('GET', KEYS[i]) or '0') >= most then return i - 1 end
end
for i = 2, #KEYS do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('EXPIRE', KEYS[i], ARGV[1]) end
end
return 0
"""
# KEYS as above. ARGV: seconds to know them.
_FORGIVE = """
for i = 2, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or '0') > 0 then redis.call('DECR', KEYS[i]) end
end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
return 0
"""


class Counter:
    """One limit: so many tries within the window."""

    def __init__(self, key: str, most: int, *, spares_known: bool = True) -> None:
        self.key = key
        self.most = most
        self.spares_known = spares_known
        """Whoever is known is not kept out by others who fill it."""


def begin(known: str, counters: list[Counter]) -> bool:
    """Count a try, before it is made, so that many at once are counted too; False if one of the counters is full."""
    keys = [known, *(counter.key for counter in counters)]
    limits = [part for counter in counters for part in (counter.most, int(not counter.spares_known))]
    try:
        with briefly():
            return not _script(redis_client(), _TRY)(keys, [WINDOW_SECONDS, *limits])
    except redis.RedisError as error:
        logger.warning("logins are counted by each process alone: %s", error)
        return _here.begin({counter.key: counter.most for counter in counters})


def forgive(known: str, counters: list[Counter]) -> None:
    """The try was right: it does not count, and who made it is known."""
    keys = [counter.key for counter in counters]
    try:
        with briefly():
            _script(redis_client(), _FORGIVE)([known, *keys], [KNOWN_SECONDS])
    except redis.RedisError:
        _here.forgive(keys)


@lru_cache(maxsize=8)
def _script(client: redis.Redis, text: str) -> Any:
    return client.register_script(text)


class _Here:
    """The same in this process, which knows nobody."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def begin(self, most: Mapping[str, int]) -> bool:
        now = time.monotonic()
        with self._lock:
            counts = {key: self._count(key, now) for key in most}
            if any(counts[key][1] >= limit for key, limit in most.items()):
                return False
            for key, (until, count) in counts.items():
                self._counts.pop(key, None)
                self._counts[key] = until, count + 1
            while len(self._counts) > _MOST_HERE:
                del self._counts[next(iter(self._counts))]
            return True

    def forgive(self, keys: list[str]) -> None:
        with self._lock:
            for key in keys:
                until, count = self._counts.get(key, (0.0, 0))
                if count:
                    self._counts[key] = until, count - 1

    def _count(self, key: str, now: float) -> tuple[float, int]:
        until, count = self._counts.get(key, (0.0, 0))
        return (until, count) if until > now else (now + WINDOW_SECONDS, 0)


_here = _Here()
