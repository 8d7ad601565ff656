"""Who waits for an event is told when one of its streams has settled it: the event names an inbox, which is a channel of Redis.

Told after the commit, in the exchange that settles. It says only that a look is worth while: what was decided is in the database.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import msgspec
import redis
from redis.client import PubSub

from scripting.bus.events import Event
from scripting.storage.redis_client import briefly, key, redis_client


class Inbox:
    """Where a thread hears of the events that name it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._heard: PubSub | None = None

    def hear(self, seconds: float) -> set[str]:
        """The ids of events told by now; where there are none, the first within `seconds`. Raises redis.RedisError."""
        try:
            return self._hear(self._heard or self._open(), seconds)
        except redis.RedisError:
            self.close()
            raise

    def _open(self) -> PubSub:
        with briefly():
            self._heard = redis_client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._heard.subscribe(_channel(self._name))
        return self._heard

    def _hear(self, heard: PubSub, seconds: float) -> set[str]:
        ids: set[str] = set()
        until = time.monotonic() + seconds
        while True:
            message = heard.get_message(timeout=0.0 if ids else max(0.0, until - time.monotonic()))
            if message is not None:
                ids.update(msgspec.msgpack.decode(message["data"], type=list[str]))
            elif ids or time.monotonic() >= until:
                return ids

    def close(self) -> None:
        """Hear no more; `hear` begins anew."""
        if self._heard is not None:
            with contextlib.suppress(redis.RedisError):
                self._heard.close()
            self._heard = None


def messages(events: Iterable[Event]) -> list[str | bytes]:
    """Channel and message, in turn, that tell of those of the events which somebody waits for."""
    told: dict[str, list[str]] = {}
    for event in events:
        if event.inbox:
            told.setdefault(event.inbox, []).append(event.id)
    return [part for inbox, ids in told.items() for part in (_channel(inbox), msgspec.msgpack.encode(ids))]


def _channel(inbox: str) -> str:
    return key("settled", inbox)
