"""The outbox relayed: events that were committed with their cause go on their way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
import redis
from django.db import DatabaseError, InterfaceError, router

from scripting.bus import streams
from scripting.bus.drain_queue import enqueue_quietly
from scripting.bus.events import Event
from scripting.bus.publishing import _entries
from scripting.conf import conf
from scripting.models import OutboxEvent
from scripting.storage.bulk_update import delete_rows
from scripting.storage.redis_client import within
from scripting.storage.turns import turn

logger = logging.getLogger(__name__)


def relay(outbox_ids: Sequence[UUID]) -> int:
    """Send committed outbox rows, then delete them: how many. Never raises for Redis or the database: the sweep relays what is left.

    Redis has as long for it as for publishing: whoever committed them waits.

    Idempotent: a row that is sent twice takes effect once.
    """
    return _relay(
        len(outbox_ids), lambda: send_outbox(list(OutboxEvent.objects.filter(pk__in=outbox_ids).order_by("pk")))
    )


def relay_events(events: Sequence[tuple[Event, bytes]]) -> int:
    """As `relay`, for events with their envelopes whose rows this process has just committed: they need not be read again."""
    return _relay(len(events), lambda: _send(events, [UUID(event.id) for event, _ in events]))


def _relay(count: int, send: Callable[[], int]) -> int:
    try:
        with within(conf.SCRIPTING_PUBLISH_SECONDS):
            return send()
    except (redis.RedisError, DatabaseError, InterfaceError) as error:
        logger.warning("%d outgoing events wait for the sweep: %s", count, error)
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
    return _send(pairs, [row.pk for row in rows])


def _send(pairs: Sequence[tuple[Event, bytes]], ids: Sequence[UUID]) -> int:
    for stream, job in streams.append_by_key(_entries(pairs)):
        enqueue_quietly(stream, job)
    with turn(router.db_for_write(OutboxEvent)):
        delete_rows(OutboxEvent, ids)
    return len(pairs)
