"""One event at a time, until it is settled: what may have killed its worker, or has failed in a batch, shows here whose fault it was."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic

from scripting.bus.deciding import Deciding
from scripting.bus.drain_parts import Decision, Entry, Interrupted, Parts, described, ends_drain
from scripting.bus.held import Held
from scripting.bus.lease import Lease
from scripting.conf import conf

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5
"""Before an event is tried again after a failure of ours that is not the event's doing."""


class OneByOne(Generic[Decision]):
    """Runs single events with nothing else held."""

    def __init__(
        self,
        parts: Parts[Decision],
        deciding: Deciding[Decision],
        held: Held[Decision],
        may_go_on: Callable[[], bool],
    ) -> None:
        self._parts = parts
        self._deciding = deciding
        self._held = held
        self._may_go_on = may_go_on

    def run(self, entry: Entry) -> None:
        """Run one event until it succeeds, or has failed by its own doing too often and is abandoned. Raises Interrupted.

        Later events of the stream wait, since one of them may have the same key.
        """
        why = "its worker died each time"
        while True:
            # Counted before it runs, since it may kill its worker.
            deliveries = entry.delivered_before + entry.lease.count_delivery(entry.id)
            if deliveries > conf.SCRIPTING_MAX_DELIVERIES:
                if self._abandon(entry, deliveries - 1, why):
                    break
            else:
                try:
                    self._deciding.decide(entry, entry.lease.check, deliveries)
                    self._held.flush()
                    break
                except Exception as error:
                    if ends_drain(error):
                        entry.lease.uncount_delivery(entry.id)
                        raise
                    self._held.discard()
                    self._parts.progress()
                    if not self._parts.is_away(error):
                        why = described(error)
                        logger.exception("event %s failed, delivery %d: %s", entry.event.id, deliveries, why)
                        continue
                    logger.debug("event %s waits: %s", entry.event.id, described(error))
            entry.lease.uncount_delivery(entry.id)
            self._parts.pause(PATIENCE_SECONDS)
            if not self._may_go_on():
                raise Interrupted

    def _abandon(self, entry: Entry, deliveries: int, why: str) -> bool:
        """Record that the event will not run; False if that has to wait for the database."""
        module = entry.lease.stream.module
        logger.error(
            "event %s on %s is abandoned after %d deliveries: %s", entry.event.id, entry.event.topic, deliveries, why
        )
        for script in entry.scripts:
            try:
                entry.lease.check()
                self._parts.abandon(entry.event, module, script, deliveries, why)
            except Exception as error:
                if ends_drain(error):
                    raise
                if self._parts.is_away(error):
                    return False
                logger.exception("event %s cannot be recorded", entry.event.id)
                set_aside(entry.lease, entry.id, entry.envelope, f"{why}; not recorded: {described(error)}")
        self._held.settled.append(entry)
        return True


def set_aside(lease: Lease, entry: bytes, envelope: bytes, reason: str) -> None:
    """Move an entry to the dead letters, and tell the log."""
    stream = lease.stream.name
    logger.critical("entry %s of stream %s is moved to the dead letters: %s", entry.decode(), stream, reason)
    lease.set_aside(entry, envelope, reason)
