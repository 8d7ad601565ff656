"""Which workers are alive: each gives a heartbeat in Redis, and renews the leases of its drains with it."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import redis
from rq.utils import as_text

from scripting.bus import evidence_jobs, lease
from scripting.conf import EVIDENCE_QUEUE, QUEUE, conf
from scripting.processes import life, systemd
from scripting.processes.place import start_name
from scripting.storage import redis_errors
from scripting.storage.full_redis import IN_FULL, OutOfMemoryError, outage
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import key, redis_client
from scripting.workers.gaps import Gaps

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
ALIVE_SECONDS = 5.0
"""A worker that was not heard of for so long is dead, or as good as."""
WORKER = "worker"
QUEUES = {WORKER: QUEUE, evidence_jobs.KIND: EVIDENCE_QUEUE}
"""Kinds of workers, and the queue that each takes jobs from."""


_beat = LuaScript(
    IN_FULL
    + """
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
"""
)


class Liveness:
    """This worker's sign of life. `beat` is one; `start` a thread that gives one each second and then calls `each_second`."""

    def __init__(
        self,
        name: str,
        kind: str = WORKER,
        *,
        exchange: Callable[[Sequence[Call]], object] = lambda calls: together(calls, redis_client()),
        each_second: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = f"{name or start_name()}.{secrets.token_hex(3)}"
        """Never used twice: who comes after a dead worker of the same name must not keep its leases alive."""
        self.kind = kind
        self.stopping = threading.Event()
        """Set when the worker has been asked to end."""
        self.gaps = Gaps()
        self.was_cut_off = False
        """Set when a drain ended since Redis did not answer: its stream is to be looked after once it does."""
        self._exchange = exchange
        """Makes the calls of a beat, with others in the same exchange; it asks nothing but Redis."""
        self._each_second = each_second
        self._ended = threading.Event()
        self._busy_until: float | None = None
        self._thread: threading.Thread | None = None

    def beat(self) -> None:
        """Raises redis.RedisError."""
        keys = [_workers_key(self.kind), _alive_key(self.name)]
        self._exchange([Call(_beat, keys, [self.name, life.identity(), int(ALIVE_SECONDS * 1000)])])
        lease.renew_held()

    def start(self) -> None:
        """Idempotent."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """No more beats: this worker is gone. Leaves Redis without it if Redis answers."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(HEARTBEAT_SECONDS + 5)
        try:
            _bury(self.name, self.kind)
        except redis.RedisError as error:
            logger.debug("left without saying so: %s", error)

    def busy(self, seconds: float = 0.0) -> None:
        """The main thread begins something that has its own time limit, which is at the most `seconds` over a job's."""
        self._busy_until = time.monotonic() + conf.SCRIPTING_JOB_TIMEOUT + seconds

    def idle(self) -> None:
        self._busy_until = None

    def is_stuck(self) -> bool:
        """Whether the main thread has been at one thing for longer than any of its limits allows."""
        until = self._busy_until
        return until is not None and time.monotonic() > until

    def _run(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            if self.is_stuck():
                logger.critical(
                    "worker %s is stuck for more than %s s and ends itself", self.name, conf.SCRIPTING_JOB_TIMEOUT
                )
                os._exit(70)  # the main thread cannot be reached; what it had in hand is redelivered
            systemd.alive()
            try:
                self.gaps.wait()
                self.beat()
                self._each_second()
                redis_errors.outage.over()
            except OutOfMemoryError as error:
                outage.note(error)
            except redis.RedisError as error:
                if not redis_errors.noted(error):
                    logger.warning("heartbeat of %s not given: %s", self.name, error)
            except Exception:
                logger.exception("after the heartbeat of %s", self.name)


def live_workers(kind: str = WORKER) -> list[str]:
    """Names of the workers of this kind that gave a heartbeat within ALIVE_SECONDS. Raises redis.RedisError."""
    return [name for name, alive in _roll_call(kind) if alive]


# KEYS: the workers of each kind. ARGV: prefix of their signs of life.
_listed = LuaScript("""
local listed = {}
for number, workers in ipairs(KEYS) do
  for _, name in ipairs(redis.call('SMEMBERS', workers)) do
    listed[#listed + 1] = {name, number, redis.call('GET', ARGV[1] .. name)}
  end
end
return listed
""")


def roll_call() -> Call:
    """A call that answers who is listed, with each one's sign of life, to be made along with others: `bury` takes its answer."""
    return Call(_listed, [_workers_key(kind) for kind in QUEUES], [_alive_key("")])


@dataclass(frozen=True)
class Dead:
    """A worker that died without saying so."""

    name: str
    is_certain: bool
    """It has ended, on this machine; of others it is only known that they were not heard of."""


def bury(listed: Sequence[tuple[bytes, int, bytes | None]]) -> list[Dead]:
    """Strike the dead from our list and RQ's. Raises redis.RedisError."""
    kinds, dead = list(QUEUES), []
    for listed_name, number, sign in listed:
        is_gone = sign is not None and life.is_gone(sign.decode())
        if sign is not None and not is_gone:
            continue
        name, kind = as_text(listed_name), kinds[number - 1]
        logger.warning("%s %s is dead", kind if kind == WORKER else f"{kind} worker", name)
        _bury(name, kind)
        dead.append(Dead(name, is_gone))
    return dead


def _roll_call(kind: str) -> list[tuple[str, bool]]:
    client = redis_client()
    names = sorted(as_text(name) for name in client.smembers(_workers_key(kind)))
    heard = client.mget([_alive_key(name) for name in names]) if names else []
    return [(name, beat is not None) for name, beat in zip(names, heard, strict=True)]


def _bury(name: str, kind: str) -> None:
    # RQ's own key is left to its expiry if the worker said good-bye to RQ; here only what makes it look alive goes.
    with redis_client().pipeline() as pipe:
        pipe.delete(_alive_key(name))
        pipe.srem(_workers_key(kind), name)
        for registry in ("rq:workers", f"rq:workers:{conf.queue(QUEUES[kind])}"):
            pipe.srem(registry, f"rq:worker:{name}")
        pipe.execute()


def _workers_key(kind: str) -> str:
    return key("workers") if kind == WORKER else key("workers", kind)


def _alive_key(name: str) -> str:
    return key("alive", name)
