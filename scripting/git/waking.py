"""When the branch is looked at: every SCRIPTING_GIT_POLL_SECONDS, and at once after a webhook. An evidence worker does it."""

from __future__ import annotations

import hashlib
import hmac
import logging

from scripting import clock
from scripting.bus import evidence_jobs
from scripting.conf import conf
from scripting.git import following
from scripting.storage.full_redis import set_for
from scripting.storage.redis_client import key, redis_client

logger = logging.getLogger(__name__)

JOB = "scripting.git.waking.follow_job"
JOB_ID = "git-follow"
CALLS = 60
"""Webhook calls from one address in a minute."""


def wake() -> None:
    """Have the branch looked at soon. Raises redis.RedisError."""
    set_for(_woken(), "1", 3_600_000, redis_client())


def look_when_due() -> bool:
    """Each second, in an evidence worker: whether a look was asked for. Raises redis.RedisError."""
    if not following.source():
        return False
    woken = bool(redis_client().exists(_woken()))
    if not woken and not set_for(
        key("git", "polled"), "1", int(conf.SCRIPTING_GIT_POLL_SECONDS * 1000), redis_client(), absent=True
    ):
        return False
    if not evidence_jobs.enqueue(JOB, job_id=JOB_ID):
        return False  # it runs: what was pushed since is looked at when it is done
    redis_client().delete(_woken())
    return True


def follow_job() -> None:
    """Job of the evidence queue."""
    try:
        following.follow(evidence_jobs.running.progress)
    except (following.Busy, following.NotFollowing) as why:
        logger.info("%s", why)


def is_signed(body: bytes, github: str, gitlab: str) -> bool:
    """Whether a call of the webhook comes from who knows the secret: GitHub's signature of its body, or GitLab's token."""
    secret = conf.SCRIPTING_GIT_WEBHOOK_SECRET.encode()
    if not secret:
        return False
    if github:
        wanted = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(wanted.encode(), github.encode("utf-8", "replace"))
    return bool(gitlab) and hmac.compare_digest(secret, gitlab.encode("utf-8", "replace"))


def too_many(address: str) -> bool:
    """Whether an address calls too often; counts this call. Raises redis.RedisError."""
    name = key("git", "calls", hashlib.sha256(address.encode()).hexdigest()[:16], str(int(clock.seconds() // 60)))
    with redis_client().pipeline() as pipe:
        pipe.incr(name)
        pipe.expire(name, 120)
        count, _ = pipe.execute()
    return int(count) > CALLS


def _woken() -> str:
    return key("git", "woken")
