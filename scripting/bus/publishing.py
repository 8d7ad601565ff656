"""The message bus: events are validated, their subscribers fixed, and handed to Redis; the outbox is relayed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import redis

from scripting import clock
from scripting.bus import samples, streams
from scripting.bus.drain_queue import enqueue_quietly
from scripting.bus.events import Event
from scripting.conf import conf
from scripting.models.ids import uuid7_text, uuid7_texts
from scripting.modules.installed import modules
from scripting.modules.simulation import MAX_DICE
from scripting.modules.topics import NOT_PLAIN, Topic, TopicError, topics
from scripting.sandbox.protocol import ValueProblem, encode_value, scan_value
from scripting.storage.full_redis import OutOfMemoryError, has_room
from scripting.storage.redis_client import redis_client, within
from scripting.storage.redis_errors import RedisRefused, code_of
from scripting.subscriptions.subscribed import SubscriptionsByTopic, table
from scripting.telemetry import spans

logger = logging.getLogger(__name__)

MAX_EVENT_BYTES = 1 << 20
"""A payload larger than this is refused: it would have to pass through Redis, the sandbox and a row of the database."""
MAX_PAYLOAD_DEPTH = 32
"""Containers inside one another: the context that carries the payload to a script adds its own."""
OVERLOADED_SECONDS = 5
"""Seconds after which a publisher that was refused is to come back."""
APPEND = 256
"""Events that one exchange with Redis carries when many are published."""

_MAX_LENGTH = {"event_id": 64, "key": 128, "user_id": 150, "request_id": 64, "dice": MAX_DICE}
"""Lengths that the columns of Execution hold: every accepted event must be recordable. No column holds `dice`."""


# -- publishing ----------------------------------------------------------------------------------------------------------


class Message(msgspec.Struct, frozen=True):
    """An event to be published; see `publish` for the meaning of each field."""

    topic: str
    payload: Mapping[str, Any]
    key: str = ""
    user_id: str = ""
    metadata: Mapping[str, Any] = {}
    event_id: str | None = None
    request_id: str = ""
    dice: str = ""


def publish(
    topic: str,
    payload: Mapping[str, Any],
    *,
    key: str = "",
    user_id: str = "",
    metadata: Mapping[str, Any] | None = None,
    event_id: str | None = None,
    request_id: str = "",
    dice: str = "",
    timeout: float | None = None,
) -> str:
    """Publish an event at once, whatever becomes of the caller's transaction: its id, once Redis has acknowledged it.

    Events of one `key` run one at a time, in the order published. An `event_id` of the caller's makes publishing idempotent:
    what was published twice takes effect once. With `dice`, the seeds of its runs and of all that follows derive from that text:
    the same text, the same throws. Without a subscriber the event is accepted and nothing happens. Raises TopicError
    for a topic that is not defined or a payload that does not fit, Overloaded where too many events wait already, NotAcknowledged where
    Redis took longer than `timeout` seconds (SCRIPTING_PUBLISH_SECONDS), and another redis.RedisError where it failed at once. Whether
    the event was accepted is unknown after the last two: publish it again under the same id.
    """
    seconds = conf.SCRIPTING_PUBLISH_SECONDS if timeout is None else timeout
    with spans.span(f"publish {topic}", "producer") as span, within(seconds):
        event = make_event(
            topic,
            payload,
            key=key,
            user_id=user_id,
            metadata=metadata,
            event_id=event_id,
            request_id=request_id,
            dice=dice,
            traceparent=span.traceparent,
        )
        span.add(spans.messaging("publish", topic) | {"messaging.message.id": event.id})
        send([event], seconds)
    return event.id


def publish_many(messages: Iterable[Message], *, timeout: float | None = None) -> list[str]:
    """Publish many events in order, APPEND at a time, for which Redis has `timeout` seconds each: their ids.

    Raises as `publish` does; those before stay published.
    """
    ids: list[str] = []
    left = iter(messages)
    while chunk := list(islice(left, APPEND)):
        subscriptions = SubscriptionsByTopic()
        events = [
            make_event(
                message.topic,
                message.payload,
                key=message.key,
                user_id=message.user_id,
                metadata=message.metadata,
                event_id=message.event_id,
                request_id=message.request_id,
                dice=message.dice,
                traceparent=spans.created(message.topic),
                subscriptions=subscriptions,
                new_id=new_id,
            )
            for message, new_id in zip(chunk, uuid7_texts(len(chunk)), strict=True)
        ]
        send(events, timeout)
        ids += [event.id for event in events]
    return ids


def make_event(
    topic: str,
    payload: Mapping[str, Any],
    *,
    key: str = "",
    user_id: str = "",
    metadata: Mapping[str, Any] | None = None,
    depth: int = 0,
    cause: str = "",
    request_id: str = "",
    event_id: str | None = None,
    dice: str = "",
    traceparent: str = "",
    subscriptions: SubscriptionsByTopic | None = None,
    new_id: str = "",
) -> Event:
    """A valid event with its subscribers fixed, not yet published. Raises TopicError, which says what to change.

    It may be deeper than `max_depth`: whoever would send it then records it as refused. Who makes many gives the
    same `subscriptions` to all, and an id for one that has no `event_id`.
    """
    known = topics.get(topic)
    valid = _checked(known, payload)
    subscribers = (table.of(topic) if subscriptions is None else subscriptions[topic]).of(valid)
    event = Event(
        id=event_id if event_id is not None else new_id or uuid7_text(),
        topic=topic,
        payload=valid,
        subscribers=subscribers,
        first=(len(subscribers) > 1 and modules.first_decides(topic, subscribers)) or msgspec.UNSET,
        key=key,
        user_id=user_id,
        metadata=_plain_metadata(topic, metadata) if metadata else {},
        depth=depth,
        cause=cause,
        request_id=request_id,
        published_us=clock.time_ns() // 1000,
        dice=dice,
        traceparent=traceparent or msgspec.UNSET,
        latest=known.keep == "latest" or msgspec.UNSET,
    )
    if key != "":
        _check_text(topic, "key", key)
    if (event_id, user_id, request_id, dice) != _NONE_OF_THESE:
        for name, text in (("event_id", event_id), ("user_id", user_id), ("request_id", request_id), ("dice", dice)):
            if text is not None and text != "":
                _check_text(topic, name, text)
    if not event.id:
        raise TopicError(f"{topic}: event_id is empty: leave it out to have one made")
    if event.metadata:
        _check_plain(topic, "metadata", event.metadata)
    return event


_NONE_OF_THESE = (None, "", "", "")


def checked_payload(topic: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as the topic's schema has it. Raises TopicError where it does not fit, or is no plain data in bounds."""
    return _checked(topics.get(topic), payload)


