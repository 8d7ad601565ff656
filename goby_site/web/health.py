"""Answer a load balancer: is this process alive, and can the site do its work?"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from scripting.engine import get_engine
from scripting.storage import database as storage
from scripting.storage import redis_errors
from scripting.storage.full_redis import set_for
from scripting.storage.redis_client import briefly, key, redis_client
from scripting.texts.request_ids import fitting
from scripting.workers.heartbeat import live_workers

logger = logging.getLogger(__name__)

ALIVE = {"status": "alive"}


@never_cache
@require_safe
def alive(_request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers; touches nothing else."""
    return JsonResponse(ALIVE)


@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """200 when every part answers, else 503; names the parts, and keeps their error texts to the log."""
    parts = {name: holds(part) for name, part in PARTS.items()}
    whole = all(parts.values())
    return JsonResponse({"status": "ready" if whole else "not ready", "parts": parts}, status=200 if whole else 503)


class Probes(MiddlewareMixin):
    """Answers both before the host's name is looked at: a probe asks by the address of a container, which no list can name."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        view = PROBES.get(request.path_info)
        return view(request) if view else None


class Alive:
    """ASGI middleware that answers `GET /healthz` before Django does: a balancer asks all the time, and it costs a tenth of a page."""

    def __init__(self, inner: Callable[..., Awaitable[None]]) -> None:
        self.inner = inner

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/healthz" or scope["method"] != "GET":
            await self.inner(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        headers = [*_ALIVE_HEADERS, (b"x-request-id", fitting(given.decode("latin-1")).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _ALIVE})


_ALIVE = json.dumps(ALIVE).encode()
_ALIVE_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_ALIVE)).encode()),
    (b"cache-control", b"max-age=0, no-cache, no-store, must-revalidate, private"),
]


def holds(part: Callable[[], bool]) -> bool:
    """Whether `part` answers; what it raises is logged, since a page for strangers must not show it. An outage is told once, then counted."""
    try:
        return part()
    except Exception as error:
        if storage.is_unavailable(error):
            storage.outage.note_here(error)
        elif not (isinstance(error, RedisError) and redis_errors.noted(error)):
            logger.exception("not ready")
        return False


def database() -> bool:
    """Whether the database takes writes: proved here every 5 s, and no process met a refusal lately."""
    global _write_seen
    now = time.monotonic()
    holds_until, answer = _write_seen
    if now >= holds_until:
        _write_seen = (now + PROOF_SECONDS, False)
        storage.prove_write()
        _write_seen = (now + PROOF_SECONDS, True)
        storage.outage.over()
        answer = True
    if not answer:
        return False
    try:
        with briefly():
            return not storage.refused_lately()
    except RedisError:
        return True  # that is another part's to tell


def schema() -> bool:
    """Whether the database has every migration of this code."""
    global _schema_seen
    now = time.monotonic()
    if now >= _schema_seen:
        lacking = storage.lacking_migrations()
        if lacking:
            logger.warning("the database lacks migrations: %s", ", ".join(lacking))
            return False
        _schema_seen = float("inf")  # a schema does not go back under a process that runs
    return True


def redis() -> bool:
    """Whether Redis takes writes, a full one those that drain it, and soon: whoever asks does not wait long either."""
    with briefly():
        takes_writes = set_for(key("ready"), "1", 1000, redis_client())
    redis_errors.outage.over()
    return takes_writes


def workers() -> bool:
    """Whether at least one worker has given its heartbeat lately."""
    with briefly():
        return bool(live_workers())


def sandbox() -> bool:
    """Whether this process can run a script. Kept for 5 s: whoever asks often must not make it start many sandboxes."""
    global _sandbox_seen
    now = time.monotonic()
    holds_until, answer = _sandbox_seen
    if now >= holds_until:
        output = get_engine().execute_source("result = 6 * 7", name="readiness")
        answer = output.error is None and output.result == 42
        _sandbox_seen = (now + 5, answer)
    return answer


PROOF_SECONDS = 5.0
_write_seen = (0.0, False)
_sandbox_seen = (0.0, False)
_schema_seen = 0.0

PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": alive, "/readyz": ready}
PARTS: dict[str, Callable[[], bool]] = {
    "database": database,
    "redis": redis,
    "schema": schema,
    "sandbox": sandbox,
    "workers": workers,
}
