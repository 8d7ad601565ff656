"""Receive the notices that other processes send, and join their group again whenever the subscription may be lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer

from scripting.processes import notices
from scripting.processes.notices import Notice

logger = logging.getLogger(__name__)

REJOIN_SECONDS = 0.5
"""Between two attempts to join the group."""


class _Group:
    """Receives the group's notices on an event loop of its own, and joins again whenever it may have been lost."""

    def __init__(self, deliver: Callable[[Notice], None]) -> None:
        self._deliver = deliver
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="script-notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        notices.send_through(None)
        self._call(lambda: self._task.cancel() if self._task else None)
        self._thread.join(5)

    def rejoin(self) -> None:
        """Leave and join: a subscription that Redis lost is made anew."""
        self._call(lambda: self._again.set() if self._again else None)

    def _call(self, action: Callable[[], Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(action)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._follow())
        notices.send_through(self._loop)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        finally:
            notices.send_through(None)
            self._loop.close()

    async def _follow(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        while True:
            try:
                await self._belong(layer)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the layer raises, joining again is what helps
                logger.debug("not in the group of notices: %s", error)
                await asyncio.sleep(REJOIN_SECONDS)

    async def _belong(self, layer: Any) -> None:
        """Join, and pass notices on until asked to join anew."""
        self._again = asyncio.Event()
        channel = await layer.new_channel()
        await layer.group_add(notices.GROUP, channel)
        receiving = asyncio.ensure_future(self._receive(layer, channel))
        asked = asyncio.ensure_future(self._again.wait())
        try:
            done, _ = await asyncio.wait({receiving, asked}, return_when=asyncio.FIRST_COMPLETED)
            if receiving in done:
                receiving.result()
        finally:
            for task in (receiving, asked):
                task.cancel()
            await asyncio.gather(receiving, asked, return_exceptions=True)
            await layer.group_discard(notices.GROUP, channel)

    async def _receive(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            try:
                self._deliver(Notice.of(message))
            except TypeError:
                logger.warning("what came on %s was no notice", notices.GROUP)
