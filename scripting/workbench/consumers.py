"""The workbench's sockets: notices of what became of scripts, and who else has one open.

A notice is a hint: the page reads what it shows over HTTP, so a lost one only delays. Who may hear it is asked anew while a
socket is open: a session that ends, or a permission that is taken away, closes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from typing import Any

import redis
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.utils import await_many_dispatch
from django.db import DatabaseError, InterfaceError

from scripting import clock
from scripting.models import Script
from scripting.processes import groups, notices
from scripting.storage.redis_client import answers
from scripting.workbench import sessions, viewers

logger = logging.getLogger(__name__)

FORBIDDEN, UNKNOWN, LOGGED_OUT, LATER, NO_REDIS, NOT_SET_UP = 4403, 4404, 4401, 1013, 4503, 4505
"""Close codes: not allowed to look; no such script; nobody is logged in; the database does not answer now; Redis does not; the site has no layer."""

LOOK_SECONDS = 5.0
"""How often a socket asks whether Redis, which brings its notices, still answers."""

JUDGED_SECONDS = 3.0
"""Who was found to be allowed is not asked about again for so long."""

HEARD_AT_MOST = 100
"""Messages that wait for a page which takes none."""

TOLD = ("kind", "module", "script", "number", "cause", "actor", "reason", "at", "digest")
"""A notice as pages receive it."""


class FollowingConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc] # channels is not typed
    """A page that is told what becomes of any script: the tree, a history.

    The origin is checked by the router's OriginValidator, the session at first by its AuthMiddleware.
    """

    closed = False
    judged = float("-inf")
    keeping: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Dispatch what the page says and what its groups are told. However the socket ends, it follows nothing afterwards."""
        self.scope, self.base_send = scope, send
        self.page = uuid.uuid4().hex
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue(HEARD_AT_MOST)
        self.following: list[str] = []
        try:
            with contextlib.suppress(StopConsumer):
                await await_many_dispatch([receive, self.heard.get], self.dispatch)
        finally:
            self.closed = True
            if self.keeping is not None:
                self.keeping.cancel()
            for group in self.following:
                groups.leave(group, self.hear)

    def hear(self, message: dict[str, Any]) -> None:
        """Keep what a group is told until its turn. A page that takes nothing is sent away; it reads what it missed when it comes back."""
        try:
            self.heard.put_nowait(message)
        except asyncio.QueueFull:
            asyncio.get_running_loop().create_task(self.refuse(LATER))

    async def connect(self) -> None:
        await self.accept()  # a refusal before it could not say why: browsers hide the status of a failed handshake
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.refuse(LOGGED_OUT)
        elif not await self.is_allowed():
            return
        elif not await self.is_there():
            await self.refuse(UNKNOWN)
        else:
            self.user = user.get_username()
            try:
                for group in self.followed():
                    self.following.append(group)
                    await groups.follow(group, self.hear)
            except groups.NoLayer:
                await self.refuse(NOT_SET_UP)
            except Exception as error:  # noqa: BLE001 - whatever the layer raises, the page hears nothing
                logger.warning("a workbench page gets no notices: %s: %s", type(error).__name__, error)
                await self.refuse(NO_REDIS)
            if await self.is_served():
                await self.tell({"type": "ready"})
                self.keeping = asyncio.create_task(self.keep())

    async def disconnect(self, code: int) -> None:
        self.closed = True

    async def is_allowed(self) -> bool:
        """Whether the page may be told anything; closes the socket of one that may not."""
        if not self.closed and time.monotonic() - self.judged >= JUDGED_SECONDS:
            try:
                allowed = await sessions.may_still_look(self.scope["session"].session_key)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("a workbench page is to come back: %s", error)
                await self.refuse(LATER)
            else:
                self.judged = time.monotonic()
                if not allowed:
                    await self.refuse(LOGGED_OUT if allowed is None else FORBIDDEN)
        return not self.closed

    async def refuse(self, code: int) -> None:
        """Close, and tell nothing any more."""
        if not self.closed:
            self.closed = True
            await self.close(code)

    async def tell(self, document: dict[str, Any]) -> None:
        if not self.closed:
            await self.send_json(document)

    async def is_served(self) -> bool:
        """Whether Redis answers; closes the socket of a page that hears nothing without it."""
        if not self.closed and not await answers():
            await self.refuse(NO_REDIS)
        return not self.closed

    async def keep(self) -> None:
        """Until the socket ends: ask for Redis often, renew now and then."""
        renewed = time.monotonic()
        while await self.is_served():
            await asyncio.sleep(min(LOOK_SECONDS, viewers.RENEW_SECONDS))
            if time.monotonic() - renewed >= viewers.RENEW_SECONDS and await self.is_allowed():
                renewed = time.monotonic()
                await self.renewed()

    async def renewed(self) -> None:
        """The page is still open, and its person may still look."""

    async def scripting_session_ended(self, event: dict[str, Any]) -> None:
        """Its person logged out, on this page or another."""
        await self.refuse(LOGGED_OUT)

    async def is_there(self) -> bool:
        """Whether the page that the address names exists."""
        return True

    def followed(self) -> list[str]:
        """The groups whose messages the page gets."""
        return [notices.GROUP, sessions.group_of(self.scope["session"].session_key)]

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """The page has nothing to say."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Text alone: pages say nothing in bytes."""
        if text_data is not None:
            await super().receive(text_data, None, **kwargs)

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """Ignore what is not JSON."""
        try:
            return await super().decode_json(text_data)
        except (ValueError, RecursionError):
            return None

    async def scripting_notice(self, event: dict[str, Any]) -> None:
        """Something became of some script."""
        if await self.is_allowed():
            await self.tell({"type": "notice", **{name: event.get(name) for name in TOLD}})


