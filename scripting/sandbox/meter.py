"""What a run cost in memory: the peak of resident memory since the run began, above that of the idle sandbox."""

from __future__ import annotations

import os

try:
    import resource

    HAS_RESOURCE = True
except ImportError:  # pragma: no cover - not on this system
    HAS_RESOURCE = False

_RESET_PEAK = b"5"


class Meter:
    """Resets and reads the kernel's own high-water mark (±128 KiB)."""

    def __init__(self, clear_refs: int | None) -> None:
        self.clear_refs = clear_refs
        """Descriptor of /proc/self/clear_refs, opened before the lockdown; None where there is none."""
        self.idle = 0

    def mark_idle(self) -> None:
        """What is resident now is the idle sandbox."""
        self.restart()
        self.idle = self._maximum()

    def restart(self) -> None:
        """Begin a run: forget the peak of the one before."""
        if self.clear_refs is not None:
            os.write(self.clear_refs, _RESET_PEAK)

    def peak(self) -> int:
        """Bytes at the run's peak above the idle sandbox."""
        return max(0, self._maximum() - self.idle)

    def _maximum(self) -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if HAS_RESOURCE else 0
