"""Groups of the channel layer, followed once per process: all who follow one here share its subscription, and the last gives it up.

A channel of one's own for each socket costs a subscription in Redis each, and Channels forgets to give it up when a message waits
in it while the socket closes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

Hear = Callable[[dict[str, Any]], None]
"""Gets each message of a group, on the event loop. It must neither wait nor raise."""


class NoLayer(RuntimeError):
    """The site has no channel layer: set CHANNEL_LAYERS."""


class _Subscription:
    """The one subscription of this event loop to a group."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.hearing: set[Hear] = set()
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._receive())

    async def _receive(self) -> None:
        layer = get_channel_layer()
        try:
            if layer is None:
                raise NoLayer(NoLayer.__doc__)
            channel = await layer.new_channel()
            await layer.group_add(self.group, channel)
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, those who wait are told
            self.joined.set_exception(error)
            self.joined.exception()  # nobody may wait any more
            return
        self.joined.set_result(None)
        try:
            if not self.hearing:
                self._task.cancel()
            while True:  # cancelled nowhere but inside `receive`, where a layer gives the channel up
                message = await layer.receive(channel)
                for hear in tuple(self.hearing):
                    hear(message)
        finally:
            with contextlib.suppress(Exception):
                await layer.group_discard(self.group, channel)

    def end(self) -> None:
        """Give the channel up. One that has not joined yet does so by itself, since nobody hears it."""
        if self.joined.done():
            self._task.cancel()


_subscriptions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Subscription]] = WeakKeyDictionary()


async def follow(group: str, hear: Hear) -> None:
    """Have `hear` called with each message of `group`, until `leave`. Raises what the layer raises, NoLayer where there is none."""
    here = _subscriptions.setdefault(asyncio.get_running_loop(), {})
    subscription = here.get(group)
    if subscription is None:
        subscription = here[group] = _Subscription(group)
    subscription.hearing.add(hear)
    try:
        await asyncio.shield(subscription.joined)
    except BaseException:
        leave(group, hear)
        raise


def leave(group: str, hear: Hear) -> None:
    """Call `hear` no more. Never waits, so that a socket that is cut off leaves all the same."""
    here = _subscriptions.get(asyncio.get_running_loop(), {})
    subscription = here.get(group)
    if subscription is not None:
        subscription.hearing.discard(hear)
        if not subscription.hearing:
            del here[group]
            subscription.end()
