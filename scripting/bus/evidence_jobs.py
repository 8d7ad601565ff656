"""RQ's queue of evidence: long replays and what a gate asks for. No worker of events takes its jobs, nor its worker theirs.

A job is a function by its dotted name with plain arguments. It must bear being begun anew: one whose worker died is.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.utils import as_text

from scripting.conf import EVIDENCE_QUEUE, SERIALIZER, conf
from scripting.processes import members
from scripting.storage.lua import Call, LuaScript
from scripting.storage.redis_client import key, redis_client

logger = logging.getLogger(__name__)

KIND = "evidence"
"""The kind of a process that takes these jobs, as the page of processes names it."""
DEATHS = 3
"""Workers that may die in one job; with the last it is given up."""
LEASE_SECONDS = 10.0
"""A job whose worker was not heard of for so long is begun anew. Its heartbeat comes each second."""
TIMEOUT = 600
"""RQ's, which nothing enforces: a worker ends itself that hears nothing of its job for SCRIPTING_JOB_TIMEOUT."""


@functools.cache
def _queue(url: str, name: str) -> Queue:
    return Queue(name, connection=redis_client(), serializer=SERIALIZER)


def evidence_queue() -> Queue:
    """RQ's queue of evidence jobs."""
    return _queue(conf.SCRIPTING_REDIS_URL, conf.queue(EVIDENCE_QUEUE))


def enqueue(function: str, *args: Any, job_id: str, failed: str = "", deaths: int = 0) -> bool:
    """Have `function` (dotted name) called with plain `args` in an evidence worker; False if a job of this id waits or runs.

    `failed` (dotted name) is called with the same arguments and a reason where the job raised or was given up.
    Raises redis.RedisError.
    """
    if is_pending(job_id):
        return False
    _forget(job_id)
    evidence_queue().enqueue_call(
        function,
        args=args,
        job_id=job_id,
        timeout=TIMEOUT,
        result_ttl=60,
        failure_ttl=86400,
        meta={"failed": failed, "deaths": deaths},
        description=f"{function.rpartition('.')[2]} {' '.join(map(str, args))}",
    )
    return True


def is_pending(job_id: str) -> bool:
    """Whether the job waits, or a live worker runs it. Raises redis.RedisError."""
    if redis_client().exists(_lease(job_id)):
        return True
    return job_id in evidence_queue().get_job_ids()


def is_served() -> bool:
    """Whether an evidence worker lives. Raises redis.RedisError."""
    return any(process.kind == KIND and not process.is_stale for process in members.everyone([]))


def _forget(job_id: str) -> None:
    with contextlib.suppress(NoSuchJobError):
        Job.fetch(job_id, connection=redis_client(), serializer=SERIALIZER).delete()


# -- inside a job --------------------------------------------------------------------------------------------------------


@dataclass
class Running:
    """The worker that this process is, as its jobs see it; in a process that is none, a job may take its time."""

    is_stopping: Callable[[], bool] = lambda: False
    """Whether the worker was asked to end: a job then returns, having set `again`."""
    progress: Callable[[], None] = lambda: None
    """To be called now and then: a worker that hears nothing for SCRIPTING_JOB_TIMEOUT is stuck, and ends itself."""
    again: bool = False
    """Whether the job that just returned is to be enqueued again."""


running = Running()


# -- the worker's part ---------------------------------------------------------------------------------------------------


def take(job: Job) -> None:
    """Hold a job that begins, until `leave`. Raises redis.RedisError."""
    told = {"function": job.func_name, "args": list(job.args), **job.meta}
    with redis_client().pipeline() as pipe:
        pipe.hset(_taken(), job.id, json.dumps(told))
        pipe.set(_lease(job.id), "1", px=int(LEASE_SECONDS * 1000))
        pipe.execute()


def renew(job_id: str) -> None:
    """With each heartbeat; one that comes late, on a busy machine, takes its job back. Raises redis.RedisError."""
    if redis_client().hexists(_taken(), job_id):
        redis_client().set(_lease(job_id), "1", px=int(LEASE_SECONDS * 1000))


def leave(job_id: str) -> None:
    """Raises redis.RedisError."""
    with redis_client().pipeline() as pipe:
        pipe.hdel(_taken(), job_id)
        pipe.delete(_lease(job_id))
        pipe.execute()


_count = LuaScript("return redis.call('HLEN', KEYS[1])")


def counting() -> Call:
    """A call that answers how many jobs are held, to be made along with others."""
    return Call(_count, [_taken()])


def begin_orphans_anew() -> list[str]:
    """Enqueue again the jobs whose workers died; give up those in which DEATHS did: the ids of both. Raises redis.RedisError."""
    found = []
    for raw_id, raw in redis_client().hgetall(_taken()).items():
        job_id, told = as_text(raw_id), json.loads(raw)
        if redis_client().exists(_lease(job_id)) or not redis_client().hdel(_taken(), job_id):
            continue  # it lives, or another worker was first
        deaths = told["deaths"] + 1
        logger.warning("the worker of evidence job %s died in it (%s of %s)", job_id, deaths, DEATHS)
        if deaths < DEATHS:
            enqueue(told["function"], *told["args"], job_id=job_id, failed=told["failed"], deaths=deaths)
        else:
            _forget(job_id)
            tell_failed(told["failed"], told["args"], f"{DEATHS} workers died in it, the last one just now")
        found.append(job_id)
    return found


def tell_failed(function: str, args: list[Any], why: str) -> None:
    """Call what a job names for its failure."""
    if function:
        import_string(function)(*args, why)


def _taken() -> str:
    return key("evidence", "taken")


def _lease(job_id: str) -> str:
    return key("evidence", "lease", job_id)
