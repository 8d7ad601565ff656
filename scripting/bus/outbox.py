"""The outbox relayed: events that were committed with their cause go on their way."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

import msgspec
import redis
from django.db import DatabaseError, InterfaceError

from scripting.bus import streams
from scripting.bus.drain_queue import enqueue_quietly
from scripting.bus.events import Event
from scripting.bus.publishing import _entries
from scripting.models import OutboxEvent

logger = logging.getLogger(__name__)


def relay(outbox_ids: Sequence[UUID]) -> int:
    """Send committed outbox rows, then delete them: how many. Never raises for Redis or the database: the sweep relays what is left.

    Idempotent: a row that is sent twice takes effect once.
    """
    try:
        rows = list(OutboxEvent.objects.filter(pk__in=outbox_ids).order_by("pk"))
        return send_outbox(rows)
    except (redis.RedisError, DatabaseError, InterfaceError) as error:
        logger.warning("%d outgoing events wait for the sweep: %s", len(outbox_ids), error)
        return 0


def send_outbox(rows: Sequence[OutboxEvent]) -> int:
    """Send rows in order and delete them: how many. Raises redis.RedisError and database errors."""
    if not rows:
        return 0
    pairs = []
    for row in rows:
        envelope = bytes(row.envelope)
        try:
            pairs.append((Event.decode(envelope), envelope))
        except msgspec.DecodeError as error:
            logger.critical("outbox row %s of %s is no envelope and is set aside: %s", row.pk, row.topic, error)
            streams.set_aside_outgoing(str(row.pk), envelope, str(error))
    for stream, job in streams.append_by_key(_entries(pairs)):
        enqueue_quietly(stream, job)
    OutboxEvent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(pairs)
