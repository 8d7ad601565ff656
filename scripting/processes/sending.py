"""Send messages to groups of the channel layer from threads that have no event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

SEND_SECONDS = 0.02
"""A caller waits so long for its message to be sent: going on at once, it would keep the interpreter from the thread that sends."""

_loop: asyncio.AbstractEventLoop | None = None


def send(messages: Sequence[tuple[str, dict[str, Any]]], what: str) -> None:
    """Tell groups, in this order; never fails the caller. `what` names the messages in the log."""
    layer = get_channel_layer()
    if layer is None:
        return
    loop = _loop
    if loop is not None and loop.is_running():
        with contextlib.suppress(RuntimeError):  # it was closed this moment
            sent = asyncio.run_coroutine_threadsafe(_send(layer, messages), loop)
            sent.add_done_callback(functools.partial(_report, what))
            wait([sent], SEND_SECONDS)
            return
    try:
        async_to_sync(_send)(layer, messages)
    except Exception as error:  # noqa: BLE001 - whatever the layer raises, the change itself stands
        logger.warning("%s was not sent: %s", what, error)


async def _send(layer: Any, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for group, message in messages:
        await layer.group_send(group, message)


def _report(what: str, sent: Future[Any]) -> None:
    error = None if sent.cancelled() else sent.exception()
    if error is not None:
        logger.warning("%s was not sent: %s", what, error)


class SendingLoop:
    """An event loop in a thread of its own that sends this process' messages: quicker than one made for each."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sending", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Messages are sent by loops of their own from here on."""
        global _loop
        _loop = None
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        global _loop
        asyncio.set_event_loop(self._loop)
        _loop = self._loop
        try:
            self._loop.run_forever()
        finally:
            _loop = None
            self._loop.close()
