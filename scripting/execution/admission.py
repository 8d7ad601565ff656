"""Admit runs in this process: for whom, since when, how many at once, and how to stop one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from scripting.conf import conf
from scripting.modules.calls import CallContext
from scripting.supervisor.pool import Cancellation


class TooManyExecutions(Exception):
    """This process already runs as many scripts as SCRIPTING_MAX_CONCURRENT allows; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """One running execution. `started` is seconds since 1970."""

    call: CallContext
    trigger: str
    started: float
    cancellation: Cancellation = field(repr=False, compare=False)


class ExecutionContextManager:
    """Admits executions up to a maximum, knows those that run, and cancels them. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[str, ExecutionContext] = {}

    @contextlib.contextmanager
    def admit(self, call: CallContext, trigger: str, queue_deadline: float = 0.0) -> Iterator[ExecutionContext]:
        """A place for an execution, held until the block ends. Raises TooManyExecutions after `queue_deadline` seconds."""
        context = ExecutionContext(call, trigger, time.time(), Cancellation())
        with self._changed:
            if not self._changed.wait_for(self._has_place, queue_deadline or 0):
                raise TooManyExecutions(
                    f"{len(self._running)} executions are running, the most that SCRIPTING_MAX_CONCURRENT allows: "
                    "try again, give a queue_deadline, or raise the setting"
                )
            if call.execution_id in self._running:
                raise ValueError(f"execution {call.execution_id} is already running")
            self._running[call.execution_id] = context
        try:
            yield context
        finally:
            with self._changed:
                del self._running[call.execution_id]
                self._changed.notify()

    def _has_place(self) -> bool:
        return len(self._running) < conf.SCRIPTING_MAX_CONCURRENT

    def running(self) -> list[ExecutionContext]:
        """Those that run now in this process, oldest first."""
        with self._changed:
            return list(self._running.values())

    def cancel(self, execution_id: str) -> bool:
        """Stop a running execution of this process; False if none of that id runs here. Its status becomes `cancelled`."""
        with self._changed:
            context = self._running.get(execution_id)
        if context is None:
            return False
        context.cancellation.cancel()
        return True
