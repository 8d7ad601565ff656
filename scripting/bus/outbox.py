"""The outbox relayed: events that were committed with their cause go on their way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
import redis
from django.db import DatabaseError, InterfaceError, connections, router, transaction

from scripting.bus import streams
from scripting.bus.drain_queue import enqueue_quietly
from scripting.bus.events import Event
from scripting.bus.publishing import _entries
from scripting.conf import conf
from scripting.models import OutboxEvent
from scripting.models.ids import id_of
from scripting.storage.bulk_update import delete_rows
from scripting.storage.redis_client import within
from scripting.storage.turns import turn

logger = logging.getLogger(__name__)

BUSY_SECONDS = 0.5
"""From one commit to the next of who leaves deleting to the next. The sweep sends rows again that are there for longer than that and a run."""


def relay(outbox_ids: Sequence[UUID]) -> int:
    """Send committed outbox rows, then delete them: how many. Never raises for Redis or the database: the sweep relays what is left.

    Redis has as long for it as for publishing: whoever committed them waits.

    Idempotent: a row that is sent twice takes effect once.
    """
    return _relay(
        len(outbox_ids), lambda: send_outbox(list(OutboxEvent.objects.filter(pk__in=outbox_ids).order_by("pk")))
    )


def relay_events(events: Sequence[tuple[Event, bytes]], relayed: Relayed | None = None) -> int:
    """As `relay`, for events with their envelopes whose rows this process has just committed: they need not be read again.

    With `relayed` the rows are left to it, where it is about to delete some.
    """
    ids = [id_of(event.id) for event, _ in events]
    if relayed is None or not relayed.is_busy:
        return _relay(len(events), lambda: _send(events, ids))
    sent = _relay(len(events), lambda: _append(events))
    if sent:
        relayed.note(ids)
    return sent


class Relayed:
    """Rows of events that are on their way, of one thread that commits again and again: its next commit deletes them.

    A commit of its own for them would cost as much as a tenth of the batch. If the thread dies before, the sweep sends them once more.
    """

    def __init__(self) -> None:
        self.is_busy = False
        """Whether the last two commits followed each other so quickly that the next one comes before the sweep does."""
        self._ids: list[UUID] = []
        self._committed = -BUSY_SECONDS

    def note(self, ids: Sequence[UUID]) -> None:
        self._ids += ids

    def delete(self) -> None:
        """Delete them in the transaction that is open; where it fails, the next one does."""
        before, self._committed = self._committed, time.monotonic()
        self.is_busy = self._committed - before < BUSY_SECONDS
        if ids := tuple(self._ids):
            delete_rows(OutboxEvent, ids)
            transaction.on_commit(lambda: self._forget(len(ids)), using=router.db_for_write(OutboxEvent))

    def _forget(self, count: int) -> None:
        del self._ids[:count]

    def finish(self) -> None:
        """Delete them now, since no commit follows. Never raises for the database: the sweep sees to what is left."""
        ids, self._ids = self._ids, []
        if ids:
            try:
                _delete(ids)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("%d events that were sent are sent once more by the sweep: %s", len(ids), error)


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
    _append(pairs)
    _delete(ids)
    return len(pairs)


def _append(pairs: Sequence[tuple[Event, bytes]]) -> int:
    for stream, job in streams.append_by_key(_entries(pairs)):
        enqueue_quietly(stream, job)
    return len(pairs)


def _delete(ids: Sequence[UUID]) -> None:
    with turn(connections[router.db_for_write(OutboxEvent)]):
        delete_rows(OutboxEvent, ids)
