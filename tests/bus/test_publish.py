"""Publishing: what is accepted, where it goes, and that Redis has it when publish returns."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import msgspec
import pytest
import redis

from scripting.bus import drain_queue, publishing, samples, streams
from scripting.bus.events import Event
from scripting.bus.publishing import Message, NotAcknowledged, Overloaded
from scripting.bus.streams import Stream
from scripting.modules.topics import TopicError
from tests.support.redis import RedisServer

pytestmark = pytest.mark.usefixtures("arena")


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


class Odd(str):
    """Text that is none to Redis's encoder."""


def held() -> list[Event]:
    """Every event in the arena's streams."""
    client = streams.redis_client()
    return [
        Event.decode(fields[b"e"])
        for condition in streams.conditions()
        for _, fields in client.xrange(condition.stream.entries)
    ]


def test_a_published_event_is_in_the_stream_of_its_key_with_its_subscribers() -> None:
    event_id = publishing.publish(
        "arena.hit", {"points": 3}, key="ann", user_id="7", metadata={"a": 1}, request_id="r1"
    )
    (event,) = held()
    assert event.id == event_id
    assert event.subscribers == [("arena", "scorer")]
    assert (event.payload, event.metadata) == ({"points": 3, "secret": ""}, {"a": 1})
    assert (event.key, event.user_id, event.request_id, event.depth) == ("ann", "7", "r1", 0)
    assert streams.redis_client().xlen(Stream.of("arena", "ann", event_id).entries) == 1


def test_the_first_event_of_a_stream_enqueues_its_drain_and_the_next_do_not() -> None:
    for _ in range(3):
        publishing.publish("arena.hit", {"points": 1}, key="ann")
    (job,) = drain_queue.drain_queue().get_jobs()
    stream = Stream.of("arena", "ann", "")
    assert (job.func_name, list(job.args)) == ("scripting.workers.drain_job.drain", ["arena", stream.shard])
    assert streams.redis_client().get(stream.flag) == job.id.encode()


def test_an_event_that_nobody_listens_to_is_accepted_and_does_nothing(redis_client: redis.Redis) -> None:
    assert publishing.publish("arena.unheard", {"points": 1})
    samples.flush()  # once a second the pages of topics are told what happened: more is not left of it
    assert {name.split(b":")[1] for name in redis_client.scan_iter()} == {b"samples", b"published"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"topic": "arena.nothing"}, "there is no topic 'arena.nothing'"),
        ({"topic": ["arena.hit"]}, "a topic is named by text"),
        ({"payload": {"points": "\ud800"}}, "surrogates not allowed"),
        ({"payload": {"\ud800": 1, "points": 1}}, "surrogates not allowed"),
        ({"metadata": {"a": object()}}, "unsupported"),
        ({"metadata": {"a": ENDLESS}}, "recursion|Stack overflow"),
        ({"metadata": "text"}, "metadata must be a mapping"),
        ({"key": Odd("ann")}, "key must be text, not Odd"),
        ({"payload": {"points": "three"}}, "Expected `int`, got `str`"),
        ({"payload": {}}, "missing required field `points`"),
        ({"payload": {"points": 1 << 70}}, "payload"),
        ({"payload": {"points": 1, "secret": "\ud800"}}, "lone surrogate"),
        ({"metadata": {"deep": object()}}, "not plain data"),
        ({"key": "k" * 129}, "key may be 128 characters"),
        ({"key": "a\x00b"}, "printable"),
        ({"user_id": 7}, "user_id must be text"),
        ({"event_id": ""}, "event_id is empty"),
        ({"event_id": "e" * 65}, "event_id may be 64 characters"),
        ({"payload": {"points": 1, "secret": "s" * (1 << 20)}}, "bytes"),
    ],
)
def test_what_could_not_be_run_or_recorded_is_refused(
    change: dict[str, Any], message: str, redis_client: redis.Redis
) -> None:
    arguments = {"topic": "arena.hit", "payload": {"points": 1}} | change
    with pytest.raises(TopicError, match=message):
        publishing.publish(arguments.pop("topic"), arguments.pop("payload"), **arguments)
    assert redis_client.dbsize() == 0


def test_publishing_without_redis_raises(redis_server: RedisServer) -> None:
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        publishing.publish("arena.hit", {"points": 1})


def test_what_was_acknowledged_survives_redis_being_killed(redis_server: RedisServer) -> None:
    ids = {publishing.publish("arena.hit", {"points": n}, key=str(n)) for n in range(20)}
    redis_server.kill()
    redis_server.start()
    assert {event.id for event in held()} == ids


def test_many_events_keep_their_order_within_a_key() -> None:
    ids = publishing.publish_many(Message("arena.hit", {"points": n}, key=f"game-{n % 3}") for n in range(600))
    assert len(ids) == 600
    for game in range(3):
        assert [e.payload["points"] for e in held() if e.key == f"game-{game}"] == list(range(game, 600, 3))


def test_events_that_are_published_together_keep_the_ids_they_came_with_and_the_others_get_ascending_ones() -> None:
    messages = [Message("arena.hit", {"points": 1}, event_id=name) for name in (None, "mine", None, None)]
    ids = publishing.publish_many(messages)
    assert ids[1] == "mine"
    assert ids[0] < ids[2] < ids[3]


