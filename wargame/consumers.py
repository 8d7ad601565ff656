"""The sockets of the battle page: one carries HTML for the parts that changed, the other the state as JSON.

Both begin with what the page has missed since the `since` of its address, then send what each notice makes of the database.
A page is never more than `LOOK_SECONDS` behind, even while the notices' Redis is unavailable.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError

from wargame import presentation, rewind
from wargame.access import may_watch
from wargame.live import group_of
from wargame.models import Game

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often a socket looks at the database without a notice."""
FORBIDDEN, UNKNOWN = 4403, 4404
"""Close codes: not allowed to watch; there is no such game."""


class GameConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Base of both sockets. Subclasses say what to send."""

    async def connect(self) -> None:
        self.looking: asyncio.Task[None] | None = None
        self.game_id = int(self.scope["url_route"]["kwargs"]["game"])
        self.seen = _since(self.scope)
        self.shown: tuple[Any, ...] = ()
        self.turn_to_send = asyncio.Lock()
        await self.accept()  # a refusal before it could not say why: browsers hide the status of a failed handshake
        if not await database_sync_to_async(may_watch)(self.scope.get("user")):
            await self.close(FORBIDDEN)
            return
        if not await Game.objects.filter(pk=self.game_id).aexists():
            await self.close(UNKNOWN)
            return
        try:
            await self.channel_layer.group_add(group_of(self.game_id), self.channel_name)
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, looking does without notices
            logger.warning("a battle page gets no notices: %s: %s", type(error).__name__, error)
        await self.send_changes(first=True)
        self.looking = asyncio.create_task(self.look())

    async def disconnect(self, code: int) -> None:
        if self.looking is not None:
            self.looking.cancel()
        with contextlib.suppress(Exception):
            await self.channel_layer.group_discard(group_of(self.game_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Pages have nothing to say here: whatever comes is not even read."""

    async def game_changed(self, event: dict[str, Any]) -> None:
        """A notice from `wargame.live`."""
        await self.send_changes()

    async def look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.send_changes()
            except DatabaseError as error:
                logger.warning("the battle page cannot read the game: %s", error)

    async def send_changes(self, *, first: bool = False) -> None:
        """Send what has changed since the last time; nothing when nothing has."""
        async with self.turn_to_send:
            message, shown, sequence = await database_sync_to_async(self.changes)(first)
            if message is not None and (first or shown != self.shown):
                await self.send_json(message)
                self.shown, self.seen = shown, max(sequence, self.seen or 0)

    def changes(self, first: bool) -> tuple[dict[str, Any] | None, tuple[Any, ...], int]:
        """(message, what it shows, up to which entry); reads the database."""
        game = Game.objects.get(pk=self.game_id)
        following = None if game.is_running else _next_battle(game)
        shown = (game.sequence, game.turn, game.phase, game.status, following)
        if not first and shown == self.shown:
            return None, shown, game.sequence
        return self.message(game, first) | {"sequence": game.sequence, "next": following}, shown, game.sequence

    def message(self, game: Game, first: bool) -> dict[str, Any]:
        raise NotImplementedError


class GameHtmlConsumer(GameConsumer):
    """HTML of score, rosters and log, rendered and escaped by the templates; the map too for a page that shows nothing yet."""

    def message(self, game: Game, first: bool) -> dict[str, Any]:
        whole = first and self.seen is None
        entries = presentation.entries_after(game, self.seen or 0)
        return {"type": "html", "fragments": presentation.fragments(game, entries, whole=whole)}


class GameFeedConsumer(GameConsumer):
    """The state as JSON, for the map and for whoever else wants to follow the battle."""

    def message(self, game: Game, first: bool) -> dict[str, Any]:
        entries = [] if self.seen is None else presentation.entries_after(game, self.seen)
        return {
            "type": "state" if first else "update",
            **presentation.board_data(rewind.now(game)),
            "entries": [presentation.entry_data(entry) for entry in entries],
        }


def _since(scope: dict[str, Any]) -> int | None:
    """The entry up to which the page has seen the log; None for a page that shows nothing yet."""
    text = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("since", [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _next_battle(game: Game) -> int | None:
    return Game.objects.running().filter(demo=True, pk__gt=game.pk).values_list("pk", flat=True).first()
