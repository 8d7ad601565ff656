"""Admit runs in this process: for whom, since when, how many at once, and how to stop one."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from scripting import clock
from scripting.conf import conf
from scripting.modules.calls import CallContext
from scripting.supervisor.pool import Cancellation


class TooManyExecutions(Exception):
    """This process already runs as many scripts as SCRIPTING_MAX_CONCURRENT allows; the message says what to do."""


class ExecutionContext(msgspec.Struct, frozen=True, eq=False):
    """One running execution. `started` is seconds since 1970."""

    call: CallContext
    trigger: str
    started: float
    cancellation: Cancellation


class Admission:
    """A place among the executions of this process, held within its block. A class, since each event takes one and a generator costs more."""

    __slots__ = ("_contexts", "_queue_deadline", "_row")

    def __init__(
        self, contexts: ExecutionContextManager, row: Sequence[ExecutionContext], queue_deadline: float
    ) -> None:
        self._contexts = contexts
        self._row = row
        self._queue_deadline = queue_deadline

    def __enter__(self) -> ExecutionContext:
        self._contexts._enter(self._row, self._queue_deadline)
        return self._row[0]

    def __exit__(self, *_: object) -> None:
        self._contexts._leave(self._row)


class ExecutionContextManager:
    """Admits executions up to a maximum, knows those that run, and cancels them. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        """Threads that wait for a place: who leaves one tells nobody else, which costs as much as the rest."""
        self._running: dict[str, ExecutionContext] = {}
        self._in_row: set[str] = set()
        """Those that run one after the other: each only while its sandbox can be stopped for it."""
        self._taken = 0
        """Places: executions that run one after the other have one together."""

    def admit(self, call: CallContext, trigger: str, queue_deadline: float = 0.0) -> Admission:
        """A place for an execution, held until the block ends. Raises TooManyExecutions after `queue_deadline` seconds."""
        return self.admit_row([self.context(call, trigger)], queue_deadline)

    def admit_row(self, row: Sequence[ExecutionContext], queue_deadline: float = 0.0) -> Admission:
        """One place for executions that run one after the other."""
        return Admission(self, row, queue_deadline)

    @staticmethod
    def context(call: CallContext, trigger: str) -> ExecutionContext:
        """Of an execution that is about to be admitted."""
        return ExecutionContext(call, trigger, clock.seconds(), Cancellation())

    def _enter(self, row: Sequence[ExecutionContext], queue_deadline: float) -> None:
        with self._lock:
            if not self._has_place() and not self._waited(queue_deadline):
                raise TooManyExecutions(
                    f"{self._taken} executions are running, the most that SCRIPTING_MAX_CONCURRENT allows: "
                    "try again, give a queue_deadline, or raise the setting"
                )
            for context in row:
                if context.call.execution_id in self._running:
                    raise ValueError(f"execution {context.call.execution_id} is already running")
            for context in row:
                self._running[context.call.execution_id] = context
            if len(row) > 1:
                self._in_row.update(context.call.execution_id for context in row)
            self._taken += 1

    def _leave(self, row: Sequence[ExecutionContext]) -> None:
        with self._lock:
            for context in row:
                del self._running[context.call.execution_id]
                self._in_row.discard(context.call.execution_id)
            self._taken -= 1
            if self._waiting:
                self._changed.notify()

    def _waited(self, queue_deadline: float) -> bool:
        """Whether there was a place within so many seconds."""
        self._waiting += 1
        try:
            return self._changed.wait_for(self._has_place, queue_deadline or 0)
        finally:
            self._waiting -= 1

    def _has_place(self) -> bool:
        return self._taken < conf.SCRIPTING_MAX_CONCURRENT

    def running(self) -> list[ExecutionContext]:
        """Those that run now in this process, oldest first; of a row the one whose turn it is."""
        with self._lock:
            return [
                context
                for identifier, context in self._running.items()
                if identifier not in self._in_row or context.cancellation.is_watched
            ]

    def cancel(self, execution_id: str) -> bool:
        """Stop a running execution of this process; False if none of that id runs here. Its status becomes `cancelled`."""
        with self._lock:
            context = self._running.get(execution_id)
        if context is None:
            return False
        context.cancellation.cancel()
        return True
