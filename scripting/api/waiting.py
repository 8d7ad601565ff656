"""Wait for the outcomes of events: drains tell when one is settled, and one look at the database serves all that were told of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import redis
from django.db import DatabaseError, InterfaceError, connection, router

from scripting.bus.events import Event
from scripting.bus.settled import Inbox
from scripting.models import Execution
from scripting.storage.compiled_query import Among, Parameter

logger = logging.getLogger(__name__)

PATIENCE = 0.1
"""Seconds until all are looked up, whatever was told: a message may be lost, and a worker of the last release sends none."""
LINGER = 5.0
"""Seconds that the thread stays, with its connections, after the last one waited."""
AFTER_FAILURE = 0.5
"""Seconds after which a database or a Redis that failed is asked again."""


class Decided(NamedTuple):
    """The columns of an execution that tell its outcome."""

    event_id: str
    pk: uuid.UUID
    script__module: str
    script__name: str
    status: str
    version__number: int | None
    result: bytes | None
    error_type: str
    error_message: str
    error_script: str
    error_line: int | None
    error_column: int | None


@dataclass(eq=False)
class Waiter:
    """One request that waits for the executions of its event."""

    event: Event
    """To be published as it is here: it names our inbox."""
    until: float
    found: Sequence[Decided] = ()
    complete: bool = False
    wake: Callable[[], object] = lambda: None
    """Called once, in the thread that looks, when all are there."""

    @property
    def expected(self) -> int:
        return len(self.event.subscribers)


class Lookout:
    """The thread that hears and looks, while anybody waits."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._waiters: dict[str, list[Waiter]] = defaultdict(list)
        """By event."""
        self._thread: threading.Thread | None = None

    def expect(self, event: Event, seconds: float) -> Waiter:
        """Wait for an event before it is published, or it might be settled unheard."""
        waiter = Waiter(msgspec.structs.replace(event, inbox=self._name), time.monotonic() + seconds)
        if not waiter.expected:
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
                try:
                    complete = look(self._those(None if is_time else told))
                except (DatabaseError, InterfaceError) as error:
                    logger.warning("no outcomes can be read: %s", error)
                    connection.close()
                    time.sleep(AFTER_FAILURE)
                    continue
                for waiter in complete:
                    self._wake(waiter)
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

    def _those(self, told: Collection[str] | None) -> list[Waiter]:
        """Those who wait for these events; None: for any."""
        with self._lock:
            return [
                waiter for each in (self._waiters if told is None else told) for waiter in self._waiters.get(each, ())
            ]

    def _wake(self, waiter: Waiter) -> None:
        self.forget(waiter)
        with self._lock:
            waiter.complete = True
            wake = waiter.wake
        with contextlib.suppress(RuntimeError):  # its loop was closed meanwhile
            wake()


def _heard(inbox: Inbox, seconds: float) -> set[str]:
    try:
        return inbox.hear(max(0.0, seconds))
    except redis.RedisError as error:
        logger.debug("nothing is heard of events: %s", error)
        time.sleep(PATIENCE)
        return set()


def look(waiters: Sequence[Waiter]) -> list[Waiter]:
    """Give every waiter the outcomes that its event has by now: those that have all."""
    found = defaultdict(list)
    for decided in of_events({waiter.event.id for waiter in waiters}):
        found[decided.event_id].append(decided)
    for waiter in waiters:
        waiter.found = found[waiter.event.id]
    return [waiter for waiter in waiters if len(waiter.found) >= waiter.expected]


def of_events(names: Collection[str]) -> list[Decided]:
    """The outcomes of these events; those of one, oldest first."""
    return [Decided(*row) for row in _outcomes.rows(router.db_for_read(Execution), names)]


_outcomes = Among(
    lambda names: (
        Execution.objects.filter(event_id__in=map(Parameter, names)).order_by("pk").values_list(*Decided._fields)
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
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    _lookout.when_complete(waiter, lambda: loop.call_soon_threadsafe(done.set))
    try:
        async with asyncio.timeout(max(0.0, waiter.until - time.monotonic())):
            await done.wait()
    except TimeoutError:
        pass
    finally:
        _lookout.forget(waiter)
    return waiter.found
