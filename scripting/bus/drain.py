"""A drain: takes the events of a stream in order, has each decided, and commits the decisions in batches.

It goes on with streams of the module that nobody else drains: it reads all that it has in one exchange and commits their decisions together.
"""

from __future__ import annotations

import enum
import logging
import time
from typing import Generic

import msgspec
from msgspec.structs import replace

from scripting.bus.deciding import Deciding
from scripting.bus.drain_parts import Decision, Entry, Interrupted, Parts, described, ends_drain
from scripting.bus.events import Event
from scripting.bus.held import Held
from scripting.bus.lease import Lease, LeaseLost, Read, position, read_all, wait
from scripting.bus.one_by_one import OneByOne, set_aside
from scripting.bus.sharing import Sharing, has_room, is_too_slow
from scripting.bus.streams import Stream
from scripting.conf import conf

logger = logging.getLogger(__name__)

MOST_READ = 64
"""Entries of a stream that are read at a time: with as large events as may be, those of all its streams fill a gigabyte."""
LINGER_SECONDS = 0.25
"""How long a drain waits at empty streams when no other job waits for a worker: so RQ's commands are paid per batch."""
LINGER_STEP = 0.05
"""Between two looks whether it is time to end. A job that begins to wait is told at once."""


class DrainResult(enum.StrEnum):
    """How a drain ended; RQ's dashboard shows it as the job's result."""

    EMPTY = "empty"
    HANDED_OVER = "handed over"
    TAKEN = "taken"
    """Another drain had the stream."""
    LOST = "lost"
    """Another drain took the stream over; nothing was committed since."""


