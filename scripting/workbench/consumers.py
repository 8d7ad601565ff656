"""The workbench's socket: who else has the script open, and notices of what became of it.

A notice is a hint: the page reads what it shows over HTTP, so a lost one only delays.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

import redis
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from scripting import notices
from scripting.models import Script
from scripting.workbench import company
from scripting.workbench.access import VIEW, may

logger = logging.getLogger(__name__)

FORBIDDEN, UNKNOWN, LOGGED_OUT = 4403, 4404, 4401
"""Close codes: not allowed to look; no such script; nobody is logged in."""


class WorkbenchConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc] # channels is not typed
    """One open workbench page. The origin is checked by the router's OriginValidator, the session by its AuthMiddleware."""

    async def connect(self) -> None:
        self.renewing: asyncio.Task[None] | None = None
        self.module, self.name = (self.scope["url_route"]["kwargs"][part] for part in ("module", "name"))
        self.editing, self.since = False, time.time()
        user = self.scope.get("user")
        await self.accept()  # a refusal before it could not say why: browsers hide the status of a failed handshake
        if user is None or not user.is_authenticated:
            await self.close(LOGGED_OUT)
            return
        if not await database_sync_to_async(may)(user, VIEW):
            await self.close(FORBIDDEN)
            return
        if not await Script.objects.named(self.module, self.name).aexists():
            await self.close(UNKNOWN)
            return
        self.user = user.get_username()
        try:
            await self.channel_layer.group_add(notices.GROUP, self.channel_name)
            await self.channel_layer.group_add(company.group_of(self.module, self.name), self.channel_name)
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, the page works without notices
            logger.warning("a workbench page gets no notices: %s: %s", type(error).__name__, error)
        await self.send_json({"type": "ready"})
        await self.announce()
        self.renewing = asyncio.create_task(self.renew())

    async def disconnect(self, code: int) -> None:
        if self.renewing is None:
            return
        self.renewing.cancel()
        with contextlib.suppress(redis.RedisError):
            await asyncio.to_thread(company.leave, self.module, self.name, self.channel_name)
        await self.tell_the_others()
        for group in (notices.GROUP, company.group_of(self.module, self.name)):
            with contextlib.suppress(Exception):
                await self.channel_layer.group_discard(group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """The page says whether it has changes of its own."""
        editing = content.get("editing") if isinstance(content, dict) else None
        if isinstance(editing, bool) and editing != self.editing and self.renewing is not None:
            self.editing = editing
            await self.announce()

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """What is no JSON is nothing."""
        try:
            return await super().decode_json(text_data)
        except ValueError:
            return None

    async def renew(self) -> None:
        while True:
            await asyncio.sleep(company.RENEW_SECONDS)
            await self.announce(quietly=True)
            await self.company_changed({})

    async def announce(self, *, quietly: bool = False) -> None:
        with contextlib.suppress(redis.RedisError):
            await asyncio.to_thread(
                company.announce, self.module, self.name, self.channel_name, self.user,
                editing=self.editing, since=self.since,
            )  # fmt: skip
        if not quietly:
            await self.tell_the_others()

    async def tell_the_others(self) -> None:
        with contextlib.suppress(Exception):
            await self.channel_layer.group_send(company.group_of(self.module, self.name), {"type": "company.changed"})

    async def company_changed(self, event: dict[str, Any]) -> None:
        """Somebody came, left, began or stopped to write."""
        people = await asyncio.to_thread(company.present_or_nobody, self.module, self.name)
        await self.send_json({"type": "company", "people": people})

    async def scripting_notice(self, event: dict[str, Any]) -> None:
        """Something became of some script; the page hears of its own, and of its module's for the list beside it."""
        if event.get("module") == self.module:
            notice = {k: event.get(k) for k in ("kind", "script", "number", "cause", "actor", "reason", "at", "digest")}
            await self.send_json({"type": "notice", **notice})
