"""The sweep: gives streams without a live drain a new job, relays the outbox, strikes dead workers, folds statistics, turns schedules."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from django.db import connections, router
from django.db.models import Exists, QuerySet, Subquery

from scripting import clock
from scripting.alerts import sending, watching
from scripting.bus import drain_queue, outbox, spread, streams
from scripting.bus.streams import Condition, Stream
from scripting.conf import conf
from scripting.metrics import error_groups, folding, retention, trusted_time
from scripting.metrics.trusted_time import ClockDoubted
from scripting.models import (
    AlertMessage,
    ErrorDelta,
    KnobSchedule,
    LoneCommit,
    OutboxEvent,
    ReviewNote,
    Schedule,
    Script,
    StatDelta,
)
from scripting.processes import generation, members
from scripting.processes.place import start_name
from scripting.receipts import roots, sealing, sharing
from scripting.registry import schedules
from scripting.schedules import turning
from scripting.schedules.turning import Owner
from scripting.storage import database_clock
from scripting.storage.compiled_query import Prepared, moment, number
from scripting.storage.full_redis import IN_FULL, OutOfMemoryError, outage, set_for
from scripting.storage.lua import Call, LuaScript, together
from scripting.storage.redis_client import key, redis_client
from scripting.supervisor.errors import SupervisorError
from scripting.workers import heartbeat
from scripting.workers.heartbeat import Dead
from scripting.workers.spreading import Spreading

logger = logging.getLogger(__name__)

OUTBOX_SECONDS = 2.0
"""A row older than this was not relayed by the process that committed it."""
ROOTS_EVERY = 300.0
"""Seconds between two looks whether roots of receipts are due, of whichever worker is first."""
RECEIPTS_REST = 1.0
"""While it makes receipts, a worker has as much time for events again."""
PRUNE_EVERY = 60.0
"""Seconds between two turns of the retention, of whichever worker is first."""
PRUNE_SECONDS = 0.2
"""How long one turn lasts: it happens between two heartbeats."""
TAKEN_UP_MS = 1000
"""For so long one process has a task that all of them look at, such as the outbox."""
OUTBOX_ROWS = 500
"""Relayed in one sweep."""
FOLDS, FOLD_REST = 10, 0.02
"""In one sweep at the most, and seconds between two."""
EVERY = {
    "alerts": watching.EVERY_SECONDS,
    "receipts": ROOTS_EVERY,
    "retention": PRUNE_EVERY,
    "messages": sending.TIDY_SECONDS,
}
"""Seconds between two turns of a task, of all processes together."""


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
    """The sweep of one worker at a time. A stream is seen to once two sweeps in a row found it without a lease and its job not waiting:

    between leaving the queue and taking the lease a job is in neither place, and a second apart is longer than that takes.
    """

    def __init__(
        self,
        name: str = "",
        stopping: Callable[[], bool] = lambda: False,
        await_gap: Callable[[], None] = lambda: None,
    ) -> None:
        self.spreading = Spreading(stopping)
        self._await_gap = await_gap
        """Called before each step: events that this process has in hand go first."""
        self.sends = False
        """Whether messages of alerts wait, by the last sweep."""
        self._suspects: dict[Stream, bytes | None] = {}
        self._owner = Owner(name or start_name())
        self._next = dict.fromkeys(EVERY, float("-inf"))
        self._seen: list[Any] = []
        self._mark: int | None = None
        self._receipts: threading.Thread | None = None
        self._doubt = ""
        """Why the retention deletes nothing, as the log has been told."""

    def asking(self) -> list[Call]:
        """Calls to be made with a beat: whether this process is the one that sweeps and, if it was, what there is to see. See `heard`."""
        if not self._owner.right.held:
            return [self._owner.right.asking()]
        told = [] if self._mark is None else [generation.telling(self._mark)]
        return [self._owner.right.asking(), *self._looks(), *told]

    def _looks(self) -> list[Call]:
        return [streams.looking(), heartbeat.roll_call(), members.mustering(), spread.looking()]

    def heard(self, answers: Sequence[Any]) -> None:
        """Take the answers to `asking`."""
        held = self._owner.right.heard(answers[0])
        self._seen = list(answers[1:5]) if held else []

    def once_if_due(self) -> Swept:
        """One sweep, if this process is the one that sweeps. Raises as `once` does."""
        if not self._owner.right.held:
            self.sends = False
            return Swept()
        seen = self._seen or together(self._looks(), redis_client())
        return self._sweep(*seen)

    def once(self) -> Swept:
        """One sweep, whoever else sweeps. Raises redis.RedisError and database errors; the next one does what this one could not."""
        self._owner.right.ask()
        return self._sweep(*together(self._looks(), redis_client()))

    def after_absence(self, name: str) -> list[Stream]:
        """Have streams drained again at once that were left when processes of this machine ended, or when the worker `name` lost Redis.

        To be called by that worker while it drains nothing. A job too many does no harm, so nobody waits for a second look:
        the streams that get one. Raises redis.RedisError.
        """
        dead = heartbeat.bury(together([heartbeat.roll_call()], redis_client())[0])
        taken = self.take_over(dead, name)
        neglected = [condition for condition in streams.conditions() if is_neglected(condition)]
        # At one look: its job may be on the way from the queue to a worker that is well, which is nothing to warn of.
        return taken + [c.stream for c in neglected if self._give_job(c.stream, c.flag, logging.INFO)]

    def take_over(self, dead: Sequence[Dead], *also: str) -> list[Stream]:
        """Give the streams of those who have ended for certain a job each: those streams."""
        taken = streams.take_over([*also, *(one.name for one in dead if one.is_certain)])
        for stream, job, before in taken:
            logger.warning("stream %s was left in the middle and gets a drain", stream.name)
            _enqueue(stream, job)
            _discard_job(before)
        return [stream for stream, _, _ in taken]

    def _sweep(
        self,
        found: Sequence[Any],
        listed: Sequence[tuple[bytes, int, bytes | None]],
        muster: tuple[int, int],
        spreads: Sequence[Any],
    ) -> Swept:
        dead = heartbeat.bury(listed)
        self.spreading.look(*muster, spread.found_by(spreads))
        drains = self.take_over(dead) + self.heal_streams(streams.found_by(found))
        self._await_gap()
        rows = waiting_rows()
        self._mark = rows.mark
        turned = self.turn_schedules() if rows.knobs else 0
        if self._owner.keeps() and rows.schedules:
            turned += turning.turn()
        self.watch_for_alerts()
        self.make_roots()
        relayed = self.relay_outbox() if rows.outbox else 0
        database_clock.keep_up()
        self._await_gap()
        folded = self.fold_stats(rows)
        self._await_gap()
        if self._is_first("messages") and not trusted_time.doubt():
            sending.tidy(clock.now())
        self.sends = rows.messages
        return Swept(tuple(drains), relayed, tuple(one.name for one in dead), folded, self.prune(), turned)

    def release(self) -> None:
        """Let another process sweep at once. Raises redis.RedisError."""
        self._owner.right.release()

    def heal_streams(self, found: Sequence[Condition] | None = None) -> list[Stream]:
        """Enqueue a drain of every stream that nobody answers for: those streams."""
        neglected = {c.stream: c.flag for c in (streams.conditions() if found is None else found) if is_neglected(c)}
        healed = []
        for stream, flag in neglected.items():
            if stream in self._suspects and self._suspects[stream] == flag and self._give_job(stream, flag):
                _discard_job(flag)
                healed.append(stream)
        self._suspects = {stream: flag for stream, flag in neglected.items() if stream not in healed}
        return healed

    def _give_job(self, stream: Stream, flag: bytes | None, level: int = logging.WARNING) -> bool:
        """Have a stream drained that nobody answers for; False if somebody was first."""
        job = streams.answer_for(stream, flag)
        if job is None:
            return False
        logger.log(level, "stream %s had no live drain and gets one", stream.name)
        _enqueue(stream, job)
        return True

    def relay_outbox(self) -> int:
        """Send rows that were committed a while ago and are still there. One process at a time does."""
        if not OutboxEvent.objects.exists() or not _first("outbox"):
            return 0
        now, wait = clock.now(), timedelta(seconds=OUTBOX_SECONDS)
        # One from the future was committed by a host whose clock was wrong.
        rows = OutboxEvent.objects.exclude(created_at__range=(now - wait, now + wait))
        return outbox.send_outbox(list(rows.order_by("pk")[:OUTBOX_ROWS]))

    def fold_stats(self, rows: Rows) -> int:
        """Fold what commits added to the statistics. One process at a time does."""
        if not (rows.stats or rows.errors) or not _first("stats"):
            return 0
        stats = self._fold() if rows.stats else 0
        errors = error_groups.fold() if rows.errors else 0
        return stats + errors

    def _fold(self) -> int:
        """Fold a few at a time, so that no event waits for long, and no more than what a second leaves time for."""
        folded = 0
        for _ in range(FOLDS):
            found = folding.fold(self._await_gap)
            folded += found or 0
            if found is None or found < folding.FOLD:
                break
            time.sleep(FOLD_REST)
        return folded

    def turn_schedules(self) -> int:
        """Begin and end values for a time. Whichever process is first does."""
        try:
            return len(schedules.turn())
        except SupervisorError as error:
            logger.warning("schedules of knobs wait for a sandbox: %s", error)
            return 0

    def watch_for_alerts(self) -> int:
        """Begin and end alerts, every few seconds. Whichever process is first does."""
        return watching.look() if self._is_first("alerts") else 0

    def make_roots(self) -> bool:
        """Have yesterday's receipts made, and their roots. In a thread of its own: that takes seconds to minutes, and the next beat is due."""
        if not self._is_first("receipts") or not roots.is_due() or trusted_time.doubt():
            return False
        return self._make_receipts(_make_roots)

    def _make_receipts(self, make: Callable[[], object]) -> bool:
        """Begin a task of receipts, unless the one before goes on."""
        if self._receipts is not None and self._receipts.is_alive():
            return False
        self._receipts = threading.Thread(target=_aside, args=[make], name="receipts", daemon=True)
        self._receipts.start()
        return True

    def prune(self) -> bool:
        """Take a turn of the retention, every PRUNE_EVERY seconds; as long as there is more to do, every second."""
        if not self._is_first("retention"):
            return False
        try:
            done = retention.prune(PRUNE_SECONDS)
        except ClockDoubted as doubt:
            if str(doubt) != self._doubt:
                logger.warning("%s", doubt)
            self._doubt = str(doubt)
            return False
        self._doubt = ""
        if done.unsealed:
            self._make_receipts(_seal)
        if not done.finished:
            set_for(key("sweep", "retention"), "1", 900, redis_client())
            self._next["retention"] = time.monotonic() + 0.9
        return bool(done)

    def _is_first(self, task: str) -> bool:
        """Whether it is due, and no other process took it up lately. Redis is not asked before it can be due."""
        now = time.monotonic()
        if now < self._next[task]:
            return False
        left = _take_up([key("sweep", task)], [int(EVERY[task] * 1000)], redis_client())
        self._next[task] = now + (left / 1000 if left else EVERY[task])
        return not left


