"""A drain: takes the events of one stream in order, has each decided, and commits the decisions in batches."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from scripting.bus.events import Event
from scripting.bus.lease import Lease, LeaseLost, Read, position
from scripting.bus.settled import messages
from scripting.bus.streams import Stream
from scripting.conf import conf
from scripting.storage.redis_client import MOVED

logger = logging.getLogger(__name__)

Decision = TypeVar("Decision")

MAX_HELD_SECONDS = 0.05
"""A decision is committed after this, however few there are: its effects are waited for."""
LINGER_SECONDS = 0.25
"""How long a drain waits at an empty stream when no other job waits for a worker: so RQ's commands are paid per batch."""
SLICE_SECONDS = 0.25
"""How long a drain goes on while other jobs wait, so that no stream waits long for its turn."""
LINGER_STEP = 0.05
"""Between two looks whether it is time to end. A job that begins to wait is told at once."""
PATIENCE_SECONDS = 0.5
"""Before an event is tried again after a failure of ours that is not the event's doing."""


PASSED_ON = (LeaseLost, *MOVED)
"""Ends a drain wherever it is: without its lease or its Redis it may do nothing more."""


class DrainResult(enum.StrEnum):
    """How a drain ended; RQ's dashboard shows it as the job's result."""

    EMPTY = "empty"
    HANDED_OVER = "handed over"
    TAKEN = "taken"
    """Another drain had the stream."""
    LOST = "lost"
    """Another drain took the stream over; nothing was committed since."""


@dataclass(frozen=True)
class Entry:
    """An event in hand, and the module whose script is to run on it."""

    id: bytes
    event: Event
    envelope: bytes
    delivered_before: bool

    def scripts(self, module: str) -> list[str]:
        return [script for subscriber, script in self.event.subscribers if subscriber == module]


