"""Dead letters: entries that could be neither run nor recorded, kept in Redis until someone puts them back or deletes them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from scripting.bus import drain_queue, spread, streams
from scripting.bus.events import Event
from scripting.bus.streams import Stream
from scripting.storage.lua import LuaScript
from scripting.storage.redis_client import redis_client

OUTBOX = "outbox"
"""In place of a stream's name: the row of an event that was published, and is for every stream with a subscriber of it."""
_ID = re.compile(r"\d{1,20}-\d{1,20}")


class Unreadable(ValueError):
    """The entry is no event that could be run: the message says why."""


@dataclass(frozen=True)
class DeadLetter:
    """One entry, as it was set aside."""

    id: str
    stream: str
    """Where it was, `module:shard` or `outbox`."""
    entry: str
    """Its id there."""
    reason: str
    envelope: bytes

    @property
    def at(self) -> datetime:
        """When it was set aside; ids of Redis begin with the milliseconds since 1970."""
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)

    @functools.cached_property
    def event(self) -> Event | None:
        """The event in the bytes, if they are one."""
        try:
            return Event.decode(self.envelope)
        except msgspec.DecodeError:
            return None

    def destinations(self) -> list[Stream]:
        """The streams that it would be put into. Raises Unreadable where there are none."""
        event = self.event
        if event is None:
            raise Unreadable("Its bytes are no event, so it would only come back. Find out who wrote them.")
        subscribed = {module: None for module, _ in event.subscribers}
        module = self.stream.rpartition(":")[0]
        wanted = [m for m in subscribed if self.stream == OUTBOX or m == module]
        if not wanted:
            raise Unreadable("No script was to run on it, so there is nothing to put back.")
        return [Stream.of(each, event.key, event.id) for each in wanted]


def count() -> int:
    """How many there are. Raises redis.RedisError."""
    return int(redis_client().xlen(streams.dead_letters_key()))


def newest(before: str = "", size: int = 50) -> list[DeadLetter]:
    """At the most `size`, newest first, older than the one of id `before`. Raises redis.RedisError."""
    last = f"({before}" if _ID.fullmatch(before) else "+"
    found: Any = redis_client().xrevrange(streams.dead_letters_key(), max=last, count=size)
    return [_dead_letter(*row) for row in found]


def find(dead_letter: str) -> DeadLetter | None:
    """The one of this id, None if there is none (any longer). Raises redis.RedisError."""
    if not _ID.fullmatch(dead_letter):
        return None
    found: Any = redis_client().xrange(streams.dead_letters_key(), dead_letter, dead_letter)
    return _dead_letter(*found[0]) if found else None


def _dead_letter(key: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode("utf-8", "backslashreplace")

    return DeadLetter(key.decode(), text(b"stream"), text(b"entry"), text(b"reason"), fields.get(b"e", b""))


# KEYS: dead letters, names of streams, counts of the spread, then entries and flag of each stream. ARGV: dead letter, envelope, number of
# streams, name and job of each, then (module, count) of each. Answers the numbers of the streams that need their job enqueued, nothing
# where the dead letter is gone, and the text `spread` where a module has another count.
_put_back = LuaScript(
    spread.AS_KNOWN
    + """
local streams = tonumber(ARGV[3])
if is_spread_otherwise(KEYS[3], 4 + 2 * streams, (#ARGV - 3) / 2 - streams) then return 'spread' end
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return false end
local wanted = {}
for s = 1, streams do
  redis.call('SADD', KEYS[2], ARGV[2 * s + 2])
  redis.call('XADD', KEYS[2 * s + 2], '*', 'e', ARGV[2])
  if redis.call('SET', KEYS[2 * s + 3], ARGV[2 * s + 3], 'NX') then wanted[#wanted + 1] = s end
end
return wanted
"""
)


def put_back(dead_letter: DeadLetter) -> bool:
    """Move it to the end of its streams in one step; False if it is gone. Raises Unreadable and redis.RedisError.

    What it led to already is not repeated: an event takes effect once on a script.
    """
    wanted = [(stream, streams.new_job_id(stream)) for stream in dead_letter.destinations()]
    counts = {stream.module: spread.count(stream.module) for stream, _ in wanted}
    keys = [streams.dead_letters_key(), streams.names_key(), spread.counts_key()]
    arguments: list[Any] = [dead_letter.id, dead_letter.envelope, len(wanted)]
    for stream, job in wanted:
        keys += [stream.entries, stream.flag]
        arguments += [stream.name, job]
    jobs = _put_back(keys, [*arguments, *spread.told(counts)], redis_client())
    if jobs == b"spread":
        spread.look(counts)
        return put_back(dead_letter)
    for number in jobs or ():
        drain_queue.enqueue_quietly(*wanted[number - 1])
    return jobs is not None


def delete(dead_letter: DeadLetter) -> bool:
    """Delete it for good; False if it is gone already. Raises redis.RedisError."""
    return bool(redis_client().xdel(streams.dead_letters_key(), dead_letter.id))
