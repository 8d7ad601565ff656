"""The sockets of the battle page: one carries HTML for the parts that changed, the other the state as JSON.

Both begin with what the page has missed since the `since` of its address, then send how each newer look differs from the last one
they sent. A page is never more than `audience.LOOK_SECONDS` behind, even while the notices' Redis is unavailable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async

from wargame.access import is_public, may_watch
from wargame.audience import audience_of
from wargame.look import Look

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)

FORBIDDEN, UNKNOWN, AGAIN = 4403, 4404, 1011
"""Close codes: not allowed to watch; there is no such game; a fault of ours."""


class GameSocket:
    """Base of both sockets. Subclasses say what to send.

    No consumer of Channels: each of those has a channel, hence a subscription in Redis, and waits for a thread at every message.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that somebody connects
        await send(
            {"type": "websocket.accept"}
        )  # a refusal before it could not say why: browsers hide the status of a failed handshake
        if is_public() or await database_sync_to_async(may_watch)(scope.get("user")):
            writing = asyncio.create_task(self.write(scope, send))
        else:
            await close(send, FORBIDDEN)
            return
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass  # pages have nothing to say here: whatever comes is not even read
        finally:  # however the socket ends, its place is free afterwards
            writing.cancel()
            await asyncio.wait([writing])

    async def write(self, scope: Scope, send: Send) -> None:
        """Send the newest look again and again. While the page takes none, `send` waits, and looks go by."""
        audience, since = audience_of(scope["url_route"]["kwargs"]["game"]), _since(scope)
        seat = audience.sit(since)
        shown: Look | None = None
        try:
            while (look := await seat.newest()) is not None:
                text = self.first(look, since) if shown is None else self.next(look, shown)
                await send({"type": "websocket.send", "text": text})
                shown = look
            await close(send, UNKNOWN)
        except OSError:
            pass  # the page has left
        except Exception:  # closed, the page comes back by itself; open, it would wait for ever
            logger.exception("a battle page is to come back")
            await close(send, AGAIN)
        finally:
            await audience.leave(seat)

    def first(self, look: Look, since: int | None) -> str:
        """The message for a page that has seen the log up to `since`; None for one that shows nothing yet."""
        raise NotImplementedError

    def next(self, look: Look, shown: Look) -> str:
        """The message for a page that was sent `shown`."""
        raise NotImplementedError


class GameHtmlSocket(GameSocket):
    """HTML of score, rosters and log, rendered and escaped by the templates; the map too for a page that shows nothing yet."""

    def first(self, look: Look, since: int | None) -> str:
        return look.html(since)

    def next(self, look: Look, shown: Look) -> str:
        return look.html_after(shown)


class GameFeedSocket(GameSocket):
    """The state as JSON, for the map and for whoever else wants to follow the battle."""

    def first(self, look: Look, since: int | None) -> str:
        return look.feed(since)

    def next(self, look: Look, shown: Look) -> str:
        return look.feed_after(shown)


async def close(send: Send, code: int) -> None:
    await send({"type": "websocket.close", "code": code})


def _since(scope: Scope) -> int | None:
    """The entry up to which the page has seen the log; None for a page that shows nothing yet."""
    text = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("since", [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
