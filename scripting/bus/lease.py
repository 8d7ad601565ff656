"""The right to drain a stream, and what its holder does with it: read on, settle, hand over, set aside.

Each step is one atomic exchange that fails once somebody else has the lease.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scripting.bus import spread
from scripting.bus.streams import Stream, calls_key, dead_letters_key, new_job_id, queue_key
from scripting.conf import conf
from scripting.processes.generation import generation_keys
from scripting.storage.full_redis import IN_FULL
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import MOVED, connect

LEASE_SECONDS = 4.0
"""How long a lease outlives its last renewal: a dead worker's stream is free after this. Renewed each second by a thread."""


class LeaseLost(Exception):
    """This drain's lease was taken over: nothing that it still holds may be committed."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"the lease of {lease.stream.name} was taken over")
        self.lease = lease


@dataclass(frozen=True)
class Read:
    """The answer to one exchange with a leased stream."""

    entries: list[tuple[bytes, bytes]]
    """(entry id, envelope) from the head of the stream; they stay there until settled."""
    generation: tuple[bytes | None, ...]
    """The version generation at the moment of reading, see registry.refresh."""
    jobs_waiting: int
    """Jobs in the queue that no worker has taken."""
    respread: bool = False
    """Whether the module's keys are being spread over another number of streams: then nobody drains."""
    newer: Mapping[bytes, str] = field(default_factory=dict)
    """Entry id → the event that waits behind it, is the latest of its group and may supersede it."""


@functools.cache
def _drain_client(url: str, sentinels: str) -> redis.Redis:
    """Without retries: a read that was repeated behind our back could hand out entries in two halves, out of order."""
    return connect(
        url, sentinels, socket_connect_timeout=2, socket_timeout=10, retry=Retry(NoBackoff(), 0, supported_errors=MOVED)
    )


def drain_client() -> redis.Redis:
    return _drain_client(conf.SCRIPTING_REDIS_URL, conf.SCRIPTING_REDIS_SENTINELS)


# An entry of which the latest of its group alone needs to run has the group in its field `l`; the hash beside the stream tells which entry
# that is, and its event. It is forgotten when it is settled, and counts only while it is in the stream behind the one that asks.
LATEST = """
local function latest_of(entries, group)
  local told = redis.call('HGET', entries .. ':latest', group)
  return string.match(told or '', '^(%d+%-%d+) (.*)$')
end
local function forget_latest(entries, id)
  local found = redis.call('XRANGE', entries, id, id)[1]
  local group = found and found[2][3] == 'l' and found[2][4]
  if group and latest_of(entries, group) == id then redis.call('HDEL', entries .. ':latest', group) end
end
local function newer_than(entries, id, group)
  local last, event = latest_of(entries, group)
  if not last or last == id then return nil end
  local found = redis.call('XREVRANGE', entries, last, '(' .. id, 'COUNT', 1)[1]
  return found and found[1] == last and event or nil
end
local function move_latest(from, id, to, new_id, group)
  local last, event = latest_of(from, group)
  if last ~= id then return end
  redis.call('HDEL', from .. ':latest', group)
  redis.call('HSET', to .. ':latest', group, new_id .. ' ' .. event)
end
"""

# KEYS: lease, entries, mark, deliveries, queue, generation keys, changes of the spread. ARGV: token, milliseconds, how many, module, how
# many texts follow that tell who waits (channel and message, in turn), those texts, settled entries.
# Settling needs no lease: what is committed is committed, whoever did it.
_advance = LuaScript(
    LATEST
    + """
local counted = redis.call('EXISTS', KEYS[4]) == 1
local latest = redis.call('EXISTS', KEYS[2] .. ':latest') == 1
local told = 5 + tonumber(ARGV[5])
for i = told + 1, latest and #ARGV or 0 do forget_latest(KEYS[2], ARGV[i]) end
for first = told + 1, #ARGV, 1000 do
  local last = math.min(first + 999, #ARGV)
  redis.call('XDEL', KEYS[2], unpack(ARGV, first, last))
  if counted then redis.call('HDEL', KEYS[4], unpack(ARGV, first, last)) end
end
for i = 6, told, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local flat, newer = {}, {}
if ARGV[3] ~= '0' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[3])) do
    flat[#flat + 1] = entry[1]
    flat[#flat + 1] = entry[2][2]
    local event = latest and entry[2][3] == 'l' and newer_than(KEYS[2], entry[1], entry[2][4])
    if event then newer[#newer + 1], newer[#newer + 2] = entry[1], event end
  end
  if #flat > 0 then redis.call('SET', KEYS[3], flat[#flat - 1]) end
end
return {flat, redis.call('MGET', KEYS[6], KEYS[7]), redis.call('LLEN', KEYS[5]), redis.call('HEXISTS', KEYS[8], ARGV[4]), newer}
"""
)

