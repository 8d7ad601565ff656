"""One sandbox as the supervisor sees it: load a bundle, run it, kill it. Any doubt in the middle of an exchange ends it."""

from __future__ import annotations

import dataclasses
import select
import threading
from itertools import pairwise
from time import monotonic
from typing import Any

from msgspec import structs

from scripting.sandbox import protocol
from scripting.sandbox.protocol import (
    Answer,
    Call,
    Connection,
    Done,
    Load,
    Loaded,
    RemoteProtocolError,
    Run,
    ValueProblem,
)
from scripting.supervisor import exit_status
from scripting.supervisor.channel import Channel, DeadlinePassed, PeerGone
from scripting.supervisor.errors import HostCallRefused, SandboxLost, SandboxUnavailable
from scripting.supervisor.fork_server import (
    ExitStatus,
    Handle,
    ParentClient,
    ask_for_last_word,
    cpu_seconds,
    kill,
    release,
)
from scripting.supervisor.interface import HostCall, HostCallable, HostFunction, RunOutcome, RunRequest
from scripting.supervisor.traces import MOST_TRACE_BYTES, checked_trace
from scripting.types import Bundle, ErrorType, ExecutionMetrics, ScriptError, SecurityLimits

_FRAME_SLACK = 64 << 10
_CALL_BYTES = 1 << 20
_LOADED_CAP = 1 << 20
_START_SECONDS = 10.0
_BUSY_WAITS = 4
"""Times that a text's time for compiling is waited for on a host that is too busy to compile it."""
BUSY = "this host is too busy to compile the text in time, which is no fault of the text: try again"
LAST_WORD_SECONDS = 0.1
"""How long a sandbox that is to be killed may take for its last word. It takes a millisecond once it has a processor; the rest is
for a host that is busy, and short enough that what a stuck script costs beyond its limit is not felt."""


class NotStarted(Exception):
    """The sandbox had ended before the run began, or was killed from outside before the run had any effect: run elsewhere."""


class WornOut(NotStarted):
    """Memory ran out where earlier runs had left some of theirs, before the run had any effect: run in a fresh sandbox."""


