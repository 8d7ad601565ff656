"""The Redis streams that events travel in: append, lease, read on, hand over, set aside. Each step is one atomic exchange.

There are no consumer groups: one drain at a time reads a stream, and the lease says which. An entry stays in its stream until
its execution is committed, so what a dead drain had in hand is simply still there, at the head and in order. (Groups would
add a second list of the same entries, which Redis 6.2 fills with deleted ones, and would let a drain that comes back from the
dead take entries before it learns that its lease is gone.)
"""

from __future__ import annotations

import functools
import secrets
import threading
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scripting.conf import conf
from scripting.connection import key, redis_client
from scripting.generation import generation_keys

LEASE_SECONDS = 4.0
"""How long a lease outlives its last renewal: a dead worker's stream is free after this. Renewed each second by a thread."""


class LeaseLost(Exception):
    """This drain's lease was taken over: nothing that it still holds may be committed."""


@dataclass(frozen=True, order=True)
class Stream:
    """The stream of one shard of a module's events."""

    module: str
    shard: int

    @staticmethod
    def of(module: str, ordering_key: str, event_id: str) -> Stream:
        """The stream of an event: by its ordering key, or spread by id without one. The same in every process."""
        return Stream(module, zlib.crc32((ordering_key or event_id).encode()) % conf.SCRIPTING_SHARDS)

    @staticmethod
    def named(name: str) -> Stream:
        module, shard = name.rsplit(":", 1)
        return Stream(module, int(shard))

    @property
    def name(self) -> str:
        return f"{self.module}:{self.shard}"

    @property
    def entries(self) -> str:
        return key("events", self.name)

    @property
    def flag(self) -> str:
        """Holds the id of the drain job that answers for the stream, from the first entry until it is empty."""
        return key("drain", self.name)

    @property
    def lease(self) -> str:
        return key("lease", self.name)

    @property
    def mark(self) -> str:
        """The last entry that a drain was given: those up to it that a new drain finds are redelivered."""
        return key("mark", self.name)

    @property
    def deliveries(self) -> str:
        """Entry id → how often it was run alone."""
        return key("deliveries", self.name)


@dataclass(frozen=True)
class Read:
    """What one exchange with a leased stream gave."""

    entries: list[tuple[bytes, bytes]]
    """(entry id, envelope) from the head of the stream; they stay there until settled."""
    generation: tuple[bytes | None, ...]
    """The version generation at the moment of reading, see registry.refresh."""
    jobs_waiting: int
    """Jobs in the queue that no worker has taken."""


@dataclass(frozen=True)
class Condition:
    """A stream as the sweep finds it."""

    stream: Stream
    length: int
    flag: bytes | None
    leased: bool
    queued: bool
    """Whether the job that the flag names waits in the queue."""


def names_key() -> str:
    """The set of all streams that ever had an entry."""
    return key("streams")


def dead_letters_key() -> str:
    """The stream of entries that could be neither run nor recorded."""
    return key("dead-letters")


def queue_key() -> str:
    """RQ's list of waiting jobs."""
    return "rq:queue:scripting"


@functools.cache
def _drain_client(url: str) -> redis.Redis:
    """Without retries: a read that was repeated behind our back could hand out entries in two halves, out of order."""
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=10, retry=Retry(NoBackoff(), 0))


def drain_client() -> redis.Redis:
    return _drain_client(conf.SCRIPTING_REDIS_URL)


class Script:
    """A Lua script, loaded into Redis when it is first needed there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._registered: dict[int, Any] = {}

    def __call__(self, keys: Sequence[str], arguments: Sequence[Any], client: redis.Redis) -> Any:
        script = self._registered.get(id(client))
        if script is None:
            script = self._registered[id(client)] = client.register_script(self._text)
        return script(keys, arguments)


# -- publishing ----------------------------------------------------------------------------------------------------------

# KEYS: names of streams, then entries and flag of each stream. ARGV: number of streams, then name and job of each, then
# (number of the stream, envelope) of each entry. Answers the numbers of the streams that need their job enqueued.
_append = Script("""
local streams = tonumber(ARGV[1])
for i = 2 + 2 * streams, #ARGV, 2 do
  redis.call('XADD', KEYS[2 * tonumber(ARGV[i])], '*', 'e', ARGV[i + 1])
