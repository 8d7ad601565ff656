"""SandboxPool: the door to all sandboxes. Warm ones by bundle, a process of its own for trials and checks, a cap on all.

Longer than other modules because one lock guards all that it tells: taking, giving back, making room and closing are one state.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from scripting.sandbox import protocol
from scripting.sandbox.protocol import Compiled, Inputs, Load, Loaded
from scripting.sandbox.source_text import encode
from scripting.supervisor import ahead, exit_status
from scripting.supervisor.compiled import CompiledBundles, Kind
from scripting.supervisor.errors import HostCallRefused, PoolClosed, SandboxLost, SandboxUnavailable
from scripting.supervisor.fork_server import ParentClient
from scripting.supervisor.interface import (
    Cancellation,
    CheckReport,
    HostCall,
    HostCallable,
    HostFunction,
    PoolStats,
    RunOutcome,
    RunRequest,
    SandboxStats,
)
from scripting.supervisor.knobs import knobs_of
from scripting.supervisor.replaced import Replaced
from scripting.supervisor.room import LEAST, Room
from scripting.supervisor.sandbox import NotStarted, Sandbox, Shelf, WornOut
from scripting.types import Bundle, Diagnostic, ExecutionMetrics, SecurityLimits, Source

__all__ = [
    "Cancellation",
    "CheckReport",
    "HostCall",
    "HostCallRefused",
    "HostCallable",
    "HostFunction",
    "PoolConfig",
    "PoolStats",
    "RunOutcome",
    "RunRequest",
    "SandboxPool",
]

_logger = logging.getLogger("scripting.sandbox")
_ATTEMPTS = 3
_MAX_RECENT = 256
_RUNS_OF_COMPILER = 64
"""A sandbox that has compiled holds up to 5 MB more than one that got the code. So it makes room for one after as many runs, not before:
beginning that costs as much as some tens of runs."""


@dataclass(frozen=True)
class PoolConfig:
    """How many sandboxes there may be and how long each serves."""

    max_sandboxes: int = 0
    """Warm and busy ones together; 0: as many as memory has room for."""
    runs_per_sandbox: int = 1000
    process_per_run: bool = False
    """Every run in a process of its own."""
    python: str = sys.executable
    """The interpreter of the light parent; the project must be installed in its environment."""
    common_parent: str = ""
    """The Unix socket at which light parents are forked; one is started where nothing answers there."""
    reserve: int = 1
    """Sandboxes forked and locked down ahead of need."""
    wait_seconds: float = 30.0
    """How long a run waits for a place when all are busy."""
    cpu_seconds: int = 120
    """The kernel's backstop on the processor time of one sandbox; retired at half of it."""


