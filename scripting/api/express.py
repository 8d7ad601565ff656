"""The short way for events over HTTP: ASGI middleware before Django, at the one address that game servers ask all the time.

A request that is plainly good is answered here. Those that arrive together are published in one exchange with Redis, and none takes a thread while it
waits for an outcome. Everything else goes on to Django untouched, whose view says what is wrong with it: one place
refuses, and this one only ever says yes. Two failures after that point (Redis, overload) are told in the view's own words.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.http.request import split_domain_port, validate_host
from django.urls import reverse

from scripting import clock
from scripting.access import tokens
from scripting.api import access, documents, events, problems, waiting
from scripting.api.events import MAX_WAIT, EventIn
from scripting.api.problems import Problem
from scripting.api.waiting import Waiter
from scripting.bus import publishing
from scripting.bus.events import Event
from scripting.bus.publishing import APPEND, NotAcknowledged, Overloaded
from scripting.conf import conf
from scripting.models.tokens import Action, ApiToken
from scripting.storage.redis_client import is_silent, within
from scripting.texts.request_ids import HEADER, fitting

logger = logging.getLogger(__name__)

MAX_BYTES = 64 << 10
"""A longer body goes the long way: reading it here would hold up the others."""
LEAST_SECONDS = 0.1
"""For those whose time went by while Redis did not answer others: if it does now, it takes a hundredth of this."""
ONCE = frozenset({b"host", b"authorization", b"content-length", b"idempotency-key", b"x-request-id", b"traceparent"})
"""Headers that a request sends once, or goes the long way."""
LONG_WAY = frozenset({b"content-encoding", b"x-forwarded-host"})
TOLD_BY_VIEW = (ValueError, RecursionError, Problem, DatabaseError, InterfaceError)
"""Errors that the long way meets too, and tells."""
_WAIT = re.compile(rb"(?:wait=([0-9]{1,2}(?:\.[0-9]{1,6})?))?")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Inner = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Asked:
    """A request that looks good from outside."""

    token: str
    address: str
    idempotency_key: str | None
    request_id: str
    traceparent: str
    wait: float
    secure: bool
    arrived: float
    """By the monotonic clock."""
    body: bytes = b""


@dataclass(eq=False)
class Sent:
    """A request that is good, with its event."""

    token: ApiToken
    event: Event
    wait: float
    waiter: Waiter | None = None
    refused: Exception | None = None


class Response(NamedTuple):
    """A response that needs nothing of Django's."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]


Answered = Sent | None
"""None: the long way."""


