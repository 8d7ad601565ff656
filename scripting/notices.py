"""Notices over Channels: that a version became active. They are hints: a lost one only delays, see registry and generation."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

if TYPE_CHECKING:
    from scripting.models import Activation

logger = logging.getLogger(__name__)

GROUP = "scripting.notices"
"""Everyone who follows the scripts joins this group; messages have type `scripting.notice`."""


@dataclass(frozen=True)
class Notice:
    """What happened to a script. `kind`: `activated`, `reverted`, `rejected` or `in_conflict`."""

    kind: str
    module: str
    script: str
    number: int | None
    digest: str
    cause: str
    actor: str
    reason: str
    at: float
    """Seconds since 1970 UTC."""


def activated(activation: Activation) -> Notice:
    version = activation.version
    return Notice(
        "reverted" if activation.cause == "file_deleted" else "activated",
        activation.script.module,
        activation.script.name,
        version.number if version else None,
        version.sha256 if version else "",
        activation.cause,
        str(activation.actor or ""),
        activation.reason,
        activation.created_at.timestamp(),
    )


def send(notice: Notice) -> None:
    """Tell the group; never fails the caller, whose change is already committed."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, {"type": "scripting.notice", **asdict(notice)})
    except Exception as error:  # noqa: BLE001 - whatever the layer raises, the change itself stands
        logger.warning("notice of %s/%s not sent: %s", notice.module, notice.script, error)
