"""Measure the cost of a run: processor time, and the peak of resident memory above that of the idle sandbox."""

from __future__ import annotations

import os
import time

try:
    import resource

    HAS_RESOURCE = True
except ImportError:  # pragma: no cover - not on this system
    HAS_RESOURCE = False

_RESET_PEAK = b"5"
_UNCERTAIN_KIB = 256
"""The mark is no finer than this; below it a reset would tell nothing."""
_TOO_SHORT_US = 50
"""In less processor time than this no run can take so much that the mark would show it: a page costs half a microsecond."""


class Meter:
    """Reads the processor's clock, and the kernel's own high-water mark of memory (±256 KiB), which it resets in between."""

    def __init__(self, clear_refs: int | None) -> None:
        self.clear_refs = clear_refs
        """Descriptor of /proc/self/clear_refs, opened before the lockdown; None where there is none."""
        self._idle = 0
        self._cpu_ns = 0
        self._raised = True
        """The mark is well above that of the idle sandbox: if not, there is nothing to reset."""

    def mark_idle(self) -> None:
        """Take the memory resident now as that of the idle sandbox."""
        self.restart()
        self._raised = False
        self._idle = _peak_kib()
        self._cpu_ns = time.process_time_ns()

    def restart(self) -> None:
        """Begin a run: forget the peak of the one before."""
        if self._raised and self.clear_refs is not None:
            os.write(self.clear_refs, _RESET_PEAK)

    def read(self) -> tuple[int, int]:
        """Since the last reading: processor time in µs, and the peak in bytes above the idle sandbox."""
        now = time.process_time_ns()
        spent = (now - self._cpu_ns) // 1000
        self._cpu_ns = now
        if spent < _TOO_SHORT_US:
            return spent, 0
        above = _peak_kib() - self._idle
        self._raised = above > _UNCERTAIN_KIB
        return spent, above * 1024 if above > 0 else 0


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if HAS_RESOURCE else 0
