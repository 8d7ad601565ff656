"""The present state: processes with their sandboxes, streams with their backlog, executions that run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import redis

from scripting import clock
from scripting.bus import streams
from scripting.bus.streams import Stream
from scripting.execution.running import RunningExecution, running_everywhere
from scripting.models import OutboxEvent
from scripting.processes import members
from scripting.processes.members import Process
from scripting.storage.redis_client import briefly, redis_client
from scripting.workers import heartbeat

LATE_SECONDS = 10.0
"""Where workers keep up an event waits for milliseconds; behind a worker that died, for some seconds."""


@dataclass(frozen=True)
class Waiting:
    """A stream as it stands. `age` is of its oldest entry, in seconds."""

    stream: Stream
    length: int
    age: float
    drained: bool


@dataclass(frozen=True)
class Running:
    """An execution that runs now."""

    line: RunningExecution
    seconds: float


@dataclass(frozen=True)
class Snapshot:
    """All of it, at one moment."""

    processes: list[Process]
    workers: list[str]
    streams: list[Waiting]
    running: list[Running]
    dead_letters: int
    outbox: int

    @property
    def waiting(self) -> list[Waiting]:
        """The streams that have entries."""
        return [stream for stream in self.streams if stream.length]

    @property
    def backlog(self) -> int:
        """Events accepted and not yet executed."""
        return sum(stream.length for stream in self.streams)

    @property
    def oldest(self) -> float:
        """Age of the oldest of them, in seconds."""
        return max((stream.age for stream in self.streams), default=0.0)

    @property
    def is_late(self) -> bool:
        """Whether an event has waited for longer than it does where workers keep up."""
        return self.oldest > LATE_SECONDS

    def total(self, vital: str) -> int:
        """The sum of one of `processes.VITALS` over the live processes."""
        return sum(process.vitals.get(vital, 0) for process in self.processes if not process.is_stale)

    @property
    def sandboxes(self) -> int:
        return self.total("sandboxes")

    @property
    def busy(self) -> int:
        return self.total("busy")


def look() -> Snapshot | None:
    """None while Redis, which knows all this, is unavailable or answers late."""
    with briefly(), contextlib.suppress(redis.RedisError):
        client = redis_client()
        now = clock.seconds()
        return Snapshot(
            members.everyone(),
            heartbeat.live_workers(),
            _waiting(client),
            [Running(line, max(0.0, now - line.started)) for line in running_everywhere()],
            client.xlen(streams.dead_letters_key()),
            OutboxEvent.objects.count(),
        )
    return None


def _waiting(client: redis.Redis) -> list[Waiting]:
    found = streams.conditions()
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        for condition in found:
            pipe.xrange(condition.stream.entries, count=1)
        (seconds, micros), *firsts = pipe.execute()
    now = seconds + micros / 1e6
    return [
        Waiting(c.stream, c.length, _age(first, now), c.leased or c.queued)
        for c, first in zip(found, firsts, strict=True)
    ]


def _age(first: list[tuple[bytes, object]], now: float) -> float:
    """An entry's id begins with the milliseconds since 1970 at which it was added."""
    return max(0.0, now - int(first[0][0].split(b"-")[0]) / 1000) if first else 0.0
