"""The sweep: gives streams without a live drain a new job, relays the outbox, strikes dead workers, folds statistics, turns schedules."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from django.db import connections

from scripting.alerts import watching
from scripting.bus import drain_queue, outbox, samples, streams
from scripting.bus.streams import Condition, Stream
from scripting.metrics import error_groups, retention, rollups
from scripting.models import ErrorDelta, KnobSchedule, OutboxEvent, StatDelta
from scripting.processes.place import start_name
from scripting.receipts import roots, sharing
from scripting.registry import schedules
from scripting.schedules.turning import Owner
from scripting.storage.full_redis import OutOfMemoryError, outage, set_for
from scripting.storage.redis_client import key, redis_client
from scripting.supervisor.errors import SupervisorError
from scripting.workers import heartbeat

logger = logging.getLogger(__name__)

OUTBOX_SECONDS = 2.0
"""A row older than this was not relayed by the process that committed it."""
ROOTS_EVERY = 300.0
"""Seconds between two looks whether roots of receipts are due, of whichever worker is first."""
PRUNE_EVERY = 60.0
"""Seconds between two turns of the retention, of whichever worker is first."""
PRUNE_SECONDS = 0.2
"""How long one turn lasts: it happens between two heartbeats."""
OUTBOX_ROWS = 500
"""Relayed in one sweep."""


@dataclass(frozen=True)
class Swept:
    """Counts of what one sweep did."""

    drains: tuple[Stream, ...] = ()
    relayed: int = 0
    dead: tuple[str, ...] = ()
    folded: int = 0
    pruned: bool = False
    turned: int = 0

    def __bool__(self) -> bool:
        return bool(self.drains or self.relayed or self.dead or self.folded or self.pruned or self.turned)


class Sweep:
    """Every worker's sweep. A stream is seen to once two sweeps in a row found it without a lease and its job not waiting:

    between leaving the queue and taking the lease a job is in neither place, and a second apart is longer than that takes.
    """

    def __init__(self, name: str = "") -> None:
        self._suspects: dict[Stream, bytes | None] = {}
        self._owner = Owner(name or start_name())

    def once(self) -> Swept:
        """One sweep. Raises redis.RedisError and database errors; the next one does what this one could not."""
        samples.flush()
        dead = heartbeat.bury_dead_workers()
        drains = self.heal_streams()
        turned = self.turn_schedules() + self._owner.turn()
        self.watch_for_alerts()
        self.make_roots()
        return Swept(tuple(drains), self.relay_outbox(), tuple(dead), self.fold_stats(), self.prune(), turned)

    def heal_streams(self) -> list[Stream]:
        """Enqueue a drain of every stream that nobody answers for: those streams."""
        neglected = {c.stream: c.flag for c in streams.conditions() if is_neglected(c)}
        healed = []
        for stream, flag in neglected.items():
            if stream in self._suspects and self._suspects[stream] == flag:
                job = streams.answer_for(stream, flag)
                if job is not None:
                    logger.warning("stream %s had no live drain and gets one", stream.name)
                    try:
                        drain_queue.enqueue_drain(stream, job)
                    except OutOfMemoryError as error:  # whoever has no job drains without one, see worker
                        outage.note(error)
                    healed.append(stream)
                    _discard_job(flag)
        self._suspects = {stream: flag for stream, flag in neglected.items() if stream not in healed}
        return healed

    def relay_outbox(self) -> int:
        """Send rows that were committed a while ago and are still there. One process at a time does."""
        if not OutboxEvent.objects.exists() or not _first("outbox"):
            return 0
        rows = OutboxEvent.objects.filter(created_at__lt=datetime.now(UTC) - timedelta(seconds=OUTBOX_SECONDS))
        return outbox.send_outbox(list(rows.order_by("pk")[:OUTBOX_ROWS]))

    def fold_stats(self) -> int:
        """Fold what commits added to the statistics. One process at a time does."""
        if not (StatDelta.objects.exists() or ErrorDelta.objects.exists()) or not _first("stats"):
            return 0
        return rollups.fold() + error_groups.fold()

    def turn_schedules(self) -> int:
        """Begin and end values for a time. Whichever process is first does."""
        if not KnobSchedule.objects.open().exists():
            return 0
        try:
            return len(schedules.turn())
        except SupervisorError as error:
            logger.warning("schedules of knobs wait for a sandbox: %s", error)
            return 0

    def watch_for_alerts(self) -> int:
        """Begin and end alerts, every few seconds. Whichever process is first does."""
        return watching.look() if _first("alerts", watching.EVERY_SECONDS) else 0

    def make_roots(self) -> bool:
        """Have yesterday's roots of receipts made. In a thread of its own: at millions of receipts that takes seconds, and the next beat is due."""
        if not _first("receipts", ROOTS_EVERY) or not roots.is_due():
            return False
        threading.Thread(target=_make_roots, name="roots of receipts", daemon=True).start()
        return True

    def prune(self) -> bool:
        """Take a turn of the retention, every PRUNE_EVERY seconds; as long as there is more to do, every second."""
        if not _first("retention", PRUNE_EVERY):
            return False
        done = retention.prune(PRUNE_SECONDS)
        if not done.finished:
            set_for(key("sweep", "retention"), "1", 900, redis_client())
        return bool(done)


def _make_roots() -> None:
    try:
        roots.make_due()
        sharing.complete()
    except Exception:
        logger.exception("roots of receipts were not made; another try follows")
    finally:
        connections.close_all()


def _first(task: str, seconds: float = 1.0) -> bool:
    """Whether no other process took up this task within the last seconds."""
    return set_for(key("sweep", task), "1", int(seconds * 1000), redis_client(), absent=True)


def is_neglected(condition: Condition) -> bool:
    """Whether nobody drains the stream and no waiting job will, although it has entries or says it has a job."""
    return not condition.leased and not condition.queued and (condition.length > 0 or condition.flag is not None)


def _discard_job(job: bytes | None) -> None:
    """Take the job that a dead worker had from RQ's registries, so that RQ does not count it as failed a minute later."""
    if job is None:
        return
    try:
        lost = drain_queue.drain_queue().fetch_job(job.decode())
        if lost is not None:
            lost.delete()
    except redis.RedisError as error:
        logger.debug("job %s not tidied up: %s", job, error)