@dataclass(frozen=True)
class Parts(Generic[Decision]):
    """The parts that a drain drives; the drain itself knows neither sandbox nor database."""

    decide: Callable[[Event, str, str, int, Callable[[], None]], Decision]
    """(event, module, script, deliveries, before_read) → what is to become of it; writes nothing."""
    commit: Callable[[Sequence[Decision], Callable[[], None]], None]
    """Decisions, all or nothing. Calls its second argument last thing before it commits, and fails if that raises."""
    abandon: Callable[[Event, str, str, int, str], None]
    """(event, module, script, deliveries, why) → recorded as abandoned. Raises LookupError where it cannot be recorded."""
    is_away: Callable[[Exception], bool]
    """Whether the failure is of what we stand on (the database is unavailable), and no fault of an event. Tells the log."""
    answered: Callable[[Event, str], Mapping[str, bool]] = lambda _event, _module: {}
    """(event, module) → the scripts that have decided on it for good, and whether each answered: where the first that answers decides."""
    answers: Callable[[Decision], bool] = lambda _decision: True
    """Whether a decision is an answer."""
    refresh: Callable[[tuple[bytes | None, ...]], None] = lambda _seen: None
    """Told the version generation with each read."""
    enqueue: Callable[[Stream, str], None] = lambda _stream, _job: None
    """Given the job that a stream is handed over to."""
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
    """One drain of a stream. `run` is a whole job; `step` is one batch."""

    def __init__(self, lease: Lease, parts: Parts[Decision], *, seconds: float | None = None) -> None:
        self.lease = lease
        self.parts = parts
        self.started = time.monotonic()
        self.deadline = self.started + (conf.SCRIPTING_DRAIN_SECONDS if seconds is None else seconds)
        self.jobs_waiting = 0
        self._is_respread = False
        self._batch = conf.SCRIPTING_BATCH
        self._settled: list[Entry] = []
        self._held: list[Decision] = []
        self._held_entries: list[Entry] = []
        self._held_since = 0.0

    # -- the whole job -------------------------------------------------------------------------------------------------

    def run(self) -> DrainResult:
        """Drain until the stream is empty, the time is up or the worker ends; whoever comes next finds the rest in order.

        Raises redis.RedisError: the lease then runs out, and the sweep sees to the rest.
        """
        try:
            while self._may_go_on() and not self._is_others_turn():
                if not self.step() and self._is_over():
                    return DrainResult.EMPTY
            return self._hand_over()
        except Interrupted:
            return self._hand_over()
        except LeaseLost as lost:
            logger.warning("%s; what was in hand is left to its new owner", lost)
            return DrainResult.LOST
        finally:
            self.lease.forget()

    def _may_go_on(self) -> bool:
        return not self.parts.stopping() and time.monotonic() < self.deadline

    def _is_others_turn(self) -> bool:
        return self._is_respread or (self.jobs_waiting > 0 and time.monotonic() - self.started > SLICE_SECONDS)

    def _is_over(self) -> bool:
        """At an empty stream: linger for more events, then end the drain in one step with the check that there are none."""
        until = min(time.monotonic() + LINGER_SECONDS, self.deadline)
        while self.jobs_waiting == 0 and time.monotonic() < until and not self.parts.stopping():
            self.lease.wait(LINGER_STEP)
            read = self._read(1)
            if read.entries or read.respread:
                return False
        return self.lease.finish()

    def _hand_over(self) -> DrainResult:
        self._read(0)
        self._discard()
        if self.lease.finish():
            return DrainResult.EMPTY
        self.parts.enqueue(self.lease.stream, self.lease.hand_over())
        return DrainResult.HANDED_OVER

    # -- one batch -----------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Run and settle one batch; False if the stream is empty. Raises LeaseLost, Interrupted and redis.RedisError."""
        read = self._read(self._batch)
        entries = self._decoded(read)
        fresh = [entry for entry in entries if not entry.delivered_before]
        for entry in entries[: len(entries) - len(fresh)]:  # redelivered: one of them may have killed its worker
            self._run_alone(entry)
        if fresh:
            self._run_together(fresh)
        return bool(read.entries)

    def _read(self, count: int) -> Read:
        settled = self._settled
        read = self.lease.read(count, [entry.id for entry in settled], messages(entry.event for entry in settled))
        self._settled = []
        self.jobs_waiting = read.jobs_waiting
        self._is_respread = read.respread
        self.parts.refresh(read.generation)
        return read

    def _decoded(self, read: Read) -> list[Entry]:
        redelivered_to = self.lease.redelivered_to
        entries = []
        for entry, envelope in read.entries:
            try:
                event = Event.decode(envelope)
            except msgspec.DecodeError as error:
                self._set_aside(entry, envelope, f"no envelope: {error}")
                continue
            before = redelivered_to is not None and position(entry) <= position(redelivered_to)
            entries.append(Entry(entry, event, envelope, before))
        return entries

    def _run_together(self, entries: list[Entry]) -> None:
        """The usual way: decide in order, commit many at once. Whose fault a failure is shows when each runs alone."""
        begun: list[Entry] = []
        try:
            for entry in entries:
                if not self._may_go_on():
                    break
                begun.append(entry)
                self._decide(entry, self._flush_before_read)
                if self._is_flush_due():
                    self._flush()
            self._flush()
        except PASSED_ON:
            raise
        except Exception as error:  # noqa: BLE001 - whatever failed, each event is tried again by itself
            if not self.parts.is_away(error):
                logger.warning("a batch of %s is run one by one: %s", self.lease.stream.name, _described(error))
            self._discard()
            settled = {entry.id for entry in self._settled}
            for entry in begun:
                if entry.id not in settled:
                    self._run_alone(entry)

    def _decide(self, entry: Entry, before_read: Callable[[], None], deliveries: int = 1) -> None:
        self.parts.progress()
        self.lease.check()
        module = self.lease.stream.module
        known: Mapping[str, bool] = {}
        if first := entry.event.first_decides(module):
            before_read()  # what is held may be of the same event, sent twice
            known = self.parts.answered(entry.event, module)
        for script in entry.scripts(module):
            if script in known:  # a second run might answer otherwise, and let another one decide as well
                if known[script]:
                    break
                continue
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
            self.parts.commit(self._held, self.lease.check)
        self._settled += self._held_entries
        self._discard()

    def _flush_before_read(self) -> None:
        try:
            self._flush()
        except PASSED_ON:
            raise
        except Exception as error:
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
            deliveries = entry.delivered_before + self.lease.count_delivery(entry.id)
            if deliveries > conf.SCRIPTING_MAX_DELIVERIES:
                if self._abandon(entry, deliveries - 1, why):
                    break
            else:
                try:
                    self._decide(entry, self.lease.check, deliveries)
                    self._flush()
                    break
                except PASSED_ON:
                    self.lease.count_delivery(entry.id, -1)
                    raise
                except Exception as error:
                    self._discard()
                    self.parts.progress()
                    if not self.parts.is_away(error):
                        why = _described(error)
                        logger.exception("event %s failed, delivery %d: %s", entry.event.id, deliveries, why)
                        continue
                    logger.debug("event %s waits: %s", entry.event.id, _described(error))
            self.lease.count_delivery(entry.id, -1)
            self.parts.pause(PATIENCE_SECONDS)
            if not self._may_go_on():
                raise Interrupted
        self._read(0)  # settles it at once: a later event that kills this worker must not bring it back

    def _abandon(self, entry: Entry, deliveries: int, why: str) -> bool:
        """Record that the event will not run; False if that has to wait for the database."""
        module = self.lease.stream.module
        logger.error(
            "event %s on %s is abandoned after %d deliveries: %s", entry.event.id, entry.event.topic, deliveries, why
        )
        for script in entry.scripts(module):
            try:
                self.lease.check()
                self.parts.abandon(entry.event, module, script, deliveries, why)
            except PASSED_ON:
                raise
            except Exception as error:
                if self.parts.is_away(error):
                    return False
                logger.exception("event %s cannot be recorded", entry.event.id)
                self._set_aside(entry.id, entry.envelope, f"{why}; not recorded: {_described(error)}")
        self._settled.append(entry)
        return True

    def _set_aside(self, entry: bytes, envelope: bytes, reason: str) -> None:
        stream = self.lease.stream.name
        logger.critical("entry %s of stream %s is moved to the dead letters: %s", entry.decode(), stream, reason)
        self.lease.set_aside(entry, envelope, reason)


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def drain(stream: Stream, owner: str, parts: Parts[Decision], seconds: float | None = None) -> DrainResult:
    """Drain a stream for `seconds` (None: as long as one job may), if no other drain has it."""
    lease = Lease.take(stream, owner)
    if lease is None:
        return DrainResult.TAKEN
    return Drain(lease, parts, seconds=seconds).run()
