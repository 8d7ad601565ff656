"""Admit runs in this process: for whom, since when, how many at once, and how to stop one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from scripting import clock
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


class Admission:
    """A place among the executions of this process, held within its block. A class, since each event takes one and a generator costs more."""

    __slots__ = ("_context", "_contexts", "_queue_deadline")

    def __init__(self, contexts: ExecutionContextManager, context: ExecutionContext, queue_deadline: float) -> None:
        self._contexts = contexts
        self._context = context
        self._queue_deadline = queue_deadline

    def __enter__(self) -> ExecutionContext:
        self._contexts._enter(self._context, self._queue_deadline)
        return self._context

    def __exit__(self, *_: object) -> None:
        self._contexts._leave(self._context)


class ExecutionContextManager:
    """Admits executions up to a maximum, knows those that run, and cancels them. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[str, ExecutionContext] = {}

    def admit(self, call: CallContext, trigger: str, queue_deadline: float = 0.0) -> Admission:
        """A place for an execution, held until the block ends. Raises TooManyExecutions after `queue_deadline` seconds."""
        return Admission(self, ExecutionContext(call, trigger, clock.seconds(), Cancellation()), queue_deadline)

    def _enter(self, context: ExecutionContext, queue_deadline: float) -> None:
        execution_id = context.call.execution_id
        with self._changed:
            if not self._has_place() and not self._changed.wait_for(self._has_place, queue_deadline or 0):
                raise TooManyExecutions(
                    f"{len(self._running)} executions are running, the most that SCRIPTING_MAX_CONCURRENT allows: "
                    "try again, give a queue_deadline, or raise the setting"
                )
            if execution_id in self._running:
                raise ValueError(f"execution {execution_id} is already running")
            self._running[execution_id] = context

    def _leave(self, context: ExecutionContext) -> None:
        with self._changed:
            del self._running[context.call.execution_id]
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