class Sandbox:
    """A locked-down process that serves one bundle. Used by one thread at a time."""

    # More than thirty of them: without slots, CPython would look each up in a dict, of which a run has some twenty.
    __slots__ = (
        "_cap", "_compiled_us", "_ended", "_ending", "_most_memory", "alive", "asked", "bundle", "busy_us", "call_cap", "calls",
        "channel", "compile_us", "connection", "cpu_us", "functions", "handle", "host_seconds", "last_turn", "last_us", "layers",
        "limit", "limits", "lost", "missing", "most_runs", "parent", "runs", "shelf", "spent", "traces",
    )  # fmt: skip

    def __init__(
        self,
        parent: ParentClient,
        handle: Handle,
        bundle: Bundle,
        functions: tuple[HostFunction, ...],
        limits: SecurityLimits,
        *,
        traces: bool = False,
    ) -> None:
        self.parent = parent
        self.handle = handle
        self.bundle = bundle
        self.functions = functions
        self.limits = limits
        self.channel = Channel(handle.socket)
        self.connection = Connection(sandbox_end=False)
        self.runs = 0
        self.most_runs = 0
        """After so many it makes room for a fresh one."""
        self.busy_us = 0
        self.last_us = 0
        """Microseconds that its last run took."""
        self.compile_us = 0
        """Microseconds of compiling that the first run has waited for."""
        self._compiled_us = 0
        self.layers: tuple[str, ...] = ()
        self.missing: tuple[tuple[str, str], ...] = ()
        self.alive = True
        self.spent = False
        """Not to be used again."""
        self.asked = False
        """For its last word: it is about to be killed."""
        self._ending = threading.Lock()
        self._ended = ExitStatus(None)
        self.cpu_us = 0
        """Processor time of the runs that came to their end."""
        self.calls = 0
        """Host calls of this run, and the seconds that they took."""
        self.host_seconds = 0.0
        self.lost = ExecutionMetrics()
        """The cost of a run that was lost with its sandbox."""
        self.shelf: Shelf | None = None
        """Where the pool keeps it while it is free."""
        self.last_turn = 0
        self._cap = limits.max_result_bytes + 2 * limits.max_log_bytes + 16 * limits.max_log_lines + _FRAME_SLACK
        if traces:
            self._cap += MOST_TRACE_BYTES
        self.traces = traces
        self._most_memory = limits.max_memory_bytes + (64 << 20)
        self.limit = limits.max_execution_time
        self.call_cap = max(self._cap, _CALL_BYTES + _FRAME_SLACK)

    def kill(self) -> None:
        """End the process now, from any thread; nothing if it has ended."""
        with self._ending:
            if self.alive:
                kill(self.handle)

    def stop(self) -> None:
        """End the run that goes on, from any thread: ask for its last word, and kill it soon after. Does not wait."""
        self._ask()
        timer = threading.Timer(LAST_WORD_SECONDS, self.kill)
        timer.daemon = True
        timer.start()

    def _ask(self) -> None:
        with self._ending:
            self.asked = self.spent = True
            if self.alive:
                ask_for_last_word(self.handle)

    def end(self) -> ExitStatus:
        """End the process, take leave of it and learn how it ended. The second time nothing is left to do."""
        with self._ending:
            if not self.alive:
                return self._ended
            self.alive = False
            kill(self.handle)
        self._ended = self.parent.reap(self.handle.pid)
        release(self.handle)
        return self._ended

    def load(self, message: Load) -> Loaded:
        """Have the bundle compiled. A fault is in the answer; the sandbox has then ended.

        Raises NotStarted, and SandboxUnavailable where this host is too busy to compile it: another one would wait as long.
        """
        deadline = monotonic() + _START_SECONDS
        try:
            ready = self.connection.receive(self.channel.receive(_START_SECONDS, deadline, _LOADED_CAP))
            self.layers, self.missing = ready.layers, ready.missing
        except (PeerGone, DeadlinePassed, RemoteProtocolError):
            self.end()
            raise NotStarted from None
        seconds = max(1.0, self.limits.max_execution_time)
        try:
            self.channel.send(self.connection.send(message), monotonic() + seconds)
            self._await_compiling(seconds)
            answer = self.channel.receive(seconds, monotonic() + seconds, _LOADED_CAP)
            loaded = self.connection.receive(answer)
            assert isinstance(loaded, Loaded)
        except DeadlinePassed:
            if 2 * self.end().cpu_us < seconds * 1_000_000:
                raise SandboxUnavailable(BUSY) from None
            return _not_compiled(f"compiling takes longer than {seconds:g} s")
        except RemoteProtocolError as error:
            self.end()
            return _not_compiled(f"the compiling process broke its protocol: {error}")
        except PeerGone:
            return self._died_compiling()
        if loaded.fault is not None:
            self.end()
        self.compile_us = self._compiled_us = min(loaded.compile_us, int(seconds * 1_000_000))
        return loaded

    def _await_compiling(self, seconds: float) -> None:
        """Wait for the beginning of the answer, so long, and longer where a busy host gave the process less than half of that. Raises DeadlinePassed."""
        answer = select.poll()
        answer.register(self.handle.socket, select.POLLIN)
        for _ in range(_BUSY_WAITS):
            if answer.poll(seconds * 1000):
                return
            if 2 * cpu_seconds(self.handle) >= seconds:
                break
        raise DeadlinePassed

    def _died_compiling(self) -> Loaded:
        ended = self.end()
        if exit_status.is_outside(ended, self.limits):
            raise NotStarted
        return _not_compiled(f"the text cannot be compiled: {exit_status.sentence(ended)}")

    def run(self, request: RunRequest, host: HostCallable | None) -> RunOutcome:
        """Run the loaded script once. Raises NotStarted, SandboxLost; whatever else `host` raises ends the sandbox."""
        started = monotonic()
        limit = self.limit
        deadline = started + limit
        connection = self.connection
        self.calls = 0
        self.host_seconds = 0.0
        try:
            frame = connection.send(Run(request.inputs, request.seed, request.clock_us))
            message: Any = connection.receive(self.channel.exchange(frame, limit, deadline, self.call_cap))
            while type(message) is Call:
                message = self._answer(message, request, host, deadline)
            outcome = self.outcome_of(message, started, int((monotonic() - started) * 1_000_000))
        except (DeadlinePassed, PeerGone, RemoteProtocolError, ValueProblem) as error:
            return self.outcome_without(error, started)
        except BaseException:
            self.end()
            raise
        self.count(outcome)
        return outcome

    def count(self, outcome: RunOutcome) -> None:
        """A run has come to its end. Raises WornOut where that is none."""
        if outcome.error is not None and outcome.error.type is ErrorType.MEMORY_LIMIT:
            self._out_of_memory()
        metrics = outcome.metrics
        self.runs += 1
        self.last_us = wall_us = metrics.wall_us
        self.busy_us += wall_us
        self.cpu_us += metrics.cpu_us

    def outcome_without(
        self, answer: DeadlinePassed | PeerGone | RemoteProtocolError | ValueProblem, started: float
    ) -> RunOutcome:
        """The outcome of a run that gave no answer, or none that can be: the sandbox ends. Raises NotStarted, SandboxLost."""
        match answer:
            case DeadlinePassed():
                return self._overdue(started)
            case PeerGone():
                return self._died(answer, started)
        self.end()
        message = f"the sandbox broke its protocol and was ended: {str(answer)[:200]}"
        return self._failed(ErrorType.SECURITY_VIOLATION, message, "", started)

    def _answer(self, call: Call, request: RunRequest, host: HostCallable | None, deadline: float) -> Any:
        """Perform a host call and give the sandbox's next message."""
        self.calls += 1
        if self.shelf is not None:
            self.shelf.calls = True
        known = any(function.name == call.name for function in request.functions)
        if host is None or not known or self.calls > self.limits.max_host_calls:
            raise RemoteProtocolError(f"a call of {call.name[:60]!r}, which was not offered")
        protocol.scan_value(call.arguments, max_bytes=_CALL_BYTES, max_depth=48, max_nodes=60_000)
        began = monotonic()
        answer: bytes | None = None
        refused = ""
        try:
            answer = host(HostCall(call.name, call.arguments, deadline))
        except HostCallRefused as refusal:
            refused = str(refusal)[:1000].encode("utf-8", "replace").decode() or "refused"
        now = monotonic()
        self.host_seconds += now - began
        self.channel.send(self.connection.send(Answer(answer, refused)), deadline)
        rest = deadline - now
        if rest <= 0:
            raise DeadlinePassed
        return self.connection.receive(self.channel.receive(rest, deadline, self.call_cap))

    def outcome_of(self, done: Done, started: float, wall_us: int) -> RunOutcome:
        """The outcome that the sandbox tells, checked. Raises RemoteProtocolError, ValueProblem."""
        result = done.result
        if result is not None:
            limits = self.limits
            protocol.check_value(result, limits.max_result_bytes, limits.max_result_depth, limits.max_result_nodes)
        # What the sandbox tells of itself is held within what can be true.
        cpu_us, memory = done.cpu_us, done.memory_bytes
        if not 0 <= cpu_us <= wall_us:
            cpu_us = min(max(cpu_us, 0), wall_us)
        if memory and not 0 <= memory <= self._most_memory:
            memory = min(max(memory, 0), self._most_memory)
        host_us = int(self.host_seconds * 1_000_000) if self.calls else 0
        compile_us = 0 if self.runs else self.compile_us
        metrics = ExecutionMetrics(compile_us, wall_us, cpu_us, memory, self.calls, host_us)
        if result is not None and not done.logs and done.fault is None and done.trace is None:
            return RunOutcome(result, (), done.log_truncated, None, False, metrics)
        logs, log_us = self._log(done.logs, int(started * 1_000_000), wall_us) if done.logs else ((), ())
        error = exit_status.script_error(done.fault) if done.fault is not None else None
        if error is None and result is None:
            raise RemoteProtocolError("neither a result nor a fault")
        trace = None
        if done.trace is not None:
            if not self.traces:
                raise RemoteProtocolError("a trace that nobody asked for")
            trace = checked_trace(done.trace, self.bundle)
        return RunOutcome(None if error else result, logs, done.log_truncated, error, False, metrics, log_us, trace)

    def _log(
        self, log: tuple[tuple[int, str], ...], started_us: int, wall_us: int
    ) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The lines, and when each was written in µs from the beginning of the run. Raises RemoteProtocolError."""
        limits = self.limits
        times, lines = zip(*log, strict=True)
        if len(lines) > limits.max_log_lines or protocol.total_bytes(lines) > limits.max_log_bytes + len(lines):
            raise RemoteProtocolError("a log over its bounds")
        if any(later < earlier for earlier, later in pairwise(times)):
            raise RemoteProtocolError("a log whose lines are out of order")
        return lines, tuple(min(max(at - started_us, 0), wall_us) for at in times)

    def _overdue(self, started: float) -> RunOutcome:
        """The run's time is over, whatever its last word says."""
        self._ask()
        told = self._last_word(started)
        self.end()
        message = f"the script ran longer than {self.limits.max_execution_time:g} s"
        return self._failed(ErrorType.TIMEOUT, message, "look for a loop that does not end", started, told)

    def _last_word(self, started: float) -> RunOutcome | None:
        """The last word of a sandbox that was asked for it, checked like any answer; None if none came."""
        deadline = monotonic() + LAST_WORD_SECONDS
        try:
            message = self.connection.receive(self.channel.receive(LAST_WORD_SECONDS, deadline, self._cap))
            wall_us = int((monotonic() - started) * 1_000_000)
            return self.outcome_of(message, started, wall_us) if type(message) is Done else None
        except (DeadlinePassed, PeerGone, RemoteProtocolError, ValueProblem):
            return None

    def _died(self, gone: PeerGone, started: float) -> RunOutcome:
        told = self._last_word(started) if self.asked else None
        ended = self.end()
        self.lost = self._cost(started)
        if told is not None:
            return told
        if gone.unread and not self.calls:
            raise NotStarted
        if exit_status.is_outside(ended, self.limits):
            if not self.calls:
                raise NotStarted  # nothing has come of it yet: the same run elsewhere is the same run
            raise SandboxLost
        kind, hint = exit_status.kind(ended, self.limits)
        if kind is ErrorType.MEMORY_LIMIT:
            self._out_of_memory()
        return self._failed(kind, exit_status.sentence(ended), hint, started)

    def _out_of_memory(self) -> None:
        """Memory that runs leave behind (uncollected cycles, caches of the library) counts against later runs."""
        self.spent = True
        if self.runs and not self.calls:
            raise WornOut

    def _failed(
        self, kind: ErrorType, message: str, hint: str, started: float, told: RunOutcome | None = None
    ) -> RunOutcome:
        """The outcome of a run that ended with its process; its log is cut to nothing, but for what was told."""
        error = ScriptError(kind, message, self.bundle.script.name, hint=hint)
        memory = self.limits.max_memory_bytes if kind is ErrorType.MEMORY_LIMIT else 0
        cost = self._cost(started, memory)
        if told is None:
            return RunOutcome(None, (), True, error, False, cost)
        if told.error is not None:
            error = dataclasses.replace(told.error, type=kind, message=message, hint=hint)
        return structs.replace(told, result=None, error=error, metrics=cost)

    def _cost(self, started: float, memory: int = 0) -> ExecutionMetrics:
        """The cost of a run that ended with the process."""
        wall_us = int((monotonic() - started) * 1_000_000)
        compile_us = self.compile_us if self.runs == 0 else 0
        # What it used in all its life, less what its earlier runs and compiling took.
        cpu_us = min(max(self._ended.cpu_us - self.cpu_us - self._compiled_us, 0), wall_us)
        return ExecutionMetrics(compile_us, wall_us, cpu_us, memory, self.calls, int(self.host_seconds * 1_000_000))


class Shelf(list["Sandbox"]):
    """The free sandboxes that serve the same bundle in the same way, the last used at the end.

    Taking one off and putting it back are single steps of a list, so neither needs the pool's lock.
    """

    __slots__ = ("bundle", "calls", "functions", "limits", "members")

    def __init__(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> None:
        super().__init__()
        self.bundle = bundle
        self.functions = functions
        self.limits = limits
        self.members = 0
        """How many there are, free or busy."""
        self.calls = False
        """Whether a run of theirs has called a function of its module: then none is sent ahead."""


def _not_compiled(message: str) -> Loaded:
    fault = protocol.Fault(ErrorType.COMPILATION, message, hint="split the text over several statements or functions")
    return Loaded(0, (protocol.Finding("error", fault.type, message, "", hint=fault.hint),), fault)
