"""Who waits for an event is told its outcome when one of its streams has settled it: the event names an inbox, which is a channel of Redis.

Told after the commit, in the exchange that settles. The database stays the truth: messages may be lost, and of an outcome that is
too large, or that this drain did not record itself, only the event is named, which says that a look there is worth while.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
import redis
from redis.client import PubSub

from scripting.bus.events import Event
from scripting.storage.redis_client import briefly, key, redis_client

logger = logging.getLogger(__name__)

LARGEST = 16 << 10
"""Bytes of a result that is sent."""
LARGEST_TOGETHER = 256 << 10
"""Bytes of all results that one exchange sends."""
TAKES_OUTCOMES = "+"
"""Begins the name of an inbox whose owner understands outcomes; a process of an older release is sent the ids of events alone."""


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """The columns of an execution that tell its outcome. It travels between releases: a new one goes last and has a default."""

    event_id: str
    pk: UUID
    script__module: str
    script__name: str
    status: str
    version__number: int | None
    result: bytes | None
    error_type: str
    error_message: str
    error_script: str
    error_line: int | None
    error_column: int | None


Told = str | Decided
"""An outcome, or the id of an event whose outcome is to be looked up."""


def new_inbox() -> str:
    """A name for an inbox, to be put into events."""
    return TAKES_OUTCOMES + secrets.token_hex(8)


class Inbox:
    """Where a thread hears of the events that name it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._heard: PubSub | None = None

    def hear(self, seconds: float) -> list[Told]:
        """Hear the next message: what it tells; nothing where there is none within `seconds`, or sooner. Raises redis.RedisError."""
        try:
            message = (self._heard or self._open()).get_message(timeout=seconds)
        except redis.RedisError:
            self.close()
            raise
        return [] if message is None else _read(message["data"])

    def _open(self) -> PubSub:
        with briefly():
            self._heard = redis_client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._heard.subscribe(_channel(self._name))
        return self._heard

    def close(self) -> None:
        """Hear no more; `hear` begins anew."""
        if self._heard is not None:
            with contextlib.suppress(redis.RedisError):
                self._heard.close()
            self._heard = None


def messages(settled: Iterable[tuple[Event, Sequence[Decided]]]) -> list[str | bytes]:
    """Channel and message, in turn, that tell of those of the events which somebody waits for. An event without outcomes is named alone."""
    told: dict[str, list[Told]] = {}
    left = LARGEST_TOGETHER
    for event, outcomes in settled:
        if event.inbox:
            sizes = [len(each.result or b"") + len(each.error_message) for each in outcomes]
            small = max(sizes, default=0) <= LARGEST and sum(sizes) <= left
            if outcomes and small and event.inbox.startswith(TAKES_OUTCOMES):
                told.setdefault(event.inbox, []).extend(outcomes)
                left -= sum(sizes)
            else:
                told.setdefault(event.inbox, []).append(event.id)
    return [part for inbox, each in told.items() for part in (_channel(inbox), _encode(each))]


def _read(message: bytes) -> list[Told]:
    try:
        return _decoder.decode(message)
    except msgspec.DecodeError as error:  # of a later release; who waits looks all the same
        logger.debug("a message of settled events is not understood: %s", error)
        return []


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[Told])


def _channel(inbox: str) -> str:
    return key("settled", inbox)