class Drain(Generic[Decision]):
    """One drain. `run` is a whole job; `step` is one batch of each of its streams."""

    def __init__(self, lease: Lease, parts: Parts[Decision], *, seconds: float | None = None) -> None:
        self.leases = [lease]
        self.parts = parts
        self.jobs_waiting = 0
        started = time.monotonic()
        self.deadline = started + (conf.SCRIPTING_DRAIN_SECONDS if seconds is None else seconds)
        self._held = Held(parts, self._check_leases)
        self._deciding = Deciding(parts, self._held)
        self._alone = OneByOne(parts, self._deciding, self._held, self._may_go_on)
        self._sharing = Sharing(started)
        self._respread: list[Lease] = []
        self._begun = started
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
                    self._held.discard()  # its time is up
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
        return self.jobs_waiting > 0 and self._sharing.is_slice_over()

    def _is_over(self) -> bool:
        """At empty streams: wait a little for an event or a job, and say whether none came for long enough."""
        self.parts.rest()
        if self._empty_since is None:
            self._empty_since = time.monotonic()
        left = min(self._empty_since + LINGER_SECONDS, self.deadline) - time.monotonic()
        if self.jobs_waiting > 0 or left <= 0 or self.parts.stopping():
            return True
        with self.parts.gap():
            wait(self.leases, min(LINGER_STEP, left))
        self._sharing.rested()
        return False

    def _finish(self) -> None:
        """End with each stream in one step with the check that it is empty."""
        self._empty_since = None
        for lease in list(self.leases):
            if lease.finish():
                self.leases.remove(lease)
                self._result = DrainResult.EMPTY

    def _hand_over(self) -> None:
        self._held.discard()
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
        self._held.discard()
        self._result = DrainResult.LOST
        self.leases = [lease for lease in self.leases if lease is not lost.lease]
        lost.lease.forget()

    def _check_leases(self) -> None:
        for lease in self.leases:
            lease.check()

    # -- several streams -----------------------------------------------------------------------------------------------

    def _share(self) -> bool:
        """Share streams with the other workers, after a batch; whether there is a new one to look at."""
        for lease in self._respread:
            if lease in self.leases:
                self._leave(lease)
        for lease in self._sharing.to_leave(self.leases, self._took, self._found):
            self._leave(lease)
        return self._take_one()

    def _take_one(self) -> bool:
        """Take a stream whose job waits, since no worker was free for it; whether to look again at once. One after each batch: others take some too."""
        if self.jobs_waiting == 0:
            self._was_refused = False
        elif self._sharing.is_offering():
            self.jobs_waiting = 0
        elif has_room(self.leases, self._took) and self._may_go_on():
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
        reads = self._read(min(conf.SCRIPTING_BATCH, MOST_READ))
        self._begun = time.monotonic()
        entries = [entry for lease, read in reads for entry in _decoded(lease, read)]
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
        leases, held = list(self.leases), self._held
        settled = [[entry.id for entry in held.settled_of(lease)] for lease in leases]
        answers = read_all(leases, count, settled, held.messages(held.settled))
        held.told_all()
        reads = []
        for lease, answer in zip(leases, answers, strict=True):
            if isinstance(answer, LeaseLost):
                self._drop(answer)
            else:
                reads.append((lease, answer))
        if reads:
            self._heard(reads[0][1])
        self._respread = [lease for lease, read in reads if read.respread]
        return reads

    def _settle(self, lease: Lease) -> None:
        settled = self._held.settled_of(lease)
        read = lease.read(0, [entry.id for entry in settled], self._held.messages(settled))
        self._held.told(lease)
        self._heard(read)

    def _heard(self, read: Read) -> None:
        self.jobs_waiting = read.jobs_waiting
        self.parts.refresh(read.generation)

    def _without_doubt(self, entries: list[Entry]) -> list[Entry]:
        """Only what is sure to be superseded stays so. To run one too many harms nothing, and the newer one must not be one sent twice that has run already."""
        ran: set[str] = set()
        try:
            recorded = self.parts.recorded({entry.newer for entry in entries if entry.newer})
        except Exception as error:
            if ends_drain(error):
                raise
            if not self.parts.is_away(error):
                logger.warning("events that are superseded are run: %s", described(error))
            return [replace(entry, newer="") for entry in entries]
        sure = []
        for entry in entries:
            ran.add(entry.event.id)
            sure.append(replace(entry, newer="") if entry.newer in ran or entry.newer in recorded else entry)
        return sure

    def _run_together(self, entries: list[Entry]) -> None:
        """The usual way: decide in order, commit many at once. Whose fault a failure is shows when each runs alone."""
        begun: list[Entry] = []
        held, deciding = self._held, self._deciding
        deciding.forget_ahead()
        try:
            while len(begun) < len(entries) and self._may_go_on():
                if is_too_slow(self.leases, time.monotonic() - self._begun):
                    break
                if not deciding.ahead:
                    deciding.run_ahead(entries, len(begun))
                if not deciding.decide_ahead(begun):
                    begun.append(entries[len(begun)])
                    deciding.decide(begun[-1], held.flush_before_read)
                if held.is_due():
                    held.flush()
            held.flush()
        except Exception as error:
            if ends_drain(error):
                raise
            if not self.parts.is_away(error):
                names = ", ".join(dict.fromkeys(entry.lease.stream.name for entry in begun))
                logger.warning("a batch of %s is run one by one: %s", names, described(error))
            held.discard()
            deciding.forget_ahead()
            settled = {entry.id for entry in held.settled}
            for entry in begun:
                if entry.id not in settled:
                    self._run_alone(entry)

    def _run_alone(self, entry: Entry) -> None:
        self._alone.run(entry)
        self._settle(entry.lease)  # at once: a later event that kills this worker must not bring it back


def _decoded(lease: Lease, read: Read) -> list[Entry]:
    """The events of a stream that was read; what is none goes to the dead letters."""
    redelivered_to, module, newer = lease.redelivered_to, lease.stream.module, read.newer
    entries: list[Entry] = []
    before: list[tuple[str, str]] = []
    scripts: list[str] = []
    for entry, envelope in read.entries:
        try:
            event = Event.decode(envelope)
        except msgspec.DecodeError as error:
            set_aside(lease, entry, envelope, f"no envelope: {error}")
            continue
        again = redelivered_to is not None and position(entry) <= position(redelivered_to)
        if event.subscribers != before:  # mostly they are those of the one before
            before = event.subscribers
            scripts = [script for subscriber, script in before if subscriber == module]
        entries.append(Entry(entry, event, envelope, again, lease, scripts, newer.get(entry, "") if newer else ""))
    return entries


def drain(stream: Stream, owner: str, parts: Parts[Decision], seconds: float | None = None) -> DrainResult:
    """Drain a stream for `seconds` (None: as long as one job may), if no other drain has it."""
    lease = Lease.take(stream, owner)
    if lease is None:
        return DrainResult.TAKEN
    return Drain(lease, parts, seconds=seconds).run()
