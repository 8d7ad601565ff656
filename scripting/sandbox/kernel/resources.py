"""Resource limits of a sandbox: hard ones before the lockdown, then its own memory and CPU once its bundle is known."""

from __future__ import annotations

from collections.abc import Callable
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from os import pread

from scripting.sandbox.kernel.syscalls import Call

try:
    from resource import (
        RLIM_INFINITY,
        RLIMIT_CORE,
        RLIMIT_CPU,
        RLIMIT_DATA,
        RLIMIT_FSIZE,
        RLIMIT_NOFILE,
        RLIMIT_NPROC,
        RLIMIT_STACK,
        getpagesize,
        getrlimit,
        setrlimit,
    )

    HAS_RESOURCE = True
except ImportError:  # pragma: no cover - not on this system
    HAS_RESOURCE = False

STACK_BYTES = 8 << 20
"""Stack that deep C recursion needs on every supported interpreter before its own limit ends it."""
OPEN_FILES = 16
COMPILE_BYTES = 160 << 20
"""Memory that compiling may use, above the idle sandbox."""
SLACK_BYTES = 1 << 20


def lower(kind: int, value: int) -> None:
    """Set both limits, not above what the host already allows."""
    hard = getrlimit(kind)[1]
    if hard != RLIM_INFINITY:
        value = min(value, hard)
    setrlimit(kind, (value, value))


def lower_calls() -> tuple[Call, ...]:
    """Lower the limits that never change."""
    if not HAS_RESOURCE:
        return ()
    limits = {
        RLIMIT_CORE: 0,
        RLIMIT_FSIZE: 0,
        RLIMIT_NPROC: 0,
        RLIMIT_STACK: STACK_BYTES,
        RLIMIT_NOFILE: OPEN_FILES,
    }
    return tuple((lower, limit) for limit in limits.items())


class Resources:
    """The limits of this process, lowered as it goes."""

    def __init__(self, statm: int | None, lower: Callable[[int, int], None] = lower) -> None:
        self._lower = lower
        self.statm = statm
        """Descriptor of /proc/self/statm, opened before the lockdown; None where there is none."""
        self.headroom = 0
        """Bytes for compiling, where they are more than every sandbox gets."""

    def limit_compiling(self) -> None:
        """Set how far memory may grow for compiling, until limit_memory says less."""
        used = self._data_bytes()
        if HAS_RESOURCE and used is not None:
            self._lower(RLIMIT_DATA, used + max(self.headroom, COMPILE_BYTES))

    def limit_memory(self, limit_bytes: int) -> None:
        """From now on this process may use this many bytes more than it does."""
        used = self._data_bytes()
        if HAS_RESOURCE and used is not None:
            self._lower(RLIMIT_DATA, used + limit_bytes + SLACK_BYTES)

    def limit_cpu(self, seconds: int) -> None:
        """The kernel's backstop: the supervisor's deadline comes first."""
        if HAS_RESOURCE:
            self._lower(RLIMIT_CPU, seconds)

    def _data_bytes(self) -> int | None:
        if self.statm is None:
            return None
        return int(pread(self.statm, 200, 0).split()[5]) * getpagesize()


def set_aside(size: int) -> mmap:
    """Memory to be given back when there is no other: it counts, and takes none until it is used. Raises MemoryError.

    The system's own, past the C library, which would clear some of what it has at hand for it and so take it.
    """
    try:
        return mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS)
    except OSError:
        raise MemoryError from None