def _checked(topic: Topic, payload: Mapping[str, Any]) -> dict[str, Any]:
    valid = topic.validate(payload)
    _check_plain(topic.name, "payload", valid, topic.depth)
    return valid


def max_depth() -> int:
    """Follow-up events deeper than this are recorded as refused."""
    return conf.SCRIPTING_MAX_DEPTH


def _plain_metadata(topic: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        raise TopicError(f"{topic}: metadata must be a mapping, not {type(metadata).__name__}")
    try:
        plain: dict[str, Any] = msgspec.to_builtins(dict(metadata), builtin_types=(bytes,))
    except NOT_PLAIN as error:
        raise TopicError(f"{topic}: metadata is not plain data: {str(error)[:500]}") from None
    return plain


def _check_text(topic: str, name: str, text: str) -> None:
    if type(text) is not str:
        raise TopicError(f"{topic}: {name} must be text, not {type(text).__name__}")
    if len(text) > _MAX_LENGTH[name]:
        raise TopicError(f"{topic}: {name} may be {_MAX_LENGTH[name]} characters at the most, not {len(text)}")
    if not text.isprintable():
        raise TopicError(f"{topic}: {name} may hold printable characters only")


def _check_plain(topic: str, name: str, value: Mapping[str, Any], depth: int | None = None) -> None:
    """Refuse here what a sandbox would refuse: here the publisher can still do something about it.

    With a `depth` the schema has seen to it that no value is deeper and that all keys are text.
    """
    try:
        # Building blocks of Python went in: what can be wrong with them shows in the bytes, and sooner than in the values.
        encoded = _encode(value)
        if depth is not None and depth <= MAX_PAYLOAD_DEPTH and len(encoded) <= _SMALL and _LARGEST not in encoded:
            return
        scan_value(encoded, max_bytes=MAX_EVENT_BYTES, max_depth=MAX_PAYLOAD_DEPTH)
    except (TypeError, ValueError, OverflowError):
        pass
    else:
        return
    try:
        encode_value(value, name=name, max_bytes=MAX_EVENT_BYTES, max_depth=MAX_PAYLOAD_DEPTH)
    except ValueProblem as problem:
        raise TopicError(f"{topic}: {problem}") from None
    raise TopicError(f"{topic}: {name} is no plain data")


_encode = msgspec.msgpack.Encoder().encode
_SMALL = 1 << 16
"""Bytes that hold fewer values than a sandbox takes, whatever they are."""
_LARGEST = b"\xcf"
"""Before an integer that may be beyond 63 bits."""


class Overloaded(Exception):
    """More events wait than the site lets wait: nothing was accepted. Publish again after `seconds`."""

    def __init__(self, why: str, module: str = "") -> None:
        self.seconds = OVERLOADED_SECONDS
        self.module = module
        """Whose events are too many; empty where Redis is full."""
        super().__init__(f"{why}: publish again in {self.seconds} s, or start more workers")


class NotAcknowledged(redis.TimeoutError):
    """Redis did not acknowledge in time: it may have accepted all of the events or none. Publish them again under the same ids."""

    def __init__(self, events: Sequence[str], seconds: float) -> None:
        self.events = list(events)
        """Their ids, also of those that came without one."""
        self.seconds = seconds
        named = self.events[0] if len(self.events) == 1 else f"{self.events[0]} and {len(self.events) - 1} more"
        super().__init__(
            f"Redis did not acknowledge in {seconds:g} s; whether it accepted is unknown: {named}. "
            "Publish again with the same event_id, which takes effect once"
        )


def _has_too_many(module: str) -> str:
    most = conf.SCRIPTING_MAX_WAITING
    return f"{module} has {most} events waiting in one of its streams, which is all that SCRIPTING_MAX_WAITING lets it have"


REDIS_FULL = "Redis has little room left (maxmemory), which is kept for running the events that wait"


def send(events: Sequence[Event], timeout: float | None = None) -> None:
    """Hand events to every stream that has a subscriber of them, all at once. Raises Overloaded, RedisRefused, NotAcknowledged, redis.RedisError.

    What follows once they are accepted has the rest of the time and may fail: the sweep finds a stream that nobody was woken for.
    """
    seconds = conf.SCRIPTING_PUBLISH_SECONDS if timeout is None else timeout
    envelopes = [event.encode() for event in events]
    entries = _entries(zip(events, envelopes, strict=True))
    with within(seconds):
        try:
            if not has_room(sum(map(len, envelopes))):
                raise Overloaded(REDIS_FULL)
            wanted = streams.append_by_key(entries, most=conf.SCRIPTING_MAX_WAITING)
        except streams.StreamFull as full:
            raise Overloaded(_has_too_many(full.stream.module), full.stream.module) from None
        except OutOfMemoryError:
            raise Overloaded(REDIS_FULL) from None
        except redis.TimeoutError as error:
            raise NotAcknowledged([event.id for event in events], seconds) from error
        except redis.RedisError as error:
            if code := code_of(error):
                raise RedisRefused(code, "; then publish again under the same id") from error
            raise
        for stream, job in wanted:
            enqueue_quietly(stream, job)
        samples.note(events)


def _entries(pairs: Iterable[tuple[Event, bytes]]) -> list[tuple[str, str, str, bytes, str]]:
    return [
        (module, event.key, event.id, envelope, event.group(module))
        for event, envelope in pairs
        for module in {module: None for module, _ in event.subscribers}
    ]


# -- figures -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Backlog:
    """Events accepted and not yet executed."""

    streams: Mapping[str, int]
    """Stream name → entries."""
    dead_letters: int

    @property
    def events(self) -> int:
        return sum(self.streams.values())


def backlog() -> Backlog:
    """Events and streams that wait now. Raises redis.RedisError."""
    waiting = {condition.stream.name: condition.length for condition in streams.conditions()}
    return Backlog(waiting, redis_client().xlen(streams.dead_letters_key()))