class SandboxPool:
    """Runs and checks scripts in sandboxes. Thread-safe; starts the light parent when first needed."""

    def __init__(self, config: PoolConfig | None = None) -> None:
        self.config = config or PoolConfig()
        self._parent = ParentClient(self.config.python, self.config.reserve, self.config.common_parent)
        self._shelves: dict[Kind, Shelf] = {}
        """Of each kind of sandbox there is, the free ones."""
        self._recent: dict[int, Shelf] = {}
        """Shelves by the identity of the bundle, which is quicker to tell than that all three are equal."""
        self._calling: set[str] = set()
        """Digests of bundles without a sandbox now, whose runs were seen to call functions of their module."""
        self._compiled = CompiledBundles()
        self._compilers: set[Sandbox] = set()
        """Those that compiled what the next one of their kind gets as code."""
        self._checked: Sandbox | None = None
        """The sandbox that made the last check."""
        self._replaced = Replaced()
        self._all: set[Sandbox] = set()
        self._turns = itertools.count(1)
        """Counts runs, so that the least recently used sandbox can be told."""
        self._lock = threading.Lock()
        self._places = threading.Condition(self._lock)
        """Tells those who wait that there may be room."""
        self._waiting = 0
        self._taken = 0
        self._room = Room()
        self._most = self.config.max_sandboxes or LEAST
        """Places that there were when that was last looked at."""
        self._kills = 0
        self._closed = False
        self._warned = False
        self._most_busy_us = self.config.cpu_seconds * 500_000
        _pools.add(self)

    def prepare(self) -> None:
        """Start what the first sandbox would wait for. Raises SandboxUnavailable."""
        self._parent.replenish(start=True)

    def run(
        self,
        bundle: Bundle,
        request: RunRequest,
        limits: SecurityLimits,
        *,
        host: HostCallable | None = None,
        cancellation: Cancellation | None = None,
        trial: bool = False,
    ) -> RunOutcome:
        """One run. What the script does wrong is in the outcome's error; raises SupervisorError for what is ours, and
        whatever `host` raises besides HostCallRefused."""
        alone = trial or request.traces or self.config.process_per_run
        for _ in range(_ATTEMPTS):
            if cancellation is not None and cancellation.cancelled:
                return _cancelled(ExecutionMetrics())
            sandbox = None if alone else self._take(bundle, request.functions, limits)
            if sandbox is None:
                try:
                    loaded, sandbox = self._start(bundle, request.functions, limits, traces=request.traces)
                except NotStarted:
                    continue
                if sandbox is None:
                    return _refused(bundle, loaded)
            try:
                if cancellation is None:
                    return sandbox.run(request, host)
                return _run_watched(sandbox, request, host, cancellation)
            except WornOut:
                alone = True  # another warm one may be as worn
            except NotStarted:
                continue
            finally:
                self._give_back(sandbox, alone=alone)
        raise SandboxUnavailable(
            "sandboxes end before they can run: is something killing them, or is this host too busy?"
        )

    def most_ahead(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> int:
        """How many runs `run_ahead` may take now."""
        shelf = None if self.config.process_per_run else self._shelf_of(bundle, functions, limits)
        try:
            return ahead.most_ahead(shelf[-1]) if shelf else 0
        except IndexError:  # another thread has taken it
            return 0

    def run_ahead(
        self,
        bundle: Bundle,
        requests: Sequence[RunRequest],
        limits: SecurityLimits,
        cancellations: Sequence[Cancellation],
    ) -> list[RunOutcome]:
        """Run the first of these in one exchange with a warm sandbox, as many as may be: their outcomes, in order; the others are to be `run`.

        `requests` have the same functions, of which they may call none here: a run that does is left out.
        """
        sandbox = None if self.config.process_per_run else self._take(bundle, requests[0].functions, limits)
        if sandbox is None:
            return []
        try:
            fitting = ahead.fitting(sandbox, requests)
            return ahead.run_ahead(sandbox, fitting, cancellations) if fitting else []
        finally:
            self._give_back(sandbox, alone=False)

    def check(
        self,
        bundle: Bundle,
        limits: SecurityLimits,
        functions: tuple[HostFunction, ...] = (),
        inputs: tuple[Inputs, ...] = (),
    ) -> CheckReport:
        """Compile without running, in a process of its own, which may serve the first run. Raises SupervisorError for what is ours."""
        for _ in range(_ATTEMPTS):
            try:
                loaded, sandbox = self._start(bundle, functions, limits, inputs, warns=True)
            except NotStarted:
                continue
            if sandbox is not None:
                self._keep_checked(sandbox)
            diagnostics = tuple(_diagnostic(finding, bundle) for finding in loaded.findings)
            return CheckReport(diagnostics, loaded.fault is None, loaded.compile_us, knobs_of(loaded))
        raise SandboxUnavailable(
            "sandboxes end before they can compile: is something killing them, or is this host too busy?"
        )

    def _keep_checked(self, sandbox: Sandbox) -> None:
        """Keep the sandbox of the last check for the run that often follows, in the place of the one of the check before."""
        with self._places:
            before, self._checked = self._checked, sandbox
            is_one_ready = bool(self._shelves.get((sandbox.bundle.digest, sandbox.functions, sandbox.limits)))
        if before is not None and before.shelf is not None and not before.runs:
            with contextlib.suppress(ValueError):  # a run has it
                before.shelf.remove(before)
                self._end(before)
        sandbox.compile_us = 0  # no run will have waited for it
        self._give_back(sandbox, alone=is_one_ready or self.config.process_per_run)

    def warm(
        self, bundle: Bundle, limits: SecurityLimits, functions: tuple[HostFunction, ...] = (), *, like: str = ""
    ) -> bool:
        """Have a sandbox ready for the next run of `bundle`, if one of the bundle with digest `like` is; whether one is.

        For a version that takes another's place, so that its first run need not wait for the compiler.
        """
        with self._places:
            no_place = self._taken >= self._most_places() and not self._is_one_free()
            if self._closed or self.config.process_per_run or no_place:
                return False
            digests = {box.bundle.digest for box in self._all}
            if bundle.digest in digests:
                return True
            used = {box.bundle.digest for box in self._all if box.runs or box is not self._checked}
            if like and like not in used:
                return False
        try:
            _, sandbox = self._start(bundle, functions, limits)
        except NotStarted:
            return False
        if sandbox is None:
            return False
        sandbox.compile_us = 0  # no run will have waited for it
        self._give_back(sandbox, alone=False)
        return True

    def code_of(
        self, bundle: Bundle, limits: SecurityLimits, functions: tuple[HostFunction, ...] = ()
    ) -> tuple[Compiled, ...]:
        """The code that a sandbox of this kind compiled, for those of another pool; empty if none did lately."""
        return self._compiled.get((bundle.digest, functions, limits))

    def take_code(
        self,
        bundle: Bundle,
        limits: SecurityLimits,
        functions: tuple[HostFunction, ...],
        code: tuple[Compiled, ...],
    ) -> None:
        """Give the next sandbox of this kind what one of another pool compiled."""
        self._compiled.keep((bundle.digest, functions, limits), code, 1 + len(bundle.helpers))

    def replace(self, digests: Iterable[str], current: Collection[str]) -> None:
        """Bundles with these digests were replaced; those of `current` are what runs now."""
        with self._lock:
            self._replaced.add(digests, current, time.monotonic())

    @property
    def is_empty(self) -> bool:
        """Whether there is no sandbox now."""
        return not self._all

    @property
    def has_replaced(self) -> bool:
        """Whether `give_up_replaced` will have something to do."""
        return bool(self._replaced)

    def give_up_replaced(self) -> None:
        """End sandboxes of replaced bundles that have rested for some seconds, or are too many. To be called now and then."""
        if not self._replaced:
            return
        given_up = []
        with self._lock:
            free = {box for shelf in self._shelves.values() for box in tuple(shelf)}
            for sandbox in self._replaced.to_give_up(self._all, free, time.monotonic()):
                with contextlib.suppress(ValueError):  # a run has it
                    sandbox.shelf.remove(sandbox)  # type: ignore[union-attr]
                    given_up.append(sandbox)
        for sandbox in given_up:
            self._end(sandbox)

    @property
    def has_large(self) -> bool:
        """Whether `renew` will have something to do."""
        return any(box.runs for box in tuple(self._compilers))

    def renew(self) -> None:
        """Put a small sandbox, which gets the code, in the place of one that compiled and has run. To be called while nothing else waits."""
        with self._places:
            free = {box for shelf in self._shelves.values() for box in tuple(shelf)}
            rested = (box for box in self._compilers & free if box.runs and box.bundle.digest not in self._replaced)
            large = next(rested, None)
            if large is None or self._closed or self._taken >= self._most_places():
                return
        try:
            _, small = self._start(large.bundle, large.functions, large.limits)
        except NotStarted:
            return
        if small is not None:
            small.compile_us = 0  # no run will have waited for it
            self._give_back(small, alone=False)
            with contextlib.suppress(ValueError):  # a run has it, or another thread has ended it
                large.shelf.remove(large)  # type: ignore[union-attr]
                self._end(large)

    def stats(self) -> PoolStats:
        """The sandboxes there are now."""
        with self._places:
            free = {id(box) for shelf in self._shelves.values() for box in tuple(shelf)}
            boxes = [
                SandboxStats(box.bundle.digest, box.handle.pid, box.runs, id(box) not in free) for box in self._all
            ]
            return PoolStats(tuple(boxes), self._parent.forks, self._kills, self._parent.pid, self._most)

    def close(self) -> None:
        """End all sandboxes and the light parent. Runs still going fail."""
        with self._places:
            self._closed = True
            sandboxes = tuple(self._all)
            idle = [sandbox for shelf in self._shelves.values() for sandbox in _emptied(shelf)]
            self._shelves.clear()
            self._recent.clear()
            self._places.notify_all()
        for sandbox in sandboxes:
            sandbox.kill()
        for sandbox in idle:
            self._end(sandbox)
        self._parent.close()

    def _take(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Sandbox | None:
        """A warm sandbox of this kind, now busy; None if there is none."""
        shelf = self._shelf_of(bundle, functions, limits)
        try:
            return shelf.pop() if shelf else None
        except IndexError:  # another thread was quicker
            return None

    def _shelf_of(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Shelf | None:
        shelf = self._recent.get(id(bundle))
        if not shelf or shelf.bundle is not bundle or shelf.functions is not functions or shelf.limits is not limits:
            shelf = self._shelf_like(bundle, functions, limits)
        return shelf

    def _shelf_like(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Shelf | None:
        """The shelf of this kind of sandbox, remembered by what was asked for; None if there is none."""
        with self._lock:
            if self._closed:
                raise PoolClosed
            shelf = self._shelves.get((bundle.digest, functions, limits))
            if shelf is not None:
                if len(self._recent) > _MAX_RECENT:
                    self._recent.clear()
                shelf.bundle, shelf.functions, shelf.limits = bundle, functions, limits
                self._recent[id(bundle)] = shelf
            return shelf

    def _give_back(self, sandbox: Sandbox, *, alone: bool) -> None:
        """The run is over: keep the sandbox warm, or end it if it is spent, broken or was for this run alone."""
        if (
            sandbox.alive
            and not (alone or sandbox.spent)
            and sandbox.runs < sandbox.most_runs
            and sandbox.busy_us < self._most_busy_us
        ):
            sandbox.last_turn = next(self._turns)
            shelf = sandbox.shelf
            if shelf is None:
                shelf = self._new_on_shelf(sandbox)
            shelf.append(sandbox)
            # Who waits counts itself before it looks at the shelves: one of the two sees the other.
            if self._waiting or self._closed:
                self._tell_of(shelf)
            return
        self._end(sandbox)

    def _tell_of(self, shelf: Shelf) -> None:
        """Something lies on this shelf for who waits; or the pool was closed meanwhile, and nobody will take it."""
        with self._places:
            self._places.notify()
            left = _emptied(shelf) if self._closed else []
        for sandbox in left:
            self._end(sandbox)

    def _new_on_shelf(self, sandbox: Sandbox) -> Shelf:
        """The shelf of the sandbox's kind, of which it is one more."""
        with self._lock:
            key = (sandbox.bundle.digest, sandbox.functions, sandbox.limits)
            shelf = self._shelves.get(key)
            if shelf is None:
                shelf = self._shelves[key] = Shelf(sandbox.bundle, sandbox.functions, sandbox.limits)
                shelf.calls = sandbox.bundle.digest in self._calling
            shelf.members += 1
            sandbox.shelf = shelf
            return shelf

    def _start(
        self,
        bundle: Bundle,
        functions: tuple[HostFunction, ...],
        limits: SecurityLimits,
        inputs: tuple[Inputs, ...] = (),
        *,
        warns: bool = False,
        traces: bool = False,
    ) -> tuple[Loaded, Sandbox | None]:
        """A new sandbox with the bundle loaded, busy; None if the bundle does not compile."""
        kind = (bundle.digest, functions, limits)
        compiled = self._compiled.get(kind) if not (warns or traces) else ()
        self._take_place()
        sandbox: Sandbox | None = None
        try:
            handle = self._parent.fork(_headroom(limits))
            sandbox = Sandbox(self._parent, handle, bundle, functions, limits, traces=traces)
            with self._places:
                self._all.add(sandbox)
            message = _load_message(bundle.digest, bundle, functions, limits, self._cpu_seconds(limits))
            if warns or traces:
                message = msgspec.structs.replace(message, inputs=inputs, warns=warns, traces=traces)
            message = msgspec.structs.replace(message, compiled=compiled, tells_code=not (traces or compiled))
            loaded = sandbox.load(message)
            self._parent.replenish()
            if loaded.fault is not None and compiled:
                raise NotStarted  # the texts compiled once
        except BaseException:
            if sandbox is None:
                self._free_place()
            else:
                self._end(sandbox)
            if compiled:
                self._compiled.forget(kind)
            raise
        self._warn_of(sandbox.missing)
        sandbox.most_runs = self.config.runs_per_sandbox
        if (
            loaded.compiled
            and message.tells_code
            and self._compiled.keep(kind, loaded.compiled, 1 + len(bundle.helpers))
        ):
            sandbox.most_runs = min(_RUNS_OF_COMPILER, sandbox.most_runs)
            self._compilers.add(sandbox)
        if loaded.fault is not None:
            self._end(sandbox)
            return loaded, None
        return loaded, sandbox

    def _warn_of(self, missing: tuple[tuple[str, str], ...]) -> None:
        """Say once which layers of the sandbox this host does not have."""
        if missing and not self._warned:
            self._warned = True
            told = "; ".join(f"{layer}: {why}" for layer, why in missing)
            _logger.warning("Sandboxes lack layers on this host (see sandbox_report): %s", told)

    def _take_place(self) -> None:
        """Wait until there may be one more sandbox, ending the least recently used one if that makes room."""
        deadline = time.monotonic() + self.config.wait_seconds
        most = 0
        while True:
            with self._places:
                if self._closed:
                    raise PoolClosed
                most = most or self._most_places()
                if self._taken < most:
                    self._taken += 1
                    return
                self._waiting += 1
                try:
                    sandbox = self._least_recently_used()
                    if sandbox is None:
                        if not self._places.wait(deadline - time.monotonic()):
                            raise SandboxUnavailable(f"all {most} sandboxes are busy")
                        continue
                finally:
                    self._waiting -= 1
            self._end(sandbox)

    def _most_places(self) -> int:
        """How many sandboxes there may be. Under the lock."""
        if not self.config.max_sandboxes:
            self._most = self._room.places(self._taken, lambda: [box.handle.pid for box in self._all])
        return self._most

    def _least_recently_used(self) -> Sandbox | None:
        """The warm sandbox that has waited longest, a replaced one first, taken out; None if all are busy. Under the lock."""

        def order(shelf: Shelf) -> tuple[bool, int]:
            oldest = shelf[0]
            return oldest.bundle.digest not in self._replaced, oldest.last_turn

        while self._is_one_free():
            with contextlib.suppress(IndexError, ValueError):  # taken meanwhile
                return min((shelf for shelf in self._shelves.values() if shelf), key=order).pop(0)
        return None

    def _is_one_free(self) -> bool:
        return any(self._shelves.values())

    def _free_place(self) -> None:
        with self._places:
            self._taken -= 1
            self._places.notify()

    def _end(self, sandbox: Sandbox) -> None:
        sandbox.end()
        with self._places:
            self._compilers.discard(sandbox)
            if sandbox in self._all:
                self._kills += 1
                self._all.remove(sandbox)
                self._taken -= 1
                self._unshelve(sandbox)
                self._places.notify()

    def _unshelve(self, sandbox: Sandbox) -> None:
        """The sandbox is no more, nor its shelf if it was the last there. Under the lock."""
        shelf = sandbox.shelf
        if shelf is not None:
            shelf.members -= 1
            if not shelf.members:
                if shelf.calls:
                    if len(self._calling) >= _MAX_RECENT:
                        self._calling.clear()
                    self._calling.add(shelf.bundle.digest)
                for key in [key for key, other in self._shelves.items() if other is shelf]:
                    del self._shelves[key]

    def _cpu_seconds(self, limits: SecurityLimits) -> int:
        return max(self.config.cpu_seconds, int(limits.max_execution_time * 2) + 1)

    def _forget_all(self) -> None:
        """In a process forked from ours: the sandboxes are the other's."""
        self._parent.forget()
        for sandbox in self._all:
            sandbox.handle.socket.close()
        self._lock = threading.Lock()
        self._places = threading.Condition(self._lock)
        self._shelves, self._recent, self._all, self._taken, self._waiting = {}, {}, set(), 0, 0
        self._checked = None
        self._compilers = set()
        self._replaced = Replaced()


def _run_watched(
    sandbox: Sandbox, request: RunRequest, host: HostCallable | None, cancellation: Cancellation
) -> RunOutcome:
    """A run that may be cancelled."""
    if not cancellation.watch(sandbox.stop):
        return _cancelled(ExecutionMetrics())
    try:
        outcome = sandbox.run(request, host)
    except (NotStarted, SandboxLost):
        if cancellation.cancelled:
            return _cancelled(sandbox.lost)._replace(log_truncated=True)
        raise
    finally:
        cancellation.release()
    if cancellation.cancelled:
        sandbox.spent = True
        if outcome.error is not None:
            return outcome._replace(error=None, cancelled=True)
    return outcome


def _emptied(shelf: Shelf) -> list[Sandbox]:
    """Take all from a shelf, one by one: another thread may take some of them."""
    taken: list[Sandbox] = []
    with contextlib.suppress(IndexError):
        while True:
            taken.append(shelf.pop())
    return taken


_pools: weakref.WeakSet[SandboxPool] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in _pools:
        pool._forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _headroom(limits: SecurityLimits) -> int | None:
    """Bytes for compiling, where the limit asks for more than every sandbox gets."""
    usual = 128 << 20
    return limits.max_memory_bytes + (32 << 20) if limits.max_memory_bytes > usual else None


@functools.lru_cache(maxsize=64)
def _load_message(
    digest: str, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits, cpu_seconds: int
) -> Load:
    # The digest tells bundles apart that are equal in Python: values of knobs may be True or 1.
    return Load(
        _text(bundle.script, limits),
        tuple(_text(helper, limits) for helper in bundle.helpers),
        tuple(protocol.Function(function.name, function.kind, function.parameters) for function in functions),
        limits.allowed_packages,
        limits.max_memory_bytes,
        cpu_seconds,
        limits.max_source_bytes,
        limits.max_source_lines,
        limits.max_source_nesting,
        limits.max_result_bytes,
        limits.max_result_depth,
        limits.max_result_nodes,
        limits.max_log_lines,
        limits.max_log_bytes,
        limits.max_host_calls,
        bundle.offered[:MAX_OFFERED],
        warns=False,
    )


MAX_OFFERED = 100
"""Names of helpers that a sandbox is told of, to name them where one is missing."""


def _text(source: Source, limits: SecurityLimits) -> protocol.Text:
    # One character too many is enough for the sandbox to refuse it.
    text = source.text[: limits.max_source_bytes + 1]
    return protocol.Text(source.name, source.language, encode(text), source.knobs)


def _refused(bundle: Bundle, loaded: Loaded) -> RunOutcome:
    assert loaded.fault is not None
    error = exit_status.script_error(loaded.fault)
    if not error.script:
        error = type(error)(error.type, error.message, bundle.script.name, hint=error.hint)
    return RunOutcome(None, (), False, error, False, ExecutionMetrics(compile_us=loaded.compile_us))


def _cancelled(metrics: ExecutionMetrics) -> RunOutcome:
    return RunOutcome(None, (), False, None, True, metrics)


def _diagnostic(finding: protocol.Finding, bundle: Bundle) -> Diagnostic:
    message = protocol.cut(finding.message, 1000)
    if finding.script and finding.script != bundle.script.name:
        message = f"in {protocol.cut(finding.script, 200)}: {message}"
    return Diagnostic(
        "warning" if finding.severity == "warning" else "error",
        finding.type,
        message,
        finding.line,
        finding.column,
        finding.end_line,
        finding.end_column,
        protocol.cut(finding.hint, 600),
        finding.certain and finding.severity == "warning",
    )
