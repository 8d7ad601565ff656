"""Wait for the outcomes of events: one look at the database serves all that wait in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import DatabaseError, connection

from scripting.models import Execution

logger = logging.getLogger(__name__)

LOOK = 0.004
"""Seconds between two looks."""
LINGER = 5.0
"""Seconds that the thread stays, with its connection, after the last one waited."""


AFTER_FAILURE = 0.5
"""Seconds after which a database that failed is asked again."""


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

    event_id: str
    expected: int
    wake: Callable[[], object]
    """Called once, in the thread that looks, when all are there."""
    found: Sequence[Decided] = ()


class Lookout:
    """The thread that looks, while anybody waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiters: set[Waiter] = set()
        self._thread: threading.Thread | None = None

    def add(self, waiter: Waiter) -> None:
        with self._changed:
            self._waiters.add(waiter)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="outcomes", daemon=True)
                self._thread.start()
            self._changed.notify()

    def discard(self, waiter: Waiter) -> None:
        with self._changed:
            self._waiters.discard(waiter)

    def _run(self) -> None:
        try:
            while waiters := self._waiting():
                try:
                    complete = look(waiters)
                except DatabaseError as error:
                    logger.warning("no outcomes can be read: %s", error)
                    connection.close()
                    time.sleep(AFTER_FAILURE)
                    continue
                for waiter in complete:
                    self.discard(waiter)
                    with contextlib.suppress(RuntimeError):  # its loop was closed meanwhile
                        waiter.wake()
                time.sleep(LOOK)
        finally:
            connection.close()
            with self._changed:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _waiting(self) -> list[Waiter]:
        """Those who wait; if for long there are none, the thread gives up its place before it ends."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiters, LINGER):
                self._thread = None
            return list(self._waiters)


def look(waiters: Sequence[Waiter]) -> list[Waiter]:
    """Give every waiter the outcomes that its event has by now: those that have all."""
    found = defaultdict(list)
    for decided in of_events({waiter.event_id for waiter in waiters}):
        found[decided.event_id].append(decided)
    for waiter in waiters:
        waiter.found = found[waiter.event_id]
    return [waiter for waiter in waiters if len(waiter.found) >= waiter.expected]


def of_events(names: set[str]) -> list[Decided]:
    """The outcomes of these events, oldest first."""
    rows = Execution.objects.filter(event_id__in=names).order_by("pk").values_list(*Decided._fields)
    return [Decided(*row) for row in rows]


_lookout = Lookout()


def outcomes(event_id: str, expected: int, seconds: float) -> Sequence[Decided]:
    """The outcomes of an event, waited for until there are as many as expected or the time is up."""
    if not expected:
        return []
    done = threading.Event()
    waiter = Waiter(event_id, expected, done.set)
    _lookout.add(waiter)
    done.wait(seconds)
    _lookout.discard(waiter)
    return waiter.found


async def outcomes_async(event_id: str, expected: int, seconds: float) -> Sequence[Decided]:
    """The same in an event loop, where many may wait without a thread each."""
    if not expected:
        return []
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    waiter = Waiter(event_id, expected, lambda: loop.call_soon_threadsafe(done.set))
    _lookout.add(waiter)
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        pass
    finally:
        _lookout.discard(waiter)
    return waiter.found
