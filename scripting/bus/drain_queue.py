"""RQ's queue of drain jobs: at most one pending job for each stream."""

from __future__ import annotations

import functools
import logging
import math

import django_rq
import redis
from rq import Queue

from scripting.bus import streams
from scripting.bus.streams import Stream
from scripting.conf import QUEUE, conf
from scripting.storage.redis_client import redis_client

logger = logging.getLogger(__name__)


@functools.cache
def _queue(client: redis.Redis, name: str) -> Queue:
    # `auto`: at once, also inside a transaction; what is enqueued answers for events that Redis holds already.
    return django_rq.get_queue(name, commit_mode="auto", connection=client)


def drain_queue() -> Queue:
    """RQ's queue of drain jobs, in the Redis that holds the streams."""
    return _queue(redis_client(), conf.queue(QUEUE))


def enqueue_drain(stream: Stream, job: str) -> None:
    """Enqueue the drain job of a stream under the id that its flag names, and wake a drain that could take it. Raises redis.RedisError."""
    drain_queue().enqueue_call(
        "scripting.workers.drain_job.drain",
        args=(stream.module, stream.shard),
        job_id=job,
        timeout=math.ceil(conf.SCRIPTING_JOB_TIMEOUT),
        result_ttl=60,
        failure_ttl=3600,
        description=f"drain {stream.name}",
    )
    streams.call()


def enqueue_quietly(stream: Stream, job: str) -> None:
    """`enqueue_drain` for events that are accepted already: where Redis is unavailable, the sweep enqueues another."""
    try:
        enqueue_drain(stream, job)
    except redis.RedisError as error:
        logger.warning("drain job of %s not enqueued, the sweep will: %s", stream.name, error)