@pytest.mark.parametrize("topic", ["nowhere", ["arena.hit"], 7])
def test_among_events_that_are_published_together_a_topic_that_is_none_is_refused(topic: Any) -> None:
    with pytest.raises(TopicError):
        publishing.publish_many([Message("arena.hit", {"points": 1}), Message(topic, {"points": 1})])
    assert publishing.backlog().events == 0


def test_what_an_event_says_by_default_does_not_travel_and_earlier_releases_that_tell_it_are_understood() -> None:
    event = publishing.make_event("arena.hit", {"points": 1}, key="ada")
    sent = msgspec.msgpack.decode(event.encode())
    assert sorted(sent) == ["id", "key", "payload", "published_us", "subscribers", "topic"]
    nothing = {"user_id": "", "metadata": {}, "depth": 0, "cause": "", "request_id": "", "dice": "", "inbox": ""}
    assert Event.decode(msgspec.msgpack.encode(sent | nothing)) == event == Event.decode(event.encode())


def test_a_follow_up_may_be_made_too_deep_and_says_so(settings: Any) -> None:
    settings.SCRIPTING_MAX_DEPTH = 2
    event = publishing.make_event("arena.hit", {"points": 1}, depth=3, cause="c")
    assert event.depth > publishing.max_depth()


def test_the_backlog_counts_what_waits() -> None:
    publishing.publish_many(Message("arena.hit", {"points": 1}, key=str(n)) for n in range(10))
    assert publishing.backlog().events == 10
    assert set(publishing.backlog().streams) <= {f"arena:{shard}" for shard in range(4)}


def test_an_event_for_two_modules_is_in_the_stream_of_each() -> None:
    subscribers = [("arena", "scorer"), ("other", "listener"), ("other", "second")]
    publishing.send(
        [msgspec.structs.replace(publishing.make_event("arena.hit", {"points": 1}, key="k"), subscribers=subscribers)]
    )
    assert sorted(publishing.backlog().streams.values()) == [1, 1]


# -- too many wait -------------------------------------------------------------------------------------------------------


def test_beyond_the_bound_events_are_refused_with_when_to_come_back_and_none_of_a_batch_is_added(settings: Any) -> None:
    settings.SCRIPTING_MAX_WAITING = 3
    for _ in range(3):
        publishing.publish("arena.hit", {"points": 1}, key="ann")
    with pytest.raises(Overloaded, match=r"arena has 3 events waiting .* publish again in 5 s") as refused:
        publishing.publish("arena.hit", {"points": 1}, key="ann")
    assert (refused.value.module, refused.value.seconds) == ("arena", 5)
    keys = iter(f"key {number}" for number in range(100))
    elsewhere = next(key for key in keys if Stream.of("arena", key, "") != Stream.of("arena", "ann", ""))
    with pytest.raises(Overloaded):
        publishing.publish_many([Message("arena.hit", {"points": 1}, key) for key in (elsewhere, "ann")])
    assert len(held()) == 3
    publishing.publish("arena.hit", {"points": 1}, key=elsewhere)
    assert len(held()) == 4


def test_what_a_run_has_published_already_is_never_refused(settings: Any) -> None:
    """Its outcome is committed: the outbox would wait for ever."""
    settings.SCRIPTING_MAX_WAITING = 1
    stream = Stream.of("arena", "ann", "")
    for _ in range(2):
        streams.append([(stream, b"x")])
    assert streams.redis_client().xlen(stream.entries) == 2


# -- a Redis that does not answer ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_publisher_waits_for_a_frozen_redis_no_longer_than_it_said_and_the_same_id_takes_effect_once(
    settings: Any, redis_server: RedisServer
) -> None:
    publishing.publish("arena.hit", {"points": 1}, key="ann")  # connections are there
    with redis_server.frozen():
        began = time.monotonic()
        with pytest.raises(NotAcknowledged, match="Publish again with the same event_id") as late:
            publishing.publish("arena.hit", {"points": 2}, key="ann", event_id="two", timeout=0.2)
        settings.SCRIPTING_PUBLISH_SECONDS = 0.3
        with pytest.raises(NotAcknowledged, match=r"in 0\.3 s"):  # over a new connection
            publishing.publish_many([Message("arena.hit", {"points": 2}, "ann")])
        assert 0.5 <= time.monotonic() - began < 4, "a client's own patience is longer"
    assert late.value.events == ["two"]
    publishing.publish("arena.hit", {"points": 2}, key="ann", event_id="two")
    assert {event.id for event in held()} >= {"two"}


def test_an_event_is_accepted_though_nobody_could_be_woken_in_time(
    monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    appended = streams.append_by_key

    def append_and_freeze(*args: Any, **options: Any) -> Any:
        wanted = appended(*args, **options)
        frozen.enter_context(redis_server.frozen())
        return wanted

    monkeypatch.setattr(streams, "append_by_key", append_and_freeze)
    with contextlib.ExitStack() as frozen:
        began = time.monotonic()
        event = publishing.publish("arena.hit", {"points": 1}, key="ann", timeout=0.2)
        assert time.monotonic() - began < 4, "a client's own patience is longer"
    assert [each.id for each in held()] == [event]
