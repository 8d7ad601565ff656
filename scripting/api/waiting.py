"""Wait for the outcomes of events: drains tell them, and one look at the database serves all events that were only named."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import redis
from django.db import DatabaseError, InterfaceError, connection, router

from scripting.bus.events import Event
from scripting.bus.settled import Decided, Inbox, Told, new_inbox
from scripting.models import Execution
from scripting.sandbox.protocol import encode_value
from scripting.storage.compiled_query import Among, Parameter

logger = logging.getLogger(__name__)

PATIENCE = 0.1
"""Seconds until all are looked up, whatever was told: a message may be lost, and a worker of the last release sends none."""
LINGER = 5.0
"""Seconds that the thread stays, with its connections, after the last one waited."""
AFTER_FAILURE = 0.5
"""Seconds after which a database or a Redis that failed is asked again."""
NO_ANSWER = (None, encode_value(None))
"""Results of a script that leaves the decision to the next one."""


@dataclass(eq=False)
class Waiter:
    """One request that waits for the executions of its event."""

    event: Event
    """To be published as it is here: it names our inbox."""
    until: float
    complete: bool = False
    wake: Callable[[], object] = lambda: None
    """Called once, in the thread that looks, when all are there."""
    _found: dict[UUID, Decided] = field(default_factory=dict)
    """By execution: several drains may tell of one event, each of its own module's scripts."""

    @property
    def found(self) -> list[Decided]:
        """The outcomes known by now, oldest first."""
        return [self._found[execution] for execution in sorted(self._found)]

    def take(self, outcomes: Iterable[Decided]) -> bool:
        """Take some of its outcomes, told or looked up; whether all are there then. Those of another event with its id are none of its own."""
        self._found |= {
            each.pk: each for each in outcomes if (each.script__module, each.script__name) in self.event.subscribers
        }
        return is_complete(self.event, self._found.values())


def is_complete(event: Event, found: Collection[Decided]) -> bool:
    """Whether every script that runs on the event has decided. Where the first that answers decides, those after it do not run."""
    if len(found) >= len(event.subscribers):
        return True
    decided = {(each.script__module, each.script__name) for each in found}
    answered = {each.script__module for each in found if each.result not in NO_ANSWER}
    return all(each in decided or (event.first_decides(each[0]) and each[0] in answered) for each in event.subscribers)