# KEYS: lease, changes of the spread. ARGV: token, milliseconds, module.
_take = LuaScript(
    IN_FULL
    + """
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1 then return 0 end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0
"""
)

_renew = LuaScript("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

# KEYS: lease, entries, flag, mark, deliveries. Only an empty stream may be left without a job that answers for it.
_finish = LuaScript("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('XLEN', KEYS[2]) > 0 then return 0 end
redis.call('DEL', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[2] .. ':latest')
return 1
""")

# KEYS: lease, flag, mark. ARGV: token, job. The mark goes: what is left was not begun. What takes no memory comes first, see full_redis.
_hand_over = LuaScript("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('SET', KEYS[2], ARGV[2])
return 1
""")

# KEYS: entries, dead letters, deliveries. ARGV: entry id, stream, envelope, reason.
_set_aside = LuaScript(
    LATEST
    + """
forget_latest(KEYS[1], ARGV[1])
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[2], '*', 'stream', ARGV[2], 'entry', ARGV[1], 'reason', ARGV[4], 'e', ARGV[3])
return 1
"""
)

_count = LuaScript(IN_FULL + "return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)")


class Lease:
    """The right to drain a stream: one at a time holds it. Every method raises redis.RedisError when Redis is unavailable."""

    def __init__(self, stream: Stream, owner: str) -> None:
        self.stream = stream
        self.owner = owner
        self.token = f"{owner}|{secrets.token_hex(8)}"
        self.redelivered_to: bytes | None = None
        """The last entry that an earlier drain was given and did not give back."""
        self._client = drain_client()
        self._sure_until = 0.0
        self._last_call: bytes | str = "0-0"
        """The last call that this drain has heard of: `wait` returns for those after it."""

    @classmethod
    def take(cls, stream: Stream, owner: str) -> Lease | None:
        """The lease, or None while another drain has it or the module's keys are being spread anew."""
        lease = cls(stream, owner)
        lease._reconnect()
        asked = time.monotonic()
        keys = [stream.lease, spread.changes_key()]
        if not _take(keys, [lease.token, int(LEASE_SECONDS * 1000), stream.module], lease._client):
            return None
        lease._renewed(asked)
        with lease._client.pipeline(transaction=False) as pipe:
            pipe.get(stream.mark)
            pipe.xrevrange(calls_key(), count=1)
            lease.redelivered_to, called = pipe.execute()
        lease._last_call = called[0][0] if called else "0-0"
        with _held_lock:
            _held.add(lease)
        return lease

    def _reconnect(self) -> None:
        """A connection that went stale while nothing was drained is renewed here, where that is harmless."""
        try:
            self._client.ping()
        except redis.ConnectionError:
            self._client.ping()

    def read(self, count: int, settled: Sequence[bytes] = (), messages: Sequence[str | bytes] = ()) -> Read:
        """Settle entries (their executions are committed) and look at the first `count` of the rest. Raises LeaseLost.

        `messages` tell those who wait for the settled ones, see bus.settled.
        """
        [answer] = read_all([self], count, [settled], messages)
        if isinstance(answer, LeaseLost):
            raise answer
        return answer

    def _reading(self, count: int, settled: Sequence[bytes], messages: Sequence[str | bytes]) -> Call:
        stream = self.stream
        keys = (stream.lease, stream.entries, stream.mark, stream.deliveries)
        return Call(
            _advance,
            [*keys, queue_key(), *generation_keys(), spread.changes_key()],
            [self.token, int(LEASE_SECONDS * 1000), count, stream.module, len(messages), *messages, *settled],
        )

    def _heard(self, asked: float, answer: Any) -> Read | LeaseLost:
        if answer is None:
            return LeaseLost(self)
        self._renewed(asked)
        flat, generation, waiting, respread, newer = answer
        entries = list(zip(flat[::2], flat[1::2], strict=True))
        events = {entry: event.decode() for entry, event in zip(newer[::2], newer[1::2], strict=True)}
        return Read(entries, tuple(generation), waiting, bool(respread), events)

    def check(self) -> None:
        """Return only while nobody else can have the lease. Raises LeaseLost. Costs a round trip only when renewal is due."""
        if time.monotonic() > self._sure_until - LEASE_SECONDS / 2:
            self.renew()

    def renew(self) -> None:
        """Raises LeaseLost."""
        asked = time.monotonic()
        if not together([self._renewing()], self._client)[0]:
            raise LeaseLost(self)
        self._renewed(asked)

    def _renewing(self) -> Call:
        return Call(_renew, [self.stream.lease], [self.token, int(LEASE_SECONDS * 1000)])

    def _renewed(self, asked: float) -> None:
        # Counted from when we asked: Redis cannot have begun to count before. A stopped process' clock goes on.
        self._sure_until = max(self._sure_until, asked + LEASE_SECONDS)

    def finish(self) -> bool:
        """Give the lease and the flag back if the stream is empty; False if it is not. Raises LeaseLost."""
        stream = self.stream
        done = _finish(
            [stream.lease, stream.entries, stream.flag, stream.mark, stream.deliveries], [self.token], self._client
        )
        if done == -1:
            raise LeaseLost(self)
        if done == 1:
            self.forget()
        return bool(done)

    def hand_over(self) -> str:
        """Give the lease back, with the rest of the stream, to a job that the caller must enqueue under this id.

        Raises LeaseLost.
        """
        job = new_job_id(self.stream)
        if not _hand_over([self.stream.lease, self.stream.flag, self.stream.mark], [self.token, job], self._client):
            raise LeaseLost(self)
        self.forget()
        return job

    def forget(self) -> None:
        """Renew no more: it runs out by itself."""
        with _held_lock:
            _held.discard(self)

    def count_delivery(self, entry: bytes) -> int:
        """How often the entry was run alone, with this time."""
        return int(_count([self.stream.deliveries], [entry], self._client))

    def uncount_delivery(self, entry: bytes) -> None:
        """Take back the last delivery, which ended by no fault of the event's; where Redis takes nothing now, `give_back` does."""
        _owed[self.stream.deliveries, entry] += 1
        with contextlib.suppress(redis.RedisError):
            give_back()

    def set_aside(self, entry: bytes, envelope: bytes, reason: str) -> None:
        """Move an entry to the dead letters."""
        stream = self.stream
        _set_aside(
            [stream.entries, dead_letters_key(), stream.deliveries],
            [entry, stream.name, envelope, reason],
            self._client,
        )


# -- several at once -----------------------------------------------------------------------------------------------------


def read_all(
    leases: Sequence[Lease], count: int, settled: Sequence[Sequence[bytes]], messages: Sequence[str | bytes] = ()
) -> list[Read | LeaseLost]:
    """`Lease.read` for several in one exchange: to each its settled entries, `count` and answer. Raises redis.RedisError."""
    asked = time.monotonic()
    calls = [
        lease._reading(count, entries, messages if place == 0 else ())
        for place, (lease, entries) in enumerate(zip(leases, settled, strict=True))
    ]
    return [lease._heard(asked, answer) for lease, answer in zip(leases, together(calls, drain_client()), strict=True)]


def wait(leases: Sequence[Lease], seconds: float) -> None:
    """Return when one of the streams, which were empty, has an entry, when another stream's job begins to wait, or after `seconds`."""
    calls = calls_key()
    watched: dict[Any, Any] = {lease.stream.entries: "0-0" for lease in leases} | {calls: leases[0]._last_call}
    found: Any = drain_client().xread(watched, count=1, block=max(1, int(seconds * 1000)))
    for name, entries in found:
        if name.decode() == calls:
            for lease in leases:
                lease._last_call = entries[-1][0]


_owed: Counter[tuple[str, bytes]] = Counter()
"""Deliveries that this process has counted and is to take back, by the hash that holds them and the entry."""

_uncount = LuaScript(
    IN_FULL
    + "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[1], ARGV[1], -ARGV[2]) end"
)


def give_back() -> None:
    """Take back deliveries that ended with Redis and were no event's fault. Raises redis.RedisError."""
    for (deliveries, entry), times in list(_owed.items()):
        _uncount([deliveries], [entry, times], drain_client())
        _owed.pop((deliveries, entry), None)


_held: set[Lease] = set()
_held_lock = threading.Lock()


def renew_held() -> None:
    """Renew every lease of this process in one exchange; the heartbeat's part in keeping them. Raises redis.RedisError."""
    with _held_lock:
        leases = list(_held)
    asked = time.monotonic()
    answers = together([lease._renewing() for lease in leases], drain_client()) if leases else ()
    for lease, is_ours in zip(leases, answers, strict=True):
        if is_ours:
            lease._renewed(asked)
        else:
            lease.forget()  # its drain finds out by itself, before it commits


def position(entry: bytes) -> tuple[int, int]:
    """An entry id as something that compares as Redis compares it."""
    milliseconds, _, sequence = entry.partition(b"-")
    return int(milliseconds), int(sequence or 0)
