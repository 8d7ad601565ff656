"""A drain: takes the events of a stream in order, has each decided, and commits the decisions in batches.

It goes on with streams of the module that nobody else drains: it reads all that it has in one exchange and commits their decisions together.
Longer than other modules because a batch, its retries and the streams that it is of are one state.
"""

from __future__ import annotations

import enum
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from scripting.bus.events import Event
from scripting.bus.lease import Lease, LeaseLost, Read, position, read_all, wait
from scripting.bus.settled import Decided, messages
from scripting.bus.streams import Stream
from scripting.conf import conf
from scripting.storage.redis_errors import is_unavailable

logger = logging.getLogger(__name__)

Decision = TypeVar("Decision")

MOST_AHEAD = 16
"""Entries that run together at the most."""
MOST_READ = 64
"""Entries of a stream that are read at a time: with as large events as may be, those of all its streams fill a gigabyte."""
MAX_HELD_SECONDS = 0.05
"""A decision is committed after this, however few there are: its effects are waited for."""
MOST_STREAMS = 16
"""Streams that one drain has at a time."""
SLOW_SECONDS = 0.25
"""A drain whose batch takes longer keeps one stream and leaves the others to other workers: none shall wait for another's script."""
LINGER_SECONDS = 0.25
"""How long a drain waits at empty streams when no other job waits for a worker: so RQ's commands are paid per batch."""
SLICE_SECONDS = 0.25
"""How long a drain goes on while other jobs wait that it cannot take, so that no stream waits long for its turn; and how often
one with several streams offers one of them to a worker with less to do."""
BUSY_SECONDS = 0.1
"""It offers none unless it was busy for so long without a rest: until others have taken it, the events of a stream would wait for nothing."""
OFFER_SECONDS = 0.005
"""How long it leaves what it has offered to others."""
LINGER_STEP = 0.05
"""Between two looks whether it is time to end. A job that begins to wait is told at once."""
PATIENCE_SECONDS = 0.5
"""Before an event is tried again after a failure of ours that is not the event's doing."""


class DrainResult(enum.StrEnum):
    """How a drain ended; RQ's dashboard shows it as the job's result."""

    EMPTY = "empty"
    HANDED_OVER = "handed over"
    TAKEN = "taken"
    """Another drain had the stream."""
    LOST = "lost"
    """Another drain took the stream over; nothing was committed since."""


class Entry(msgspec.Struct, frozen=True):
    """An event in hand, and the module whose script is to run on it."""

    id: bytes
    event: Event
    envelope: bytes
    delivered_before: bool
    lease: Lease
    """On the stream that it is in."""
    newer: str = ""
    """The event that supersedes it: it waits behind this one, and of the two only the latest has to run."""

    def scripts(self, module: str) -> list[str]:
        return [script for subscriber, script in self.event.subscribers if subscriber == module]


@dataclass(frozen=True)
class Parts(Generic[Decision]):
    """The parts that a drain drives; the drain itself knows neither sandbox nor database."""

    decide: Callable[[Event, str, str, int, Callable[[], None]], Decision]
    """(event, module, script, deliveries, before_read) → what is to become of it; writes nothing."""
    commit: Callable[[Sequence[Decision], Callable[[], None]], Iterable[Decided]]
    """Decisions, all or nothing: the outcomes that it recorded of events which somebody waits for. Calls its second argument last thing
    before it commits, and fails if that raises."""
    abandon: Callable[[Event, str, str, int, str], None]
    """(event, module, script, deliveries, why) → recorded as abandoned. Raises LookupError where it cannot be recorded."""
    is_away: Callable[[Exception], bool]
    """Whether the failure is of what we stand on (the database is unavailable), and no fault of an event. Tells the log."""
    run_ahead: Callable[[Sequence[Event], str, str, Callable[[], None]], Sequence[Callable[[], Decision]]] = (
        lambda _events, _module, _script, _before_read: ()
    )
    """(events, module, script, before_read) → for the first of the events, in order, how to have the decision: they have run together.
    Nothing comes of a decision that is not asked for."""
    supersede: Callable[[Event, str, str, str, int], Decision] | None = None
    """(event, module, script, newer event, deliveries) → recorded as superseded, without a run. None: every event runs."""
    recorded: Callable[[set[str]], set[str]] = lambda _events: set()
    """Those of the events that have an execution."""
    answered: Callable[[Event, str], Mapping[str, bool]] = lambda _event, _module: {}
    """(event, module) → the scripts that have decided on it for good, and whether each answered: where the first that answers decides."""
    answers: Callable[[Decision], bool] = lambda _decision: True
    """Whether a decision is an answer."""
    rest: Callable[[], None] = lambda: None
    """Called when no commit follows for a while: does what commits left to the next one."""
    refresh: Callable[[tuple[bytes | None, ...]], None] = lambda _seen: None
    """Told the version generation with each read."""
    enqueue: Callable[[Stream, str], None] = lambda _stream, _job: None
    """Given the job that a stream is handed over to."""
    take_job: Callable[[], Stream | None] = lambda: None
    """Takes the next drain job of the same module, if it is that module's turn: its stream."""
    stopping: Callable[[], bool] = lambda: False
    """Whether the worker has been asked to end."""
    pause: Callable[[float], object] = time.sleep
    """Waits so many seconds, less if the worker is asked to end."""
    progress: Callable[[], None] = lambda: None
    """Called between events, for whoever watches that the drain is not stuck."""