end
local wanted = {}
for s = 1, streams do
  redis.call('SADD', KEYS[1], ARGV[2 * s])
  if redis.call('SET', KEYS[2 * s + 1], ARGV[2 * s + 1], 'NX') then wanted[#wanted + 1] = s end
end
return wanted
""")


def append(entries: Iterable[tuple[Stream, bytes]]) -> list[tuple[Stream, str]]:
    """Add (stream, envelope) pairs, all at once and in order; acknowledged by Redis when this returns.

    Answers the streams that no drain job answered for yet, each with the id under which the caller must enqueue one.
    Raises redis.RedisError; whether the entries were added is then unknown.
    """
    numbers: dict[Stream, int] = {}
    pairs: list[Any] = []
    for stream, envelope in entries:
        pairs += [numbers.setdefault(stream, len(numbers) + 1), envelope]
    if not pairs:
        return []
    keys: list[str] = [names_key()]
    head: list[Any] = [len(numbers)]
    jobs = []
    for stream in numbers:
        jobs.append((stream, new_job_id()))
        keys += [stream.entries, stream.flag]
        head += [stream.name, jobs[-1][1]]
    wanted = _append(keys, [*head, *pairs], redis_client())
    return [jobs[number - 1] for number in wanted]


def new_job_id() -> str:
    return f"drain-{secrets.token_hex(8)}"


# -- draining ------------------------------------------------------------------------------------------------------------

# KEYS: lease, entries, mark, deliveries, queue, generation keys. ARGV: token, milliseconds, how many, settled entries.
# Settling needs no lease: what is committed is committed, whoever did it.
_advance = Script("""
local counted = redis.call('EXISTS', KEYS[4]) == 1
for first = 4, #ARGV, 1000 do
  local last = math.min(first + 999, #ARGV)
  redis.call('XDEL', KEYS[2], unpack(ARGV, first, last))
  if counted then redis.call('HDEL', KEYS[4], unpack(ARGV, first, last)) end
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local flat = {}
if ARGV[3] ~= '0' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[3])) do
    flat[#flat + 1] = entry[1]
    flat[#flat + 1] = entry[2][2]
  end
  if #flat > 0 then redis.call('SET', KEYS[3], flat[#flat - 1]) end
end
return {flat, redis.call('MGET', KEYS[6], KEYS[7]), redis.call('LLEN', KEYS[5])}
""")

_renew = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

# KEYS: lease, entries, flag, mark, deliveries. Only an empty stream may be left without a job that answers for it.
_finish = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('XLEN', KEYS[2]) > 0 then return 0 end
redis.call('DEL', KEYS[1], KEYS[3], KEYS[4], KEYS[5])
return 1
""")

# KEYS: lease, flag, mark. ARGV: token, job. The mark goes: what is left was not begun.
_hand_over = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1], KEYS[3])
return 1
""")

# KEYS: entries, dead letters, deliveries. ARGV: entry id, stream, envelope, reason.
_set_aside = Script("""
redis.call('XADD', KEYS[2], '*', 'stream', ARGV[2], 'entry', ARGV[1], 'reason', ARGV[4], 'e', ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
""")


class Lease:
    """The right to drain a stream: one at a time holds it. Every method raises redis.RedisError when Redis is away."""

    def __init__(self, stream: Stream, owner: str) -> None:
        self.stream = stream
        self.token = f"{owner}|{secrets.token_hex(8)}"
        self.redelivered_to: bytes | None = None
        """The last entry that an earlier drain was given and did not give back."""
        self._client = drain_client()
        self._sure_until = 0.0

    @classmethod
    def take(cls, stream: Stream, owner: str) -> Lease | None:
        """The lease, or None while another drain has it."""
        lease = cls(stream, owner)
        lease._reconnect()
        asked = time.monotonic()
        if not lease._client.set(stream.lease, lease.token, nx=True, px=int(LEASE_SECONDS * 1000)):
            return None
        lease._renewed(asked)
        lease.redelivered_to = lease._client.get(stream.mark)  # type: ignore[assignment] # our clients answer bytes
        with _held_lock:
            _held.add(lease)
        return lease

    def _reconnect(self) -> None:
        """A connection that went stale while nothing was drained is renewed here, where that is harmless."""
        try:
            self._client.ping()
        except redis.ConnectionError:
            self._client.ping()

    def read(self, count: int, settled: Sequence[bytes] = ()) -> Read:
        """Settle entries (their executions are committed) and look at the first `count` of the rest. Raises LeaseLost."""
        stream = self.stream
        asked = time.monotonic()
        answer = _advance(
            [stream.lease, stream.entries, stream.mark, stream.deliveries, queue_key(), *generation_keys()],
            [self.token, int(LEASE_SECONDS * 1000), count, *settled],
            self._client,
        )
        if answer is None:
            raise LeaseLost(f"the lease of {stream.name} was taken over")
        self._renewed(asked)
        flat, generation, waiting = answer
        return Read(list(zip(flat[::2], flat[1::2], strict=True)), tuple(generation), waiting)

    def wait(self, seconds: float) -> None:
        """Return when the stream, which was empty, has an entry, or after `seconds`."""
        self._client.xread({self.stream.entries: "0-0"}, count=1, block=max(1, int(seconds * 1000)))

    def check(self) -> None:
        """Return only while nobody else can have the lease. Raises LeaseLost. Costs a round trip only when renewal is due."""
        if time.monotonic() > self._sure_until - LEASE_SECONDS / 2:
            self.renew()

    def renew(self) -> None:
        """Raises LeaseLost."""
        asked = time.monotonic()
        if not _renew([self.stream.lease], [self.token, int(LEASE_SECONDS * 1000)], self._client):
            raise LeaseLost(f"the lease of {self.stream.name} was taken over")
        self._renewed(asked)

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
            raise LeaseLost(f"the lease of {stream.name} was taken over")
        if done == 1:
            self.forget()
        return bool(done)

    def hand_over(self) -> str:
        """Give the lease back, with the rest of the stream, to a job that the caller must enqueue under this id.

        Raises LeaseLost.
        """
        job = new_job_id()
        if not _hand_over([self.stream.lease, self.stream.flag, self.stream.mark], [self.token, job], self._client):
            raise LeaseLost(f"the lease of {self.stream.name} was taken over")
        self.forget()
        return job

    def forget(self) -> None:
        """Renew no more: it runs out by itself."""
        with _held_lock:
            _held.discard(self)

    def count_delivery(self, entry: bytes, by: int = 1) -> int:
        """How often the entry was run alone, `by` added."""
        return int(self._client.hincrby(self.stream.deliveries, entry.decode(), by))

    def set_aside(self, entry: bytes, envelope: bytes, reason: str) -> None:
        """Move an entry to the dead letters."""
        stream = self.stream
        _set_aside(
            [stream.entries, dead_letters_key(), stream.deliveries],
            [entry, stream.name, envelope, reason],
            self._client,
        )


def set_aside_outgoing(row: str, envelope: bytes, reason: str) -> None:
    """Keep an outbox row that is no envelope among the dead letters. Raises redis.RedisError."""
    redis_client().xadd(dead_letters_key(), {"stream": "outbox", "entry": row, "reason": reason, "e": envelope})


_held: set[Lease] = set()
_held_lock = threading.Lock()


def renew_held() -> None:
    """Renew every lease of this process; the heartbeat's part in keeping them. Raises redis.RedisError."""
    with _held_lock:
        leases = list(_held)
    for lease in leases:
        try:
            lease.renew()
        except LeaseLost:
            lease.forget()  # its drain finds out by itself, before it commits


def position(entry: bytes) -> tuple[int, int]:
    """An entry id as something that compares as Redis compares it."""
    milliseconds, _, sequence = entry.partition(b"-")
    return int(milliseconds), int(sequence or 0)


# -- sweeping ------------------------------------------------------------------------------------------------------------

# KEYS: names, queue. ARGV: prefix of entries, flags, leases. Names are read first: none may be deleted meanwhile.
_conditions = Script("""
local found = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local flag = redis.call('GET', ARGV[2] .. name)
  local queued = 0
  if flag and redis.call('LPOS', KEYS[2], flag) then queued = 1 end
  found[#found + 1] = {
    name, redis.call('XLEN', ARGV[1] .. name), flag, redis.call('EXISTS', ARGV[3] .. name), queued
  }
end
return found
""")

# KEYS: flag, lease, entries. ARGV: the flag as it was seen, job. The first of several sweeps wins.
_answer_for = Script("""
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if redis.call('XLEN', KEYS[3]) == 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
""")


def conditions() -> list[Condition]:
    """Every stream as it is now. Raises redis.RedisError."""
    rows = _conditions(
        [names_key(), queue_key()], [key("events", ""), key("drain", ""), key("lease", "")], redis_client()
    )
    return sorted(
        (
            Condition(Stream.named(name.decode()), length, flag, bool(leased), bool(queued))
            for name, length, flag, leased, queued in rows
        ),
        key=lambda condition: condition.stream,
    )


def answer_for(stream: Stream, flag: bytes | None) -> str | None:
    """Put a new job in the place of the flag seen, if the stream still has entries and no lease: its id, to be enqueued."""
    job = new_job_id()
    done = _answer_for([stream.flag, stream.lease, stream.entries], [flag or b"", job], redis_client())
    return job if done else None