def _make_roots() -> None:
    roots.make_due(rest=RECEIPTS_REST)
    sharing.complete()


def _seal() -> None:
    """Make the receipts of all that is committed: the retention waits for them, where it keeps less than a day."""
    sealing.seal(clock.now(), rest=RECEIPTS_REST)


def _aside(make: Callable[[], object]) -> None:
    try:
        make()
    except Exception:
        logger.exception("receipts or their roots were not made; another try follows")
    finally:
        connections.close_all()


def _first(task: str) -> bool:
    """Whether no other process took up this task within the last TAKEN_UP_MS."""
    return set_for(key("sweep", task), "1", TAKEN_UP_MS, redis_client(), absent=True)


# KEYS: a task. ARGV: milliseconds that it is taken up for. Answers those that are left of another's, 0 where it is ours.
_take_up = LuaScript(
    IN_FULL
    + """
if redis.call('SET', KEYS[1], '1', 'PX', ARGV[1], 'NX') then return 0 end
return math.max(1, redis.call('PTTL', KEYS[1]))
"""
)


@dataclass(frozen=True)
class Rows:
    """Whether rows wait for a sweep, each kind by itself, and the registry's mark."""

    outbox: bool
    stats: bool
    errors: bool
    knobs: bool
    schedules: bool
    messages: bool
    mark: int


