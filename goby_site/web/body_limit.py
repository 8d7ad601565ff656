"""No request brings more than the site can want: ASGI middleware that stops reading where a body is too large."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

MAX_BYTES = 4 << 20
"""Twice what the workbench takes. Django would write any body to disk before it asked who sent it."""

Message = MutableMapping[str, Any]


class TooLarge(Exception):
    """The body went past its bound."""


class BoundedBodies:
    """Answers 413 to a body over `MAX_BYTES`, whether its length was announced or not."""

    def __init__(self, inner: Callable[..., Awaitable[None]]) -> None:
        self.inner = inner

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BYTES:
                raise TooLarge
            return message

        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > MAX_BYTES:
            await refuse(send)
            return
        try:
            await self.inner(scope, counted, send)
        except TooLarge:  # while it was read: nothing has been answered
            await refuse(send)


async def refuse(send: Any) -> None:
    """A problem as those of the API are, with `error` as the pages read it."""
    message = f"A request may have {MAX_BYTES >> 20} MiB."
    problem = {"type": "about:blank", "title": "The request is too large", "status": 413, "detail": message}
    body = json.dumps({**problem, "code": "too_large", "error": {"type": "too_large", "message": message}}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
