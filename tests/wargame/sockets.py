"""A WebSocket to the site's own ASGI application, without a server in between."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

from goby_site.asgi import application

HERE = "http://127.0.0.1:8000"
PATIENCE = 20
"""Seconds: well over the LOOK_SECONDS after which a page sees by itself what no notice told it."""


class Socket(ApplicationCommunicator):
    """`path` may have a query; `origin` None sends none, as programs that are no browser do."""

    def __init__(self, path: str, *, origin: str | None = HERE, cookie: str = "") -> None:
        path, _, query = path.partition("?")
        headers = [(b"host", b"127.0.0.1:8000")]
        headers += [(b"origin", origin.encode())] if origin is not None else []
        headers += [(b"cookie", cookie.encode())] if cookie else []
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": [],
            "client": ["127.0.0.1", 4711],
        }
        super().__init__(application, scope)

    async def open(self) -> bool:
        """Whether the site accepted the connection."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(PATIENCE)
        return bool(answer["type"] == "websocket.accept")

    async def read(self) -> dict[str, Any]:
        """The next message."""
        answer = await self.receive_output(PATIENCE)
        assert answer["type"] == "websocket.send", answer
        message: dict[str, Any] = json.loads(answer["text"])
        return message

    async def close_code(self) -> int:
        """The code with which the site closes."""
        answer = await self.receive_output(PATIENCE)
        assert answer["type"] == "websocket.close", answer
        return int(answer["code"])

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(PATIENCE):  # `wait` says nothing of one that it had to cancel
            await asyncio.wait([self.future])
        await self.wait()