class Lookout:
    """The thread that hears and looks, while anybody waits."""

    def __init__(self) -> None:
        self._name = new_inbox()
        self._lock = threading.Lock()
        self._waiters: dict[str, list[Waiter]] = defaultdict(list)
        """By event."""
        self._thread: threading.Thread | None = None

    def expect(self, event: Event, seconds: float) -> Waiter:
        """Wait for an event before it is published, or it might be settled unheard."""
        waiter = Waiter(msgspec.structs.replace(event, inbox=self._name), time.monotonic() + seconds)
        if not event.subscribers:
            waiter.complete = True
            return waiter
        with self._lock:
            self._waiters[event.id].append(waiter)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="outcomes", daemon=True)
                self._thread.start()
        return waiter

    def when_complete(self, waiter: Waiter, wake: Callable[[], object]) -> None:
        """Have `wake` called once all outcomes are there, which may be at once."""
        with self._lock:
            waiter.wake = wake
            if not waiter.complete:
                return
        wake()

    def forget(self, waiter: Waiter) -> None:
        """Nobody waits for it any more. Idempotent."""
        with self._lock:
            others = [each for each in self._waiters.pop(waiter.event.id, ()) if each is not waiter]
            if others:
                self._waiters[waiter.event.id] = others

    def _run(self) -> None:
        inbox = Inbox(self._name)
        looked, waited = float("-inf"), time.monotonic()
        try:
            while (now := time.monotonic()) < waited + LINGER or not self._gives_up():
                told = _heard(inbox, looked + PATIENCE - now)
                now = time.monotonic()
                if is_time := now >= looked + PATIENCE:
                    looked = now
                    self._forget_overdue(now)
                    waited = now if self._waiters else waited
                named = self._take(told)
                try:
                    if is_time or named:
                        self._take(of_events(self._events() if is_time else named))
                except (DatabaseError, InterfaceError) as error:
                    logger.warning("no outcomes can be read: %s", error)
                    connection.close()
                    time.sleep(AFTER_FAILURE)
                    continue
        finally:
            connection.close()
            inbox.close()
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _gives_up(self) -> bool:
        """Whether still nobody waits; then the thread has given up its place."""
        with self._lock:
            if not self._waiters:
                self._thread = None
            return not self._waiters

    def _forget_overdue(self, now: float) -> None:
        """Forget those whose time is up: a request that was cut off forgets none itself."""
        with self._lock:
            overdue = [each for waiters in self._waiters.values() for each in waiters if each.until <= now]
        for waiter in overdue:
            self.forget(waiter)

    def _events(self) -> set[str]:
        """Those that somebody waits for."""
        with self._lock:
            return set(self._waiters)

    def _take(self, told: Iterable[Told]) -> set[str]:
        """Give outcomes to those who wait for them, and wake who has all; the events that were only named, and that somebody waits for."""
        outcomes: dict[str, list[Decided]] = defaultdict(list)
        named = set()
        for each in told:
            if isinstance(each, str):
                named.add(each)
            else:
                outcomes[each.event_id].append(each)
        with self._lock:
            takers = [(waiter, outcomes[event]) for event in outcomes for waiter in self._waiters.get(event, ())]
            named &= self._waiters.keys()
        for waiter, its in takers:
            if waiter.take(its):
                self._wake(waiter)
        return named

    def _wake(self, waiter: Waiter) -> None:
        self.forget(waiter)
        with self._lock:
            waiter.complete = True
            wake = waiter.wake
        with contextlib.suppress(RuntimeError):  # its loop was closed meanwhile
            wake()


def _heard(inbox: Inbox, seconds: float) -> list[Told]:
    try:
        return inbox.hear(max(0.0, seconds))
    except redis.RedisError as error:
        logger.debug("nothing is heard of events: %s", error)
        time.sleep(PATIENCE)
        return []


def of_events(names: Collection[str]) -> list[Decided]:
    """The outcomes of these events; those of one, oldest first."""
    return [Decided(*row) for row in _outcomes.rows(router.db_for_read(Execution), names)]


_outcomes = Among(
    lambda names: (
        Execution.objects.filter(event_id__in=map(Parameter, names))
        .order_by("pk")
        .values_list(*Decided.__struct_fields__)
    )
)
_lookout = Lookout()


def expect(event: Event, seconds: float) -> Waiter:
    """Call this before the event is published, as the answer has it; then `outcomes`, or `forget` where it was not published."""
    return _lookout.expect(event, seconds)


def forget(waiter: Waiter | None) -> None:
    """Nobody waits for it any more."""
    if waiter is not None:
        _lookout.forget(waiter)


def outcomes(waiter: Waiter) -> Sequence[Decided]:
    """The outcomes of an event that was published, waited for until there are as many as expected or the time is up."""
    done = threading.Event()
    _lookout.when_complete(waiter, done.set)
    done.wait(max(0.0, waiter.until - time.monotonic()))
    _lookout.forget(waiter)
    return waiter.found


async def outcomes_async(waiter: Waiter) -> Sequence[Decided]:
    """The same in an event loop, where many may wait without a thread each."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def end() -> None:
        if not done.done():
            done.set_result(None)

    timer = loop.call_later(max(0.0, waiter.until - time.monotonic()), end)
    _lookout.when_complete(waiter, lambda: loop.call_soon_threadsafe(end))
    try:
        await done
    finally:
        timer.cancel()
        _lookout.forget(waiter)
    return waiter.found