class Express:
    """The middleware, for the event loop of a server's process."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner
        self._path = reverse("scripting-api-events")
        self._pending: list[tuple[Asked, asyncio.Future[Answered]]] = []
        self._publishing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "publisher")

    async def __call__(self, scope: Message, receive: Receive, send: Any) -> None:
        asked = self._asked(scope)
        if asked is None:
            await self._inner(scope, receive, send)
            return
        read, asked.body = await read_body(receive)
        sent = await self._publish(asked) if asked.body else None
        if sent is None:
            await self._inner(scope, again(read, receive), send)
            return
        await respond(send, await answered(sent), asked)

    def _asked(self, scope: Message) -> Asked | None:
        """The request, if it is one for here as far as its head tells."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return None
        wait = _WAIT.fullmatch(scope["query_string"])
        secure = scope.get("scheme") == "https"
        if wait is None or scope.get("root_path") or (settings.SECURE_SSL_REDIRECT and not secure):
            return None
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in LONG_WAY or (name in ONCE and name in headers):
                return None
            headers[name] = value
        host, _ = split_domain_port(headers.get(b"host", b"").decode("latin-1"))
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        key = headers.get(b"idempotency-key")
        seconds = float(wait[1] or 0)
        if not validate_host(host, settings.ALLOWED_HOSTS) or scheme != "Bearer" or seconds > MAX_WAIT:
            return None
        return Asked(
            token=token,
            address=(scope.get("client") or ("",))[0] or "",
            idempotency_key=None if key is None else key.decode("latin-1"),
            request_id=fitting(headers.get(b"x-request-id", b"").decode("latin-1")),
            traceparent=headers.get(b"traceparent", b"").decode("latin-1"),
            wait=seconds,
            secure=secure,
            arrived=time.monotonic(),
        )

    async def _publish(self, asked: Asked) -> Answered:
        """Publish it with all others that are here by then."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._pending.append((asked, answer))
        if self._publishing is None:
            self._publishing = asyncio.create_task(self._publish_pending())
        return await answer

    async def _publish_pending(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pending:
            batch, self._pending = self._pending[:APPEND], self._pending[APPEND:]
            try:
                found = await loop.run_in_executor(self._thread, together, [asked for asked, _ in batch])
            except Exception:  # nothing was handed over; whoever is behind waits for this task
                logger.exception("%d requests go the long way", len(batch))
                found = [None] * len(batch)
            for (_, answer), sent in zip(batch, found, strict=True):
                if not answer.cancelled():
                    answer.set_result(sent)
                elif sent:
                    waiting.forget(sent.waiter)
        self._publishing = None


# -- the body ------------------------------------------------------------------------------------------------------------


async def read_body(receive: Receive) -> tuple[list[Message], bytes]:
    """The messages of a request as far as they were read, and its body; none where it is too long for here, or its sender is gone."""
    read, body = [], b""
    while True:
        message = await receive()
        read.append(message)
        body += message.get("body", b"")
        if message["type"] != "http.request" or len(body) > MAX_BYTES:
            return read, b""
        if not message.get("more_body"):
            return read, body


def again(read: Sequence[Message], receive: Receive) -> Receive:
    """The messages that were read, once more, and then those that follow."""
    before = iter(read)

    async def next_message() -> Message:
        for message in before:
            return message
        return await receive()

    return next_message


# -- in the publishing thread --------------------------------------------------------------------------------------------


def together(batch: Sequence[Asked]) -> list[Answered]:
    """Publish those of the requests that are good, in their order."""
    close_old_connections()
    found = [good(asked) for asked in batch]
    for token in {sent.token.pk: sent.token for sent in found if sent}.values():
        of_token = [place for place, sent in enumerate(found) if sent and sent.token.pk == token.pk]
        for place in of_token[access.counted(token, len(of_token)) :]:
            found[place] = None
    sent = [each for each in found if each]
    for each in sent:
        each.waiter = waiting.expect(each.event, each.wait) if each.wait else None
    waited = time.monotonic() - min(asked.arrived for asked in batch) if is_silent() else 0.0
    with within(max(LEAST_SECONDS, conf.SCRIPTING_PUBLISH_SECONDS - waited)):
        hand_over(sent)
    return found


def hand_over(sent: Sequence[Sent]) -> None:
    """Publish them at once, or one by one where a stream has not room for all."""
    try:
        publishing.send([each.waiter.event if each.waiter else each.event for each in sent])
    except Overloaded as refused:
        if len(sent) == 1:
            sent[0].refused = refused
            return
        for each in sent:
            hand_over([each])
    except NotAcknowledged as late:
        for each in sent:
            each.refused = NotAcknowledged([each.event.id], late.seconds)
    except Exception as error:  # noqa: BLE001 - nobody may wait for ever for what the thread met
        logger.warning("whether %d events were accepted is unknown: %r", len(sent), error)
        for each in sent:
            each.refused = error


def good(asked: Asked) -> Answered:
    """The request's event, if nothing at all is wrong with the request."""
    try:
        token, now = access.remembered(asked.token), clock.now()
        if token is None or access.state_of(token, now) != "valid" or not token.may_come_from(asked.address):
            return None
        wanted = EventIn.model_validate(documents.read(asked.body))
        if access.why_not(token, Action.EVENTS, *events.listening(wanted.topic)):
            return None
        tokens.used(token, now)
        event = events.wanted(token, wanted, asked.idempotency_key, asked.request_id, asked.traceparent)
        return Sent(token, event, asked.wait)
    except TOLD_BY_VIEW:
        return None


# -- the answer ----------------------------------------------------------------------------------------------------------


async def answered(sent: Sent) -> Response:
    """The response to a request whose event was handed to Redis."""
    if sent.refused is not None:
        waiting.forget(sent.waiter)
        told = problems.answer(problems.of(sent.refused))
        return Response(told.status_code, told.content, list(told.headers.items()))
    found = await waiting.outcomes_async(sent.waiter) if sent.waiter else None
    status, said = events.answer(sent.event, found)
    return Response(status, documents.written(said).encode(), _JSON)


async def respond(send: Any, response: Response, asked: Asked) -> None:
    """Send a response with the headers that SecurityMiddleware would add."""
    headers = [
        *response.headers,
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Length", str(len(response.body))),
        (HEADER, asked.request_id),
    ]
    if asked.secure and settings.SECURE_HSTS_SECONDS:
        headers.append(("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}"))
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})


_JSON = [("Content-Type", "application/json; charset=utf-8")]
