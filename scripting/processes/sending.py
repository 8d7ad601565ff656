"""Send messages to groups of the channel layer from threads that have no event loop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from scripting.processes.channel_layer import RedisChannelLayer

logger = logging.getLogger(__name__)


def send(messages: Sequence[tuple[str, dict[str, Any]]], what: str) -> None:
    """Tell groups, in this order; never fails the caller. `what` names the messages in the log."""
    try:
        deliver(messages)
    except Exception as error:  # noqa: BLE001 - whatever the layer raises, the change itself stands
        logger.warning("%s was not sent: %s", what, error)


def deliver(messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """As `send`, and raises what the layer raises."""
    layer = get_channel_layer()
    if isinstance(layer, RedisChannelLayer):
        layer.tell(messages)
    elif layer is not None:
        for group, message in messages:
            async_to_sync(layer.group_send)(group, message)