class FlushFailed(Exception):
    """Held outcomes could not be committed before a read. Never the fault of the script that reads."""


class Interrupted(Exception):
    """The drain's time is up, or its worker is ending, while an event waits to be tried again."""


class Drain(Generic[Decision]):
    """One drain. `run` is a whole job; `step` is one batch of each of its streams."""

    def __init__(self, lease: Lease, parts: Parts[Decision], *, seconds: float | None = None) -> None:
        self.leases = [lease]
        self.parts = parts
        self.started = time.monotonic()
        """When the slice began that is looked at while other jobs wait."""
        self.deadline = self.started + (conf.SCRIPTING_DRAIN_SECONDS if seconds is None else seconds)
        self.jobs_waiting = 0
        self._batch = conf.SCRIPTING_BATCH
        self._settled: list[Entry] = []
        self._outcomes: dict[str, list[Decided]] = defaultdict(list)
        """By event, of those committed since the last read: to be told when they are settled."""
        self._held: list[Decision] = []
        self._held_entries: list[Entry] = []
        self._held_since = 0.0
        self._ahead: deque[tuple[Entry, Callable[[], Decision]]] = deque()
        """Entries that have run ahead of their turn, in order."""
        self._respread: list[Lease] = []
        self._begun = self.started
        self._offered = self.started - OFFER_SECONDS
        self._rested = self.started
        """When it last waited at empty streams."""
        self._took = 0.0
        """Seconds that the last batch took."""
        self._found = False
        self._empty_since: float | None = None
        self._was_refused = False
        self._result = DrainResult.LOST

    # -- the whole job -------------------------------------------------------------------------------------------------

    def run(self) -> DrainResult:
        """Drain until the streams are empty, the time is up or the worker ends; whoever comes next finds the rest in order.

        Raises redis.RedisError: the leases then run out, and the sweep sees to the rest.
        """
        try:
            while self.leases:
                try:
                    if not self._may_go_on() or self._is_others_turn():
                        self._hand_over()
                        continue
                    found = self.step()
                    if not self._share() and not found and self.leases and self._is_over():
                        self._finish()
                except Interrupted:
                    self._discard()  # its time is up
                except LeaseLost as lost:
                    self._drop(lost)
            return self._result
        finally:
            for lease in self.leases:
                lease.forget()
            self.parts.rest()

    def _may_go_on(self) -> bool:
        return not self.parts.stopping() and time.monotonic() < self.deadline

    def _is_others_turn(self) -> bool:
        return self.jobs_waiting > 0 and time.monotonic() - self.started > SLICE_SECONDS

    def _is_over(self) -> bool:
        """At empty streams: wait a little for an event or a job, and say whether none came for long enough."""
        self.parts.rest()
        if self._empty_since is None:
            self._empty_since = time.monotonic()
        left = min(self._empty_since + LINGER_SECONDS, self.deadline) - time.monotonic()
        if self.jobs_waiting > 0 or left <= 0 or self.parts.stopping():
            return True
        wait(self.leases, min(LINGER_STEP, left))
        self._rested = time.monotonic()
        return False

    def _finish(self) -> None:
        """End with each stream in one step with the check that it is empty."""
        self._empty_since = None
        for lease in list(self.leases):
            if lease.finish():
                self.leases.remove(lease)
                self._result = DrainResult.EMPTY

    def _hand_over(self) -> None:
        self._discard()
        results = [self._leave(lease) for lease in list(self.leases)]
        self._result = max(results, key=lambda result: result is DrainResult.HANDED_OVER)

    def _leave(self, lease: Lease) -> DrainResult:
        """Leave a stream, with the rest of it, to whoever comes next. Nothing of it is held."""
        self._settle(lease)
        self._result = DrainResult.EMPTY
        if not lease.finish():
            self._result = DrainResult.HANDED_OVER
            self.parts.enqueue(lease.stream, lease.hand_over())
        self.leases.remove(lease)
        return self._result

    def _drop(self, lost: LeaseLost) -> None:
        logger.warning("%s; what was in hand is left to its new owner", lost)
        self._discard()
        self._result = DrainResult.LOST
        self.leases = [lease for lease in self.leases if lease is not lost.lease]
        lost.lease.forget()

    # -- several streams -----------------------------------------------------------------------------------------------

    def _share(self) -> bool:
        """Share streams with the other workers, after a batch; whether there is a new one to look at."""
        for lease in self._respread:
            if lease in self.leases:
                self._leave(lease)
        if len(self.leases) > 1 and self._took > SLOW_SECONDS:
            for lease in self.leases[1:]:
                self._leave(lease)
            self.started = time.monotonic()
        elif len(self.leases) > 1 and self._found and self._is_busy():
            self._offered = time.monotonic()
            self._leave(self.leases[0])
        return self._take_one()

    def _is_busy(self) -> bool:
        now = time.monotonic()
        return now - self._offered > SLICE_SECONDS and now - self._rested > BUSY_SECONDS

    def _take_one(self) -> bool:
        """Take a stream whose job waits, since no worker was free for it; whether to look again at once. One after each batch: others take some too."""
        if self.jobs_waiting == 0:
            self._was_refused = False
        elif time.monotonic() - self._offered < OFFER_SECONDS:
            self.jobs_waiting = 0
        elif self.leases and len(self.leases) < MOST_STREAMS and self._took < SLOW_SECONDS / 2 and self._may_go_on():
            stream = self.parts.take_job()
            if stream is not None:
                self.jobs_waiting = 0  # the next look counts the others
                lease = Lease.take(stream, self.leases[0].owner)
                if lease is not None:
                    self.leases.append(lease)
                    return True
            elif (
                not self._was_refused
            ):  # another worker was quicker; a job that is not for here waits the next time too
                self._was_refused = True
                self.jobs_waiting = 0
                return True
        return False

    # -- one batch -----------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Run and settle one batch; False if the streams are empty. Raises LeaseLost, Interrupted and redis.RedisError."""
        reads = self._read(min(self._batch, MOST_READ))
        self._begun = time.monotonic()
        entries = [entry for lease, read in reads for entry in self._decoded(lease, read)]
        if any(read.newer for _, read in reads):
            entries = self._without_doubt(entries)
        for entry in entries:  # redelivered: one of them may have killed its worker
            if entry.delivered_before:
                self._run_alone(entry)
        if fresh := [entry for entry in entries if not entry.delivered_before]:
            self._run_together(fresh)
        self._took = time.monotonic() - self._begun
        self._found = any(read.entries for _, read in reads)
        if self._found:
            self._empty_since = None
        return self._found

    def _read(self, count: int) -> list[tuple[Lease, Read]]:
        """Settle what is to be settled and look at the streams. Those whose lease is lost are dropped."""
        settled, leases = self._settled, list(self.leases)
        told = self._messages(settled)
        answers = read_all(
            leases, count, [[entry.id for entry in settled if entry.lease is lease] for lease in leases], told
        )
        self._settled = []
        self._outcomes.clear()
        reads = []
        for lease, answer in zip(leases, answers, strict=True):
            if isinstance(answer, LeaseLost):
                self._drop(answer)
            else:
                reads.append((lease, answer))
        if reads:
            self.jobs_waiting = reads[0][1].jobs_waiting
            self.parts.refresh(reads[0][1].generation)
        self._respread = [lease for lease, read in reads if read.respread]
        return reads

    def _settle(self, lease: Lease) -> None:
        settled = [entry for entry in self._settled if entry.lease is lease]
        read = lease.read(0, [entry.id for entry in settled], self._messages(settled))
        self._settled = [entry for entry in self._settled if entry.lease is not lease]
        self.jobs_waiting = read.jobs_waiting
        self.parts.refresh(read.generation)

    def _messages(self, settled: Iterable[Entry]) -> list[str | bytes]:
        """Tell who waits for settled entries the outcomes, of each entry all or none."""
        told = []
        for entry in settled:
            found = self._outcomes.get(entry.event.id, ())
            is_all = len(found) == len(entry.scripts(entry.lease.stream.module))
            told.append((entry.event, found if is_all else ()))
        return messages(told)

    def _decoded(self, lease: Lease, read: Read) -> list[Entry]:
        redelivered_to = lease.redelivered_to
        entries = []
        for entry, envelope in read.entries:
            try:
                event = Event.decode(envelope)
            except msgspec.DecodeError as error:
                self._set_aside(lease, entry, envelope, f"no envelope: {error}")
                continue
            before = redelivered_to is not None and position(entry) <= position(redelivered_to)
            entries.append(Entry(entry, event, envelope, before, lease, read.newer.get(entry, "")))
        return entries

    def _without_doubt(self, entries: list[Entry]) -> list[Entry]:
        """Only what is sure to be superseded stays so. To run one too many harms nothing, and the newer one must not be one sent twice that has run already."""
        ran: set[str] = set()
        try:
            recorded = self.parts.recorded({entry.newer for entry in entries if entry.newer})
        except Exception as error:
            if _ends_drain(error):
                raise
            if not self.parts.is_away(error):
                logger.warning("events that are superseded are run: %s", _described(error))
            return [replace(entry, newer="") for entry in entries]
        sure = []
        for entry in entries:
            ran.add(entry.event.id)
            sure.append(replace(entry, newer="") if entry.newer in ran or entry.newer in recorded else entry)
        return sure

    def _run_together(self, entries: list[Entry]) -> None:
        """The usual way: decide in order, commit many at once. Whose fault a failure is shows when each runs alone."""
        begun: list[Entry] = []
        self._ahead.clear()
        try:
            for place, entry in enumerate(entries):
                if not self._may_go_on() or self._is_too_slow_for_others():
                    break
                begun.append(entry)
                if not self._ahead:
                    self._run_ahead(entries[place : place + MOST_AHEAD])
                self._decide(entry, self._flush_before_read)
                if self._is_flush_due():
                    self._flush()
            self._flush()
        except Exception as error:
            if _ends_drain(error):
                raise
            if not self.parts.is_away(error):
                names = ", ".join(dict.fromkeys(entry.lease.stream.name for entry in begun))
                logger.warning("a batch of %s is run one by one: %s", names, _described(error))
            self._discard()
            self._ahead.clear()
            settled = {entry.id for entry in self._settled}
            for entry in begun:
                if entry.id not in settled:
                    self._run_alone(entry)

    def _run_ahead(self, entries: Sequence[Entry]) -> None:
        """Have the first entries run together, as far as the same script alone runs on each: most of a short run is the exchange."""
        module = entries[0].lease.stream.module
        scripts = entries[0].scripts(module)
        room = self._batch - len(self._held)
        row = list(takewhile(lambda entry: _is_plain(entry) and entry.scripts(module) == scripts, entries[:room]))
        if len(scripts) != 1 or len(row) < 2:
            return
        self.parts.progress()
        for lease in {entry.lease for entry in row}:
            lease.check()
        events = [entry.event for entry in row]
        ran = self.parts.run_ahead(events, module, scripts[0], self._flush_before_read)
        self._ahead.extend(zip(row, ran, strict=False))

    def _decide(self, entry: Entry, before_read: Callable[[], None], deliveries: int = 1) -> None:
        self.parts.progress()
        entry.lease.check()
        module = entry.lease.stream.module
        known: Mapping[str, bool] = {}
        if first := entry.event.first_decides(module):
            before_read()  # what is held may be of the same event, sent twice
            known = self.parts.answered(entry.event, module)
        for script in entry.scripts(module):
            if script in known:  # a second run might answer otherwise, and let another one decide as well
                if known[script]:
                    break
                continue
            if entry.newer and self.parts.supersede:
                decision = self.parts.supersede(entry.event, module, script, entry.newer, deliveries)
            elif self._ahead and self._ahead[0][0] is entry:
                decision = self._ahead.popleft()[1]()
            else:
                decision = self.parts.decide(entry.event, module, script, deliveries, before_read)
            if not self._held:
                self._held_since = time.monotonic()
            self._held.append(decision)
            if first and self.parts.answers(decision):
                break
        self._held_entries.append(entry)

    def _is_flush_due(self) -> bool:
        return len(self._held) >= self._batch or (
            bool(self._held) and time.monotonic() - self._held_since > MAX_HELD_SECONDS
        )

    def _flush(self) -> None:
        """Commit what is held, so that a read sees it and its entries can be settled."""
        if self._held:
            self.parts.progress()
            for each in self.parts.commit(self._held, self._check_leases):
                self._outcomes[each.event_id].append(each)
        self._settled += self._held_entries
        self._discard()

    def _check_leases(self) -> None:
        for lease in self.leases:
            lease.check()

    def _is_too_slow_for_others(self) -> bool:
        return len(self.leases) > 1 and time.monotonic() - self._begun > SLOW_SECONDS

    def _flush_before_read(self) -> None:
        try:
            self._flush()
        except Exception as error:
            if _ends_drain(error):
                raise
            raise FlushFailed(_described(error)) from error

    def _discard(self) -> None:
        self._held, self._held_entries = [], []

    # -- one event at a time -------------------------------------------------------------------------------------------

    def _run_alone(self, entry: Entry) -> None:
        """Run one event until it is settled: it succeeds, or has failed by its own doing too often and is abandoned.

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
                    self._decide(entry, entry.lease.check, deliveries)
                    self._flush()
                    break
                except Exception as error:
                    if _ends_drain(error):
                        entry.lease.uncount_delivery(entry.id)
                        raise
                    self._discard()
                    self.parts.progress()
                    if not self.parts.is_away(error):
                        why = _described(error)
                        logger.exception("event %s failed, delivery %d: %s", entry.event.id, deliveries, why)
                        continue
                    logger.debug("event %s waits: %s", entry.event.id, _described(error))
            entry.lease.uncount_delivery(entry.id)
            self.parts.pause(PATIENCE_SECONDS)
            if not self._may_go_on():
                raise Interrupted
        self._settle(entry.lease)  # at once: a later event that kills this worker must not bring it back

    def _abandon(self, entry: Entry, deliveries: int, why: str) -> bool:
        """Record that the event will not run; False if that has to wait for the database."""
        module = entry.lease.stream.module
        logger.error(
            "event %s on %s is abandoned after %d deliveries: %s", entry.event.id, entry.event.topic, deliveries, why
        )
        for script in entry.scripts(module):
            try:
                entry.lease.check()
                self.parts.abandon(entry.event, module, script, deliveries, why)
            except Exception as error:
                if _ends_drain(error):
                    raise
                if self.parts.is_away(error):
                    return False
                logger.exception("event %s cannot be recorded", entry.event.id)
                self._set_aside(entry.lease, entry.id, entry.envelope, f"{why}; not recorded: {_described(error)}")
        self._settled.append(entry)
        return True

    def _set_aside(self, lease: Lease, entry: bytes, envelope: bytes, reason: str) -> None:
        stream = lease.stream.name
        logger.critical("entry %s of stream %s is moved to the dead letters: %s", entry.decode(), stream, reason)
        lease.set_aside(entry, envelope, reason)


def _is_plain(entry: Entry) -> bool:
    """Whether nothing but its scripts says what is to become of it."""
    return not entry.newer and not entry.event.first_decides(entry.lease.stream.module)


def _ends_drain(error: Exception) -> bool:
    """Whether the drain ends wherever it is: without its lease or its Redis it may do nothing more."""
    return isinstance(error, LeaseLost) or is_unavailable(error)


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def drain(stream: Stream, owner: str, parts: Parts[Decision], seconds: float | None = None) -> DrainResult:
    """Drain a stream for `seconds` (None: as long as one job may), if no other drain has it."""
    lease = Lease.take(stream, owner)
    if lease is None:
        return DrainResult.TAKEN
    return Drain(lease, parts, seconds=seconds).run()
