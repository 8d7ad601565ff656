"""The right to be the one of many processes that does a thing: a lock in Redis, held for a few seconds at a time, or from beat to beat."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

import redis

from scripting.processes import life
from scripting.storage import redis_errors
from scripting.storage.full_redis import IN_FULL
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import key, redis_client

logger = logging.getLogger(__name__)

LOCK_SECONDS = 5
"""How long the lock of a process that died keeps the others waiting."""
RENEW_SECONDS = 1
STANDBY_SECONDS = 1


# Give it up only if it is still ours; another process may have it after we stalled.
_RELEASE = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"
# Answers 1 where it is taken or renewed, else who has it.
_TAKE = LuaScript(
    IN_FULL
    + """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return owner end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)


def _taking(name: str, holder: str, seconds: float) -> Call:
    return Call(_TAKE, [name], [holder, int(seconds * 1000)])


def _is_taken(answer: int | bytes, call: Call) -> bool:
    """Whether the call took or renewed it; from one of this machine that has ended it is taken now. Raises redis.RedisError."""
    if isinstance(answer, bytes) and life.is_gone(answer.decode().rpartition(" ")[2]):
        redis_client().eval(_RELEASE, 1, call.keys[0], answer)
        answer = together([call], redis_client())[0]
    return answer == 1


class OneAtATime:
    """Held by one process of all that name it so, LOCK_SECONDS at a time: call `step` at least each RENEW_SECONDS.

    Where its holder was of this machine and has ended, nobody waits for that.
    """

    def __init__(self, *name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.token = f"{secrets.token_hex(8)} {life.identity()}"
        self.held = False
        self._clock = clock
        self._renew_at = 0.0

    @property
    def _key(self) -> str:
        return key(*self.name)

    def step(self) -> bool:
        """Take or renew the lock when due; whether it is held. A Redis that is unavailable leaves things as they are."""
        if self._clock() < self._renew_at:
            return self.held
        call = _taking(self._key, self.token, LOCK_SECONDS)
        try:
            self.held = _is_taken(together([call], redis_client())[0], call)
            redis_errors.outage.over()
        except redis.RedisError as error:
            if not redis_errors.noted(error):
                logger.warning("the lock of the %s: %s", self.name[0], error)
        self._renew_at = self._clock() + (RENEW_SECONDS if self.held else STANDBY_SECONDS)
        return self.held

    def release(self) -> None:
        """Let another process begin at once."""
        if self.held:
            self.held = False
            try:
                redis_client().eval(_RELEASE, 1, self._key, self.token)
            except redis.RedisError as error:
                logger.warning("the lock of the %s was not given back: %s", self.name[0], error)


BEAT_SECONDS = 3.0
"""A process that was not heard of for so long has lost what it held from beat to beat."""


class FromBeatToBeat:
    """A right that a process asks for with each beat, in the same exchange: it holds until the next one is due.

    Where its holder was of this machine and has ended, nobody waits for that.
    """

    def __init__(self, owner: str, *name: str) -> None:
        self.owner = f"{owner}.{secrets.token_hex(3)}"
        self.held = False
        self._name = name
        self._kept = f"{self.owner} {life.identity()}"
        """In Redis, so that others see who holds it, and whether that one lives."""

    def asking(self) -> Call:
        """The call that takes or renews it; `heard` is to be told its answer."""
        return _taking(key(*self._name), self._kept, BEAT_SECONDS)

    def heard(self, answer: int | bytes) -> bool:
        """Whether it is held now. Raises redis.RedisError where it is taken from one who has ended."""
        self.held = _is_taken(answer, self.asking())
        return self.held

    def ask(self) -> bool:
        """Take or renew it in an exchange of its own: whether it is held. Raises redis.RedisError."""
        return self.heard(together([self.asking()], redis_client())[0])

    def release(self) -> None:
        """Let another process have it at once. Raises redis.RedisError."""
        if self.held:
            self.held = False
            redis_client().eval(_RELEASE, 1, key(*self._name), self._kept)
