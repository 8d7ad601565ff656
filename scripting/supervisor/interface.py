"""Configuration, requests, outcomes, reports, host calls and cancellation: the types that callers of the pool use."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from scripting.sandbox.protocol import Parameter, Trace
from scripting.types import Diagnostic, ExecutionMetrics, Knob, ScriptError


@dataclass(frozen=True)
class HostFunction:
    """A function that the module exposes: a global name in the script's namespace."""

    name: str
    kind: str
    """`pure`, `read` or `effect`."""
    signature: str = ""
    doc: str = ""
    parameters: tuple[Parameter, ...] | None = None
    """None where they are not known."""


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


class RunRequest(msgspec.Struct, frozen=True):
    """One run: its inputs (encode_value of the context dict) and what makes it repeatable."""

    inputs: bytes
    seed: int
    clock_us: int
    functions: tuple[HostFunction, ...] = ()
    traces: bool = False
    """Tell line by line what it does: for a trial, which has a sandbox of its own."""


@dataclass(frozen=True, slots=True)
class HostCall:
    """A script's call of an exposed function: `arguments` is the msgpack of [positional list, keyword dict], scanned."""

    name: str
    arguments: bytes
    deadline: float
    """time.monotonic() at which the run's time is over."""


HostCallable: TypeAlias = Callable[[HostCall], bytes]


class RunOutcome(msgspec.Struct, frozen=True, gc=False):
    """The outcome of a run. With an error or a cancel there is no result.

    A log that is truncated to no lines at all went with a process that was killed.
    """

    result: bytes | None
    logs: tuple[str, ...]
    log_truncated: bool
    error: ScriptError | None
    cancelled: bool
    metrics: ExecutionMetrics
    log_us: tuple[int, ...] = ()
    """µs from the beginning of the run to each line of `logs`."""
    trace: Trace | None = None
    """Of a run that was asked for it: what each line did."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Errors and warnings of a check, in the order of the text."""

    diagnostics: tuple[Diagnostic, ...]
    ok: bool
    compile_us: int = 0
    knobs: tuple[Knob, ...] = ()
    """Of the script, in the order of its text."""


@dataclass(frozen=True)
class SandboxStats:
    """One warm sandbox."""

    digest: str
    pid: int
    runs: int
    busy: bool


@dataclass(frozen=True)
class PoolStats:
    """Figures of the pool: its sandboxes, and what it has done."""

    sandboxes: tuple[SandboxStats, ...]
    forks: int
    kills: int
    parent_pid: int | None
    places: int
    """How many sandboxes there may be."""


@dataclass(slots=True)
class Cancellation:
    """Ends a run from any thread, at any time: before it, at once; during it, by its sandbox's last word and end; after it, nothing."""

    cancelled: bool = False
    _kill: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            if self._kill is not None:
                self._kill()

    def watch(self, kill: Callable[[], None]) -> bool:
        """The pool's: from now on cancelling does this. False if it is cancelled already."""
        with self._lock:
            if self.cancelled:
                return False
            self._kill = kill
            return True

    @property
    def is_watched(self) -> bool:
        """Whether the run goes on in a sandbox."""
        return self._kill is not None

    def release(self) -> None:
        """The pool's: the run is over."""
        with self._lock:
            self._kill = None