def waiting_rows() -> Rows:
    """Look at all that waits in the database in one statement."""
    using = router.db_for_read(Script)
    found = _all_that_waits.rows(using, now=moment(clock.now(), using))
    if not found:  # without a script there is no row to say it on
        return Rows(True, True, True, True, True, True, 0)
    outbox, stats, lone, errors, knobs, schedules, messages, notes, mark = found[0]
    messages = bool(messages or (notes and conf.SCRIPTING_MAIL_PEOPLE))
    return Rows(bool(outbox), bool(stats or lone), bool(errors), bool(knobs), bool(schedules), messages, mark or 0)


def _looks_at_all() -> QuerySet[Any, Any]:
    now: Any = number("now")
    latest = Script.history.order_by("-history_id").values("history_id")[:1]
    return Script.objects.order_by("pk").values_list(
        Exists(OutboxEvent.objects.all()),
        Exists(StatDelta.objects.all()),
        Exists(LoneCommit.objects.all()),
        Exists(ErrorDelta.objects.all()),
        Exists(KnobSchedule.objects.due(now)),
        Exists(Schedule.objects.due(now)),
        Exists(AlertMessage.objects.filter(state=AlertMessage.State.WAITING, due_at__lte=now)),
        Exists(ReviewNote.objects.filter(mailed_at=None)),
        Subquery(latest),
    )[:1]


_all_that_waits = Prepared(_looks_at_all)


def is_neglected(condition: Condition) -> bool:
    """Whether nobody drains the stream and no waiting job will, although it has entries or says it has a job."""
    return not condition.leased and not condition.queued and (condition.length > 0 or condition.flag is not None)


def _enqueue(stream: Stream, job: str) -> None:
    try:
        drain_queue.enqueue_drain(stream, job)
    except OutOfMemoryError as error:  # whoever has no job drains without one, see worker
        outage.note(error)


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
