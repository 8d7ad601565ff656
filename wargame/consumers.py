"""The sockets of the battle page: one carries HTML for the parts that changed, the other the state as JSON.

Both begin with what the page has missed since the `since` of its address, then send how each newer look differs from the last one
they sent. A page is never more than `audience.LOOK_SECONDS` behind, even while the notices' Redis is unavailable.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from wargame.access import is_public, may_watch
from wargame.audience import Seat, audience_of
from wargame.look import Look

logger = logging.getLogger(__name__)

FORBIDDEN, UNKNOWN, AGAIN = 4403, 4404, 1011
"""Close codes: not allowed to watch; there is no such game; a fault of ours."""


class GameConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Base of both sockets. Subclasses say what to send."""

    channel_layer_alias = "none"  # the audience hears the notices: a channel here would cost each socket a subscription
    writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """However a socket ends, its place is free afterwards."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.writing is not None:
                self.writing.cancel()
                await asyncio.wait([self.writing])

    async def connect(self) -> None:
        await self.accept()  # a refusal before it could not say why: browsers hide the status of a failed handshake
        if is_public() or await database_sync_to_async(may_watch)(self.scope.get("user")):
            self.writing = asyncio.create_task(self.write())
        else:
            await self.close(FORBIDDEN)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages have nothing to say here: whatever comes is not even read."""

    async def write(self) -> None:
        """Send the newest look again and again. While the page takes none, `send` waits, and looks go by."""
        audience = audience_of(self.scope["url_route"]["kwargs"]["game"])
        since = _since(self.scope)
        seat = audience.sit(since)
        try:
            await self.send_looks(seat, since)
        except OSError:
            pass  # the page has left
        except Exception:  # closed, the page comes back by itself; open, it would wait for ever
            logger.exception("a battle page is to come back")
            await self.close(AGAIN)
        finally:
            await audience.leave(seat)

    async def send_looks(self, seat: Seat, since: int | None) -> None:
        shown: Look | None = None
        while (look := await seat.newest()) is not None:
            await self.send(self.first(look, since) if shown is None else self.next(look, shown))
            shown = look
        await self.close(UNKNOWN)

    def first(self, look: Look, since: int | None) -> str:
        """The message for a page that has seen the log up to `since`; None for one that shows nothing yet."""
        raise NotImplementedError

    def next(self, look: Look, shown: Look) -> str:
        """The message for a page that was sent `shown`."""
        raise NotImplementedError


class GameHtmlConsumer(GameConsumer):
    """HTML of score, rosters and log, rendered and escaped by the templates; the map too for a page that shows nothing yet."""

    def first(self, look: Look, since: int | None) -> str:
        return look.html(since)

    def next(self, look: Look, shown: Look) -> str:
        return look.html_after(shown)


class GameFeedConsumer(GameConsumer):
    """The state as JSON, for the map and for whoever else wants to follow the battle."""

    def first(self, look: Look, since: int | None) -> str:
        return look.feed(since)

    def next(self, look: Look, shown: Look) -> str:
        return look.feed_after(shown)


def _since(scope: dict[str, Any]) -> int | None:
    """The entry up to which the page has seen the log; None for a page that shows nothing yet."""
    text = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("since", [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
