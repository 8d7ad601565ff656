"""Measure the cost of a run: processor time, and the peak of resident memory above that of the idle sandbox."""

from __future__ import annotations

from os import write
from time import monotonic_ns, process_time_ns

try:
    from resource import RUSAGE_SELF, getrusage

    HAS_RESOURCE = True
except ImportError:  # pragma: no cover - not on this system
    HAS_RESOURCE = False

_RESET_PEAK = b"5"
_UNCERTAIN_KIB = 256
"""The mark is no finer than this; below it a reset would tell nothing."""
_TOO_SHORT_US = 50
"""In less time than this no run can take so much that the mark would show it: a page costs half a microsecond."""
_UNREAD_RUNS = 64


class Meter:
    """Reads the kernel's account of processor time, and its own high-water mark of memory (±256 KiB), reset in between.

    Both are one system call, made by runs that last. Of a shorter one the time that passed is told, which no system call is
    needed for: a call costs about a quarter of a microsecond, in a run of ten.
    """

    def __init__(self, clear_refs: int | None) -> None:
        self.clear_refs = clear_refs
        """Descriptor of /proc/self/clear_refs, opened before the lockdown; None where there is none."""
        self._idle = 0
        self._began_ns = 0
        self._cpu_us = 0
        """Processor time of this process when it was last looked at."""
        self._unread = 0
        """Runs since then, whose exchanges took processor time that is not told of any run."""
        self._raised = True
        """The mark is well above that of the idle sandbox: if not, there is nothing to reset."""

    def mark_idle(self) -> None:
        """Take the memory resident now as that of the idle sandbox."""
        self.restart()
        self._raised = False
        self._cpu_us, self._idle = _usage()

    def restart(self) -> None:
        """Begin a run: forget the peak of the one before."""
        if self._raised and self.clear_refs is not None:
            write(self.clear_refs, _RESET_PEAK)
            self._raised = False  # what stays of the run before is looked at by the next long one
        if self._unread >= _UNREAD_RUNS:
            self._cpu_us, self._unread = process_time_ns() // 1000, 0
        self._began_ns = monotonic_ns()

    def read(self) -> tuple[int, int]:
        """Of the run: processor time in µs, and the peak in bytes above the idle sandbox."""
        took = (monotonic_ns() - self._began_ns) // 1000
        if took < _TOO_SHORT_US:
            self._unread += 1
            return took, 0
        cpu_us, peak = _usage()
        spent, self._cpu_us, self._unread = min(cpu_us - self._cpu_us, took), cpu_us, 0
        above = peak - self._idle
        self._raised = above > _UNCERTAIN_KIB
        return spent, above * 1024 if self._raised else 0


def _usage() -> tuple[int, int]:
    """Processor time of this process in µs, and its peak of resident memory in KiB."""
    if not HAS_RESOURCE:
        return process_time_ns() // 1000, 0
    in_program, in_kernel, peak = getrusage(RUSAGE_SELF)[:3]
    return round((in_program + in_kernel) * 1_000_000), peak