class WorkbenchConsumer(FollowingConsumer):
    """One open workbench: it is also told who else has the script open, and tells the others of itself."""

    async def connect(self) -> None:
        self.module, self.name = (self.scope["url_route"]["kwargs"][part] for part in ("module", "name"))
        self.editing, self.since = False, clock.seconds()
        await super().connect()
        if self.keeping is not None:
            await self.announce()

    async def is_there(self) -> bool:
        return await Script.objects.named(self.module, self.name).aexists()

    def followed(self) -> list[str]:
        return [*super().followed(), viewers.group_of(self.module, self.name)]

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.keeping is not None:
            with contextlib.suppress(redis.RedisError):
                await asyncio.to_thread(viewers.leave, self.module, self.name, self.page)
            await self.tell_the_others()

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """The page says whether it has changes of its own."""
        editing = content.get("editing") if isinstance(content, dict) else None
        if isinstance(editing, bool) and editing != self.editing and self.keeping is not None and not self.closed:
            self.editing = editing
            await self.announce()

    async def renewed(self) -> None:
        await self.announce(quietly=True)
        await self.company_changed({})

    async def announce(self, *, quietly: bool = False) -> None:
        with contextlib.suppress(redis.RedisError):
            await asyncio.to_thread(
                viewers.announce, self.module, self.name, self.page, self.user,
                editing=self.editing, since=self.since,
            )  # fmt: skip
        if not quietly:
            await self.tell_the_others()

    async def tell_the_others(self) -> None:
        layer = get_channel_layer()
        with contextlib.suppress(Exception):
            await layer.group_send(viewers.group_of(self.module, self.name), {"type": "company.changed"})

    async def company_changed(self, event: dict[str, Any]) -> None:
        """Somebody came, left, began or stopped to write."""
        if await self.is_allowed():
            people = await asyncio.to_thread(viewers.people_or_nobody, self.module, self.name)
            await self.tell({"type": "company", "people": people})

    async def scripting_notice(self, event: dict[str, Any]) -> None:
        """The page hears of its own script, and of its module's for the list beside it."""
        if event.get("module") == self.module:
            await super().scripting_notice(event)
