"""Wait for the executions of events: one look at the database serves all that wait in this process."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import close_old_connections, connection

from scripting.models import Execution

LOOK = 0.005
"""Seconds between two looks."""
BLOBS = ("inputs", "inputs_text", "result_text", "host_calls", "log")


@dataclass(eq=False)
class Waiter:
    """One request that waits for the executions of its event."""

    event_id: str
    expected: int
    done: threading.Event = field(default_factory=threading.Event)
    found: Sequence[Execution] = ()


class Lookout:
    """The thread that looks, while anybody waits. It ends by itself when nobody does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: set[Waiter] = set()
        self._thread: threading.Thread | None = None

    def wait(self, waiter: Waiter, seconds: float) -> None:
        with self._lock:
            self._waiters.add(waiter)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="outcomes", daemon=True)
                self._thread.start()
        waiter.done.wait(seconds)
        with self._lock:
            self._waiters.discard(waiter)

    def _run(self) -> None:
        try:
            while waiters := self._waiting():
                close_old_connections()
                look(waiters)
                time.sleep(LOOK)
        finally:
            connection.close()
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _waiting(self) -> list[Waiter]:
        """Those who wait; with none, the thread gives up its place before it ends."""
        with self._lock:
            if not self._waiters:
                self._thread = None
            return list(self._waiters)


def look(waiters: Sequence[Waiter]) -> None:
    """Give every waiter the executions that its event has by now."""
    found = defaultdict(list)
    names = {waiter.event_id for waiter in waiters}
    for execution in of_events(names):
        found[execution.event_id].append(execution)
    for waiter in waiters:
        waiter.found = found[waiter.event_id]
        if len(waiter.found) >= waiter.expected:
            waiter.done.set()


def of_events(names: set[str]) -> list[Execution]:
    """The executions of these events, oldest first."""
    executions = Execution.objects.filter(event_id__in=names).defer(*BLOBS).select_related("script")
    return list(
        executions.select_related("version").defer(*BLOBS, "version__content", "version__source").order_by("pk")
    )


_lookout = Lookout()


def executions_of(event_id: str, expected: int, seconds: float) -> Sequence[Execution]:
    """The executions of an event, waited for until there are as many as expected or the time is up."""
    if not expected:
        return []
    waiter = Waiter(event_id, expected)
    _lookout.wait(waiter, seconds)
    return waiter.found
