"""The Redis streams that events travel in: their keys, appending to them, and what the sweep sees of them.

There are no consumer groups: one drain at a time reads a stream, and the lease says which. An entry stays in its stream until
its execution is committed, so what a dead drain had in hand is simply still there, at the head and in order. (Groups would
add a second list of the same entries, which Redis 6.2 fills with deleted ones, and would let a drain that comes back from the
dead take entries before it learns that its lease is gone.)
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from scripting.bus import spread
from scripting.bus.spread import SpreadChanged
from scripting.conf import QUEUE, conf
from scripting.storage.full_redis import IN_FULL
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import key, redis_client


class Stream(msgspec.Struct, frozen=True, order=True, gc=False):
    """The stream of one shard of a module's events."""

    module: str
    shard: int

    @staticmethod
    def of(module: str, ordering_key: str, event_id: str) -> Stream:
        """The stream of an event: by its ordering key, or spread by id without one; as far as this process knows the spread."""
        return Stream(module, spread.shard(module, ordering_key, event_id))

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


def calls_key() -> str:
    """The stream whose entries wake drains that linger. It holds the last one alone."""
    return key("calls")


def queue_key() -> str:
    """RQ's list of waiting jobs."""
    return f"rq:queue:{conf.queue(QUEUE)}"


# -- publishing ----------------------------------------------------------------------------------------------------------

# KEYS: names of streams, counts of the spread, then entries and flag of each stream. ARGV: number of streams, then name and job of each,
# then (number of the stream, envelope) of each entry, then (module, count) of each module, and at the end how many modules that are and
# how many entries a stream may have (0: any number). The number is followed by a line with the event's id and lines with its group where
# the latest of a group alone needs to run: a hash beside the stream then tells which that is. Answers the numbers of the streams that need their job enqueued. Adds nothing and
# answers the text `full` where a stream would have more, `spread` where a module has another count.
_append = LuaScript(
    spread.AS_KNOWN
    + """
local streams = tonumber(ARGV[1])
local most = tonumber(table.remove(ARGV))
local modules = tonumber(table.remove(ARGV))
local last = #ARGV - 2 * modules
for s = 1, most > 0 and streams or 0 do
  if redis.call('XLEN', KEYS[1 + 2 * s]) >= most then return 'full ' .. ARGV[2 * s] end
end
if is_spread_otherwise(KEYS[2], last + 1, modules) then return 'spread' end
for i = 2 + 2 * streams, last, 2 do
  local s = tonumber(ARGV[i])
  if s then
    redis.call('XADD', KEYS[1 + 2 * s], '*', 'e', ARGV[i + 1])
  else
    local number, event, group = string.match(ARGV[i], '^(%d+)\\n([^\\n]*)\\n(.*)$')
    local entries = KEYS[1 + 2 * tonumber(number)]
    local id = redis.call('XADD', entries, '*', 'e', ARGV[i + 1], 'l', group)
    redis.call('HSET', entries .. ':latest', group, id .. ' ' .. event)
  end
end
local wanted = {}
for s = 1, streams do
  redis.call('SADD', KEYS[1], ARGV[2 * s])
  if redis.call('SET', KEYS[2 + 2 * s], ARGV[2 * s + 1], 'NX') then wanted[#wanted + 1] = s end
end
return wanted
"""
)


