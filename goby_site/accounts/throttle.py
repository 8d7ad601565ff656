"""Guessing passwords takes too long: after some failures a name from that address, or the address, must wait."""

from __future__ import annotations

import hashlib
import logging

import redis
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from scripting.storage.redis_client import key, redis_client

WINDOW_SECONDS = 300
FAILURES_OF_NAME = 10
"""Of one name from one address; a name alone is not barred, or anyone could keep its owner out."""
FAILURES_OF_ADDRESS = 100

logger = logging.getLogger("scripting.security")


def demand_patience(request: HttpRequest | None, name: str | None) -> None:
    """Raises ValidationError, which login forms show, while too many logins have failed."""
    if request is None:
        return
    try:
        counts = redis_client().mget([counter for counter, _ in _counters(request, name)])
    except redis.RedisError:
        return  # nobody is kept out by a Redis that is unavailable
    for count, (_, most) in zip(counts, _counters(request, name), strict=True):
        if int(count or 0) >= most:
            logger.warning("logins from %s are refused for now: too many have failed", _address(request))
            raise ValidationError(
                f"Too many logins have failed. Wait {WINDOW_SECONDS // 60} minutes, then try again.", code="throttled"
            )


def note_failure(request: HttpRequest | None, name: str | None) -> None:
    """A password was wrong."""
    if request is None:
        return
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for counter, _ in _counters(request, name):
                pipe.incr(counter)
                pipe.expire(counter, WINDOW_SECONDS)
            pipe.execute()
    except redis.RedisError:
        logger.warning("a failed login was not counted: Redis does not answer")


def _counters(request: HttpRequest, name: str | None) -> list[tuple[str, int]]:
    address = _address(request)
    who = hashlib.sha256(f"{address} {(name or '').casefold()}".encode("utf-8", "replace")).hexdigest()[:32]
    return [(key("logins", "name", who), FAILURES_OF_NAME), (key("logins", "address", address), FAILURES_OF_ADDRESS)]


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))[:64]
