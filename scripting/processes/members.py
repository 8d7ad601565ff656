"""The live processes and what each has loaded, kept in Redis: who runs which version of a script now."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from scripting import clock
from scripting.processes import generation, place
from scripting.processes.generation import Generation
from scripting.storage.database_clock import off_by
from scripting.storage.full_redis import IN_FULL
from scripting.storage.line import Line
from scripting.storage.lua import Asked, Call, LuaScript, together
from scripting.storage.redis_client import key, redis_client

HEARTBEAT_SECONDS = 1.0
STALE_SECONDS = 2.5
"""A process that was not heard of for so long is shown as stale: stopped, stuck or dead."""
CLOCK_SECONDS = 5.0
"""A host's clock that is off by less is not told of: the heartbeat may have been on its way for that long."""
KEEP_SECONDS = 60
"""After this without a word a process is no longer listed. One that comes back lists itself again."""

VITALS = ("sandboxes", "busy", "forks", "kills", "places")
"""Sandboxes that a process has now, those that run something, those it ever started, those it ended by killing, and how many it may have."""

KNOWS_SPREAD = "spread"
"""A field of each process that asks Redis over how many streams keys are spread; one of an older release goes by its setting."""
_SCRIPT = "="
"""Begins the fields that hold what is loaded, so that no script's name can be taken for another field."""

# KEYS: all processes, this one. ARGV: name, milliseconds to keep, then fields and their values; a value that ends with "@"
# gets the time of Redis behind it, an empty one is removed. Answers 0, and does nothing, if the process is not listed.
_write = LuaScript(
    IN_FULL
    + """
if redis.call('EXISTS', KEYS[2]) == 0 and ARGV[3] ~= 'kind' then return 0 end
local t = redis.call('TIME')
local now = string.format('%d.%06d', t[1], t[2])
for i = 3, #ARGV, 2 do
  local value = ARGV[i + 1]
  if value == '' then redis.call('HDEL', KEYS[2], ARGV[i])
  elseif string.sub(value, -1) == '@' then redis.call('HSET', KEYS[2], ARGV[i], value .. now)
  else redis.call('HSET', KEYS[2], ARGV[i], value) end
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (t[1] - ARGV[2] / 1000))
return 1
"""
)


@dataclass(frozen=True)
class LoadedVersion:
    """A version that a process has loaded: every later run of it is on this one or a newer one."""

    number: int
    digest: str
    """Of the bundle: the script with its helpers."""
    at: float = 0.0
    """Seconds since 1970 UTC by the clock of Redis, when it was acknowledged."""


# -- being one of them ---------------------------------------------------------------------------------------------------


class Membership:
    """This process's entry. Every method raises redis.RedisError when Redis is unavailable; the next `beat` makes up for it."""

    def __init__(self, kind: str, vitals: Callable[[], Mapping[str, int]] = dict) -> None:
        self.kind = kind
        self._vitals = vitals
        """Figures of this process, by the names of VITALS, told with every beat."""
        self.name = place.start_name()
        self.started = clock.seconds()
        self.on_beat: Callable[[Generation, int | None], None] = lambda _generation, _mark: None
        """Told the generation and the database's mark with every beat."""
        self._loaded: dict[str, LoadedVersion] = {}
        self._lock = threading.Lock()
        self._left = False
        self._line = Line()
        """For acknowledgements, which all processes of a fleet give at the same moment."""

    def beat(self, also: Sequence[Call] = ()) -> list[Any]:
        """Say that this process lives; all of its entry if Redis has lost it. The answers to calls made in the same exchange."""
        vitals = {name: str(value) for name, value in self._vitals().items()} | {"clock": f"{time.time():.3f}"}
        with self._lock:
            own = [] if self._left else [self._writing(vitals)]
            answers = together([*own, generation.reading(), *also], redis_client())
            if own and not answers.pop(0):
                where = {"host": place.host(), "container": place.container()}
                described = {"kind": self.kind, "started": repr(self.started), **where, KNOWS_SPREAD: "1"}
                self._write({**described, **vitals, **_fields(self._loaded)}, redis_client())
        self.on_beat(*generation.heard(answers[0]))
        return answers[1:]

    def acknowledge(self, loaded: Mapping[str, LoadedVersion | None]) -> None:
        """Say which version of these scripts (module/name) is loaded; None: there is none any longer."""
        with self._lock:
            for script, version in loaded.items():
                if version is None:
                    self._loaded.pop(script, None)
                else:
                    self._loaded[script] = version
            known = self._write(_fields(loaded), self._line) if loaded and not self._left else True
        if not known:
            self.beat()

    def leave(self) -> None:
        """Be listed no longer."""
        with self._lock:
            self._left = True
            self._line.close()
            with redis_client().pipeline() as pipe:
                pipe.delete(_entry(self.name))
                pipe.zrem(_all(), self.name)
                pipe.execute()

    def _write(self, fields: Mapping[str, str], asked: Asked) -> bool:
        return bool(together([self._writing(fields)], asked)[0])

    def _writing(self, fields: Mapping[str, str]) -> Call:
        arguments = [part for pair in fields.items() for part in pair]
        return Call(_write, [_all(), _entry(self.name)], [self.name, KEEP_SECONDS * 1000, *arguments])


