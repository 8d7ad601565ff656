"""Receive the notices that other processes send, in the thread that follows them, and join their group again whenever it was lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import redis
from channels.layers import get_channel_layer

from scripting.processes import notices
from scripting.processes.channel_layer import RedisChannelLayer
from scripting.processes.notices import Notice

logger = logging.getLogger(__name__)

REJOIN_SECONDS = 0.25
"""Between two attempts to join the group."""


class Subscription:
    """Of one thread. `ring` is for all others."""

    def __init__(self, group: str = notices.PROCESSES, joined: Callable[[], None] = lambda: None) -> None:
        """`joined` is called at each joining: what was sent before it was missed."""
        self._group = group
        self.is_told = False
        """Whether this process hears of each change. Of a channel layer that is not ours nobody hears without an event loop: one looks."""
        self._joined = joined
        layer = get_channel_layer()
        self._layer = layer if isinstance(layer, RedisChannelLayer) else None
        self._reader = None if self._layer is None else self._layer.reader(group)

    def join(self) -> None:
        """Be told of what is sent from here on, if that can be now; `wait` tries again."""
        if self._reader is None or self.is_told:
            return
        try:
            self._reader.join()
        except redis.RedisError as error:
            logger.debug("not in the group of notices: %s", error)
        else:
            self.is_told = True
            self._joined()

    def wait(self, seconds: float) -> list[Notice]:
        """Notices: those that are there, or the first within `seconds`; none too when somebody rings."""
        self.join()
        if self._reader is None or not self.is_told:
            time.sleep(min(seconds, REJOIN_SECONDS))
            return []
        try:
            messages = self._reader.wait(seconds)
        except redis.RedisError as error:
            logger.debug("no longer in the group of notices: %s", error)
            self.is_told = False
            return []
        return [notice for message in messages if (notice := self._notice(message)) is not None]

    def _notice(self, message: bytes) -> Notice | None:
        try:
            return Notice.of(self._layer.deserialize(message))  # type: ignore[union-attr] # who has a reader has it of the layer
        except Exception as error:  # noqa: BLE001 - whatever it is, this thread goes on
            logger.warning("what came on %s was no notice: %s", self._group, error)
            return None

    def ring(self) -> None:
        """Have `wait` return."""
        if self._reader is not None:
            self._reader.ring()

    def leave(self) -> None:
        """Be told of nothing more."""
        self.is_told = False
        if self._reader is not None:
            self._reader.leave()
