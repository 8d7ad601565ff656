"""What a run cost: processor time, and the peak of resident memory above that of the idle sandbox."""

from __future__ import annotations

import os

try:
    import resource

    HAS_RESOURCE = True
except ImportError:  # pragma: no cover - not on this system
    HAS_RESOURCE = False

_RESET_PEAK = b"5"
_UNCERTAIN_KIB = 256
"""The mark is no finer than this; below it a reset would tell nothing."""


class Meter:
    """Resets and reads the kernel's own high-water mark (±256 KiB), and the processor time, in one call a run."""

    def __init__(self, clear_refs: int | None) -> None:
        self.clear_refs = clear_refs
        """Descriptor of /proc/self/clear_refs, opened before the lockdown; None where there is none."""
        self._idle = 0
        self._raised = True
        """The mark is well above that of the idle sandbox: if not, there is nothing to reset."""
        self._cpu = 0.0

    def mark_idle(self) -> None:
        """What is resident now is the idle sandbox."""
        self.restart()
        if HAS_RESOURCE:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            self._idle = usage.ru_maxrss
            self._cpu = usage.ru_utime + usage.ru_stime

    def restart(self) -> None:
        """Begin a run: forget the peak of the one before."""
        if self._raised and self.clear_refs is not None:
            os.write(self.clear_refs, _RESET_PEAK)

    def read(self) -> tuple[int, int]:
        """Since the last reading: processor time in µs, and the peak in bytes above the idle sandbox."""
        if not HAS_RESOURCE:
            return 0, 0
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime
        spent = int((cpu - self._cpu) * 1_000_000)
        self._cpu = cpu
        above = usage.ru_maxrss - self._idle
        self._raised = above > _UNCERTAIN_KIB
        return spent, above * 1024 if above > 0 else 0