class Heartbeat:
    """A thread that calls `beat` each second until it is ended; what it raises of Redis is left to the next one."""

    def __init__(self, beat: Callable[[], object]) -> None:
        self._beat = beat
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(HEARTBEAT_SECONDS + 1)

    def _run(self) -> None:
        while True:
            with contextlib.suppress(redis.RedisError):  # whoever looks sees the process grow stale
                self._beat()
            if self._ended.wait(HEARTBEAT_SECONDS):
                return


def _fields(loaded: Mapping[str, LoadedVersion | None]) -> dict[str, str]:
    return {
        _SCRIPT + script: "" if version is None else f"{version.number} {version.digest} {version.at or '@'}"
        for script, version in loaded.items()
    }


def _all() -> str:
    return key("processes")


def _entry(name: str) -> str:
    return key("process", name)


# KEYS: all processes. ARGV: prefix of their entries, seconds after which one is stale, the field of those that know the spread. A process
# that is stale may come back, so it is asked too whether it knows.
_muster = LuaScript("""
local t = redis.call('TIME')
local workers, older = 0, 0
local listed = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #listed, 2 do
  local kind, knows = unpack(redis.call('HMGET', ARGV[1] .. listed[i], 'kind', ARGV[3]))
  if kind == 'worker' and t[1] - listed[i + 1] < tonumber(ARGV[2]) then workers = workers + 1 end
  if kind and not knows then older = older + 1 end
end
return {workers, older}
""")


def mustering() -> Call:
    """A call that counts live workers, and processes that do not know the spread, to be made along with others."""
    return Call(_muster, [_all()], [_entry(""), STALE_SECONDS, KNOWS_SPREAD])


# -- looking at them -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Process:
    """A process as it is listed."""

    name: str
    kind: str
    """`web`, `worker`, `watcher`, `director`, …"""
    started: float
    age: float
    """Seconds since its last heartbeat."""
    host: str = ""
    container: str = ""
    """Empty for a process that is in none."""
    loaded: Mapping[str, LoadedVersion] = field(default_factory=dict)
    vitals: Mapping[str, int] = field(default_factory=dict)
    """By the names of VITALS; of a process that runs no scripts there are none."""
    ahead: float = 0.0
    """Seconds by which its host's clock was ahead of Redis' at the last heartbeat, to about a second."""

    @property
    def is_stale(self) -> bool:
        return self.age >= STALE_SECONDS

    @property
    def clock_words(self) -> str:
        """By how much its host's clock is wrong; empty where it is not worth a word."""
        return off_by(self.ahead) if abs(self.ahead) >= CLOCK_SECONDS else ""


def everyone(scripts: Collection[str] | None = None) -> list[Process]:
    """Every process that is listed, with what it has loaded of these scripts (None: of all), oldest first.

    Raises redis.RedisError.
    """
    client = redis_client()
    with client.pipeline(transaction=False) as pipe:
        pipe.zrange(_all(), 0, -1, withscores=True)
        pipe.time()
        listed, (seconds, micros) = pipe.execute()
        now = seconds + micros / 1e6
        wanted = ["kind", "started", "host", "container", "clock", *(_SCRIPT + script for script in scripts or ())]
        for name, _ in listed:
            entry = _entry(name.decode())
            pipe.hgetall(entry) if scripts is None else pipe.hmget(entry, wanted)
        rows = pipe.execute()
    if scripts is not None:
        rows = [{name.encode(): value for name, value in zip(wanted, row, strict=True)} for row in rows]
    found = [
        _process(name.decode(), now, heard, row)
        for (name, heard), row in zip(listed, rows, strict=True)
        if row.get(b"kind") is not None
    ]
    return sorted(found, key=lambda process: (process.started, process.name))


def _process(name: str, now: float, heard: float, row: Mapping[bytes, bytes | None]) -> Process:
    loaded = {}
    for field_name, value in row.items():
        script = field_name.decode()
        if script.startswith(_SCRIPT) and value is not None:
            number, digest, at = value.decode().split(" ")
            loaded[script.removeprefix(_SCRIPT)] = LoadedVersion(int(number), digest, float(at.removeprefix("@")))
    vitals = {name: int(value) for name in VITALS if (value := row.get(name.encode())) is not None}
    kind, host, container = ((row.get(field) or b"").decode() for field in (b"kind", b"host", b"container"))
    age, ahead = max(0.0, now - heard), float(row.get(b"clock") or heard) - heard
    return Process(name, kind, float(row[b"started"] or 0), age, host, container, loaded, vitals, ahead)