class StreamFull(Exception):
    """Nothing was added: so many entries as a stream may have wait in `stream` already."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(f"the stream {stream.name} is full")
        self.stream = stream


def append_by_key(events: Sequence[tuple[str, str, str, bytes, str]], *, most: int = 0) -> list[tuple[Stream, str]]:
    """`append` of (module, ordering key, event id, envelope, group), each to the stream that its key has at that moment.

    The group is that of `Event.group`.
    """
    modules = {module for module, *_ in events}
    while True:
        counts = {module: spread.count(module) for module in modules}
        entries = [
            (Stream(module, spread.shard_among(counts[module], key, event)), envelope)
            for module, key, event, envelope, _ in events
        ]
        groups = {place: f"\n{event}\n{group}" for place, (_, _, event, _, group) in enumerate(events) if group}
        try:
            return append(entries, most=most, counts=counts, groups=groups)
        except SpreadChanged:
            spread.look(modules)


def append(
    entries: Iterable[tuple[Stream, bytes]],
    *,
    most: int = 0,
    counts: Mapping[str, int] = MappingProxyType({}),
    groups: Mapping[int, str] = MappingProxyType({}),
) -> list[tuple[Stream, str]]:
    """Add (stream, envelope) pairs, all at once and in order; acknowledged by Redis when this returns.

    `groups` has the place of each of which the latest alone needs to run, with event id and group as `_append` takes them.
    Answers the streams that no drain job answered for yet, each with the id under which the caller must enqueue one.
    Raises StreamFull where `most` entries (0: any number) wait in one of the streams; SpreadChanged where a module of `counts` has
    another number of streams; redis.RedisError, and whether the entries were added is then unknown.
    """
    numbers: dict[Stream, int] = {}
    pairs: list[Any] = []
    for stream, envelope in entries:
        pairs += [numbers.setdefault(stream, len(numbers) + 1), envelope]
    if not pairs:
        return []
    for place, group in groups.items():
        pairs[2 * place] = f"{pairs[2 * place]}{group}"
    keys: list[str] = [names_key(), spread.counts_key()]
    head: list[Any] = [len(numbers)]
    jobs = []
    for stream in numbers:
        jobs.append((stream, new_job_id(stream)))
        keys += [stream.entries, stream.flag]
        head += [stream.name, jobs[-1][1]]
    wanted = _append(keys, [*head, *pairs, *spread.told(counts), len(counts), most], redis_client())
    if wanted == b"spread":
        raise SpreadChanged
    if isinstance(wanted, bytes):
        raise StreamFull(Stream.named(wanted.decode().removeprefix("full ")))
    return [jobs[number - 1] for number in wanted]


# -- jobs ----------------------------------------------------------------------------------------------------------------


def new_job_id(stream: Stream) -> str:
    """An id for a drain job of the stream, which it names: RQ's letters, figures, `_` and `-` are enough for that."""
    return f"drain-{stream.module}-{stream.shard}-{secrets.token_hex(8)}"


MOST_JOBS = 1024
"""Waiting jobs among which the next one is chosen."""

# KEYS: queue, turns. ARGV: prefix of RQ's jobs, how many are looked at, seconds of a turn, module that the caller had a drain of, seconds
# that it took over what was reckoned, 1 if nothing of another module is wanted, then (module, share) of each module. Start-time fair
# queueing: a module's turn begins where its last one ended, but not before the latest turn that was given, so that nobody saves up
# turns; the earliest is next. Where a job of another kind is the first, nothing is taken: it is RQ's.
_take_job = LuaScript("""
local share, modules = {}, 0
for i = 7, #ARGV, 2 do share[ARGV[i]], modules = tonumber(ARGV[i + 1]), modules + 1 end
local function turn(module) return tonumber(redis.call('HGET', KEYS[2], module) or 0) end
local function until_(module, from, seconds)
  redis.call('HSET', KEYS[2], module, string.format('%.6f', from + seconds / (share[module] or 1)))
end
local jobs = redis.call('LRANGE', KEYS[1], 0, ARGV[2] - 1)
local latest, found, known, job, module, from = turn(''), {}, 0, nil, nil, nil
if jobs[1] and string.sub(jobs[1], 1, 6) == 'drain-' then
  for _, each in ipairs(jobs) do
    local name = string.match(each, '^drain%-([^-]+)%-')
    if name and not found[name] then
      found[name] = true
      known = known + 1
      local begins = math.max(latest, turn(name))
      if name == ARGV[4] then begins = math.max(latest, turn(name) + ARGV[5] / (share[name] or 1)) end
      if not from or begins < from then job, module, from = each, name, begins end
      if known == modules then break end
    end
  end
end
if ARGV[6] == '1' and module ~= ARGV[4] then return false end
if job then
  redis.call('LREM', KEYS[1], 1, job)
  redis.call('DEL', ARGV[1] .. job)
end
if not job then return false end
if ARGV[4] ~= '' then until_(ARGV[4], math.max(latest, turn(ARGV[4])), tonumber(ARGV[5])) end
until_(module, from, tonumber(ARGV[3]))
redis.call('HSET', KEYS[2], '', string.format('%.6f', from))
return job
""")


