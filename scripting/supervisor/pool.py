"""SandboxPool: the door to all sandboxes. Warm ones by bundle, a process of its own for trials and checks, a cap on all.

Longer than other modules because one lock guards all that it tells: taking, giving back, making room and closing are one state.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import threading
import time
import weakref
from collections.abc import Collection, Iterable, Sequence

import msgspec

from scripting.sandbox.protocol import Compiled, Inputs, Loaded
from scripting.supervisor import ahead
from scripting.supervisor.compiled import CompiledBundles
from scripting.supervisor.errors import HostCallRefused, PoolClosed, SandboxUnavailable
from scripting.supervisor.fork_server import ParentClient
from scripting.supervisor.interface import (
    Cancellation,
    CheckReport,
    HostCall,
    HostCallable,
    HostFunction,
    PoolConfig,
    PoolStats,
    RunOutcome,
    RunRequest,
    SandboxStats,
)
from scripting.supervisor.knobs import knobs_of
from scripting.supervisor.loading import diagnostic, headroom, load_message, refused
from scripting.supervisor.replaced import Replaced
from scripting.supervisor.room import LEAST, Room
from scripting.supervisor.sandbox import NotStarted, Sandbox, Shelf, WornOut
from scripting.supervisor.shelves import Shelves, emptied
from scripting.supervisor.watched import cancelled, run_watched
from scripting.types import Bundle, ExecutionMetrics, SecurityLimits

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
_ATTEMPTS = range(3)
_RUNS_OF_COMPILER = 64
"""A sandbox that has compiled holds up to 5 MB more than one that got the code. So it makes room for one after as many runs, not before:
beginning that costs as much as some tens of runs."""


class SandboxPool:
    """Runs and checks scripts in sandboxes. Thread-safe; starts the light parent when first needed."""

    def __init__(self, config: PoolConfig | None = None) -> None:
        self.config = config or PoolConfig()
        self._parent = ParentClient(self.config.python, self.config.reserve, self.config.common_parent)
        self._shelves = Shelves()
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
        for _ in _ATTEMPTS:
            if cancellation is not None and cancellation.cancelled:
                return cancelled(ExecutionMetrics())
            sandbox = None if alone else self._take(bundle, request.functions, limits)
            if sandbox is None:
                try:
                    loaded, sandbox = self._start(bundle, request.functions, limits, traces=request.traces)
                except NotStarted:
                    continue
                if sandbox is None:
                    return refused(bundle, loaded)
            try:
                if cancellation is None:
                    return sandbox.run(request, host)
                return run_watched(sandbox, request, host, cancellation)
            except WornOut:
                alone = True  # another warm one may be as worn
            except NotStarted:
                continue
            finally:
                if alone:
                    self._end(sandbox)
                else:
                    self._give_back(sandbox)
        raise SandboxUnavailable("sandboxes end before they can run: is something killing them?")

    def most_ahead(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> int:
        """How many runs `run_ahead` may take now."""
        if self.config.process_per_run:
            return 0
        shelf = self._shelves.recent(bundle, functions, limits) or self._shelf_like(bundle, functions, limits)
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
            self._give_back(sandbox)

    def check(
        self,
        bundle: Bundle,
        limits: SecurityLimits,
        functions: tuple[HostFunction, ...] = (),
        inputs: tuple[Inputs, ...] = (),
    ) -> CheckReport:
        """Compile without running, in a process of its own, which may serve the first run. Raises SupervisorError for what is ours."""
        for _ in _ATTEMPTS:
            try:
                loaded, sandbox = self._start(bundle, functions, limits, inputs, warns=True)
            except NotStarted:
                continue
            if sandbox is not None:
                self._keep_checked(sandbox)
            diagnostics = tuple(diagnostic(finding, bundle) for finding in loaded.findings)
            return CheckReport(diagnostics, loaded.fault is None, loaded.compile_us, knobs_of(loaded))
        raise SandboxUnavailable("sandboxes end before they can compile: is something killing them?")

    def _keep_checked(self, sandbox: Sandbox) -> None:
        """Keep the sandbox of the last check for the run that often follows, in the place of the one of the check before."""
        with self._places:
            before, self._checked = self._checked, sandbox
            is_one_ready = self._shelves.is_one_ready(sandbox)
        if before is not None and before.shelf is not None and not before.runs:
            with contextlib.suppress(ValueError):  # a run has it
                before.shelf.remove(before)
                self._end(before)
        sandbox.compile_us = 0  # no run will have waited for it
        if is_one_ready or self.config.process_per_run:
            self._end(sandbox)
        else:
            self._give_back(sandbox)

    def warm(
        self, bundle: Bundle, limits: SecurityLimits, functions: tuple[HostFunction, ...] = (), *, like: str = ""
    ) -> bool:
        """Have a sandbox ready for the next run of `bundle`, if one of the bundle with digest `like` is; whether one is.

        For a version that takes another's place, so that its first run need not wait for the compiler.
        """
        with self._places:
            no_place = self._taken >= self._most_places() and not self._shelves.is_one_free()
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
        self._give_back(sandbox)
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
            free = self._shelves.free()
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
            free = self._shelves.free()
            rested = (box for box in self._compilers & free if box.runs and box.bundle.digest not in self._replaced)
            large = next(rested, None)
            if large is None or self._closed or self._taken >= self._most_places():
                return
            if not self._compiled.get((large.bundle.digest, large.functions, large.limits)):
                self._compilers.discard(large)  # the code was forgotten: another would compile, and be as large
                return
        try:
            _, small = self._start(large.bundle, large.functions, large.limits)
        except NotStarted:
            return
        if small is not None:
            small.compile_us = 0  # no run will have waited for it
            self._give_back(small)
            with contextlib.suppress(ValueError):  # a run has it, or another thread has ended it
                large.shelf.remove(large)  # type: ignore[union-attr]
                self._end(large)

    def stats(self) -> PoolStats:
        """The sandboxes there are now."""
        with self._places:
            free = self._shelves.free()
            boxes = [SandboxStats(box.bundle.digest, box.handle.pid, box.runs, box not in free) for box in self._all]
            return PoolStats(tuple(boxes), self._parent.forks, self._kills, self._parent.pid, self._most)

    def close(self) -> None:
        """End all sandboxes and the light parent. Runs still going fail."""
        with self._places:
            self._closed = True
            sandboxes = tuple(self._all)
            idle = self._shelves.take_all()
            self._places.notify_all()
        for sandbox in sandboxes:
            sandbox.kill()
        for sandbox in idle:
            self._end(sandbox)
        self._parent.close()

    def _take(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Sandbox | None:
        """A warm sandbox of this kind, now busy; None if there is none."""
        shelf = self._shelves.recent(bundle, functions, limits)
        if shelf is None:
            shelf = self._shelf_like(bundle, functions, limits)
        try:
            return shelf.pop() if shelf else None
        except IndexError:  # another thread was quicker
            return None

    def _shelf_like(self, bundle: Bundle, functions: tuple[HostFunction, ...], limits: SecurityLimits) -> Shelf | None:
        with self._lock:
            if self._closed:
                raise PoolClosed
            return self._shelves.like(bundle, functions, limits)

    def _give_back(self, sandbox: Sandbox) -> None:
        """The run is over: keep the sandbox warm, or end it if it is spent or broken."""
        if (
            sandbox.alive
            and not sandbox.spent
            and sandbox.runs < sandbox.most_runs
            and sandbox.busy_us < self._most_busy_us
        ):
            sandbox.last_turn = next(self._turns)
            shelf = sandbox.shelf
            if shelf is None:
                with self._lock:
                    shelf = self._shelves.add(sandbox)
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
            left = emptied(shelf) if self._closed else []
        for sandbox in left:
            self._end(sandbox)

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
            handle = self._parent.fork(headroom(limits))
            sandbox = Sandbox(self._parent, handle, bundle, functions, limits, traces=traces)
            with self._places:
                self._all.add(sandbox)
            message = load_message(bundle.digest, bundle, functions, limits, self._cpu_seconds(limits))
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
                    sandbox = self._shelves.take_oldest(self._replaced)
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
                self._shelves.remove(sandbox)
                self._places.notify()

    def _cpu_seconds(self, limits: SecurityLimits) -> int:
        return max(self.config.cpu_seconds, int(limits.max_execution_time * 2) + 1)

    def _forget_all(self) -> None:
        """In a process forked from ours: the sandboxes are the other's."""
        self._parent.forget()
        for sandbox in self._all:
            sandbox.handle.socket.close()
        self._lock = threading.Lock()
        self._places = threading.Condition(self._lock)
        self._shelves, self._all, self._taken, self._waiting = Shelves(), set(), 0, 0
        self._checked = None
        self._compilers = set()
        self._replaced = Replaced()


_pools: weakref.WeakSet[SandboxPool] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in _pools:
        pool._forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
