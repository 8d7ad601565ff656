"""A few events of every topic as they happened, and how many there were: for people who make a rule on a topic that no script runs on yet.

Each process counts what it publishes and keeps the latest event of a topic; once a second it writes both to Redis, so that an event costs
no exchange of its own. What a topic calls sensitive is hidden before it is written. It is for looking: losing some of it loses nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis

from scripting import clock
from scripting.bus.events import Event
from scripting.modules.masking import mask_of_inputs
from scripting.modules.topics import topics
from scripting.storage.redis_client import key, redis_client

logger = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two writes of a process."""
KEPT = 50
"""Events of a topic."""
KEPT_SECONDS = 14 * 24 * 3600
MINUTES = 10
"""The latest minutes that a rate is taken from."""


@dataclass(frozen=True)
class Sample:
    """An event that happened, as people may read it."""

    id: str
    topic: str
    at: datetime
    key: str
    payload: dict[str, Any]


class _Waiting:
    """Samples that this process has not written yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.latest: dict[str, Event] = {}
        self.written = float("-inf")


_waiting = _Waiting()


def note(events: Iterable[Event]) -> None:
    """Count events that were published. Never raises."""
    with _waiting.lock:
        for event in events:
            _waiting.counts[event.topic] += 1
            _waiting.latest[event.topic] = event
    if time.monotonic() - _waiting.written >= EVERY:
        flush()


def flush() -> None:
    """Write what was counted. Never raises: without Redis it is given up."""
    with _waiting.lock:
        _waiting.written = time.monotonic()
        counts, latest = _waiting.counts, _waiting.latest
        if not counts:
            return
        _waiting.counts, _waiting.latest = Counter(), {}
    minute = _minute()
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for topic, event in latest.items():
                kept = _kept(topic)
                pipe.lpush(kept, _encoded(event))
                pipe.ltrim(kept, 0, KEPT - 1)
                pipe.expire(kept, KEPT_SECONDS)
            for topic, count in counts.items():
                pipe.hincrby(_counted(minute), topic, count)
            pipe.expire(_counted(minute), (MINUTES + 2) * 60)
            pipe.execute()
    except redis.RedisError as error:
        logger.debug("no samples kept: %s", error)


def of(topic: str) -> list[Sample]:
    """The events kept of a topic, the latest first; those that fit its schema no longer are left out. Raises redis.RedisError."""
    found = []
    kept: list[bytes] = redis_client().lrange(_kept(topic), 0, -1)  # type: ignore[assignment] # our clients answer bytes
    for data in kept:
        with contextlib.suppress(msgspec.DecodeError, ValueError, KeyError):
            event_id, at, event_key, payload = msgspec.msgpack.decode(data)
            fitting = topics.get(topic).validate(payload)
            found.append(Sample(event_id, topic, datetime.fromtimestamp(at / 1e6, UTC), event_key, fitting))
    return found


def rates() -> dict[str, float]:
    """Topic → events a minute, over the latest minutes. Raises redis.RedisError."""
    minute = _minute()
    with redis_client().pipeline(transaction=False) as pipe:
        for back in range(MINUTES):
            pipe.hgetall(_counted(minute - back))
        rows = pipe.execute()
    total: Counter[str] = Counter()
    for row in rows:
        for topic, count in row.items():
            total[topic.decode()] += int(count)
    return {topic: count / MINUTES for topic, count in total.items()}


def _encoded(event: Event) -> bytes:
    payload = mask_of_inputs(event.topic, event.payload).value(event.payload)
    return msgspec.msgpack.encode([event.id, event.published_us, event.key, payload])


def _minute() -> int:
    return int(clock.seconds() // 60)


def _kept(topic: str) -> str:
    return key("samples", topic)


def _counted(minute: int) -> str:
    return key("published", str(minute))