def take_job(
    shares: Mapping[str, float], turn: float, had: str = "", over: float = 0.0, *, same: bool = False
) -> Stream | None:
    """Take the drain job whose module's turn it is from RQ, as if it had never been enqueued: its stream, for who is in a drain job already.

    `shares` are the modules' shares of time; `turn` is the seconds that this turn is reckoned at, `over` those that the caller's last
    one, of module `had`, took over what it was reckoned at. With `same` nothing is taken unless it is of `had`. Raises redis.RedisError. Should the caller die before it has the lease, the
    sweep sees to the stream.
    """
    told = [part for pair in shares.items() for part in pair]
    job = _take_job(
        [queue_key(), key("turns")], ["rq:job:", MOST_JOBS, turn, had, f"{over:.6f}", int(same), *told], redis_client()
    )
    if job is None:
        return None
    _, module, shard, _ = job.decode().split("-")
    return Stream(module, int(shard))


def call() -> None:
    """Wake the drains that linger at empty streams: a job waits. Raises redis.RedisError."""
    redis_client().xadd(calls_key(), {"job": ""}, maxlen=1, approximate=False)


def set_aside_outgoing(row: str, envelope: bytes, reason: str) -> None:
    """Keep an outbox row that is no envelope among the dead letters. Raises redis.RedisError."""
    redis_client().xadd(dead_letters_key(), {"stream": "outbox", "entry": row, "reason": reason, "e": envelope})


# -- sweeping ------------------------------------------------------------------------------------------------------------

# KEYS: names, queue. ARGV: prefix of entries, flags, leases. Names are read first: none may be deleted meanwhile.
_conditions = LuaScript("""
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
_answer_for = LuaScript(
    IN_FULL
    + """
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if redis.call('XLEN', KEYS[3]) == 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
)

# KEYS: names. ARGV: prefix of entries, flags, leases, end of the new jobs' ids, then how each owner's leases begin. Answers
# (stream, job, the job before) of those that need their job enqueued.
_take_over = LuaScript(
    IN_FULL
    + """
local found = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local token = redis.call('GET', ARGV[3] .. name)
  for i = 5, token and #ARGV or 0 do
    if string.sub(token, 1, #ARGV[i]) == ARGV[i] then
      redis.call('DEL', ARGV[3] .. name)
      local before = redis.call('GET', ARGV[2] .. name)
      if redis.call('XLEN', ARGV[1] .. name) == 0 then
        redis.call('DEL', ARGV[2] .. name)
      else
        local job = 'drain-' .. string.gsub(name, ':', '-') .. '-' .. ARGV[4]
        redis.call('SET', ARGV[2] .. name, job)
        found[#found + 1] = {name, job, before}
      end
      break
    end
  end
end
return found
"""
)


def take_over(owners: Collection[str]) -> list[tuple[Stream, str, bytes | None]]:
    """End the leases of owners of whom the caller knows that they drain nothing any more. What they had in hand counts as redelivered.

    Answers the streams that have entries, each with the id under which the caller must enqueue a job, and that of the job before.
    Raises redis.RedisError.
    """
    prefixes = [key("events", ""), key("drain", ""), key("lease", "")]
    arguments = [*prefixes, secrets.token_hex(8), *(f"{owner}|" for owner in owners)]
    found = _take_over([names_key()], arguments, redis_client()) if owners else []
    return [(Stream.named(name.decode()), job.decode(), before) for name, job, before in found]


def conditions() -> list[Condition]:
    """Every stream as it is now. Raises redis.RedisError."""
    return found_by(together([looking()], redis_client())[0])


def looking() -> Call:
    """A call that looks at every stream, to be made along with others: `found_by` reads its answer."""
    return Call(_conditions, [names_key(), queue_key()], [key("events", ""), key("drain", ""), key("lease", "")])


def found_by(rows: Sequence[Any]) -> list[Condition]:
    """Every stream as the answer to `looking` tells it."""
    return sorted(
        (
            Condition(Stream.named(name.decode()), length, flag, bool(leased), bool(queued))
            for name, length, flag, leased, queued in rows
        ),
        key=lambda condition: condition.stream,
    )


def answer_for(stream: Stream, flag: bytes | None) -> str | None:
    """Put a new job in the place of the flag seen, if the stream still has entries and no lease: its id, to be enqueued."""
    job = new_job_id(stream)
    done = _answer_for([stream.flag, stream.lease, stream.entries], [flag or b"", job], redis_client())
    return job if done else None
