"""How many sandboxes memory has room for: a share of what this process may use, as long as enough of it is left for others.

Each process knows its own sandboxes alone. What is left of the memory is seen by all, so together they stay within it.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

try:
    import resource

    HAS_RESOURCE = True
except ImportError:  # pragma: no cover - not on this system
    HAS_RESOURCE = False

LEAST = 16
"""Places that there are whatever the memory."""
SHARE = 0.05
"""Of the memory of the host or the container, for the idle sandboxes of one process."""
LEFT = 0.2
"""Share of the memory that must be available for one place more than the least; with less of it, places are given up."""
DESCRIPTORS_EACH = 8
"""A sandbox takes two; three quarters of what the process may have are for others."""
USUAL_BYTES = 8 << 20
"""Of an idle sandbox, where only root may see it."""
_SEEN = 4

_GROUPS = (
    ("", "", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Control groups of both versions: controller, folder, and the files and the line that tell limit, use and what can be given back."""


class Room:
    """Places for sandboxes in this process. Used under the pool's lock."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._each = 0
        self._each_at = 0
        """How many there were when their size was last looked at."""

    def places(self, taken: int, pids: Callable[[], Sequence[int]]) -> int:
        """How many sandboxes there may be; so many places are taken, by these processes."""
        if taken < LEAST:
            return LEAST
        total, available = memory(self._root)
        if available < total * LEFT:
            return max(LEAST, taken - 1)
        if taken >= 2 * self._each_at:
            self._each, self._each_at = _size_of(pids(), self._root), taken
        return max(LEAST, min(int(total * SHARE) // self._each, _most_open() // DESCRIPTORS_EACH))


def memory(root: Path = Path("/")) -> tuple[int, int]:
    """Bytes that this process and its neighbours may use in all, and those of them that are available; both 0 if unknown."""
    try:
        lines = dict(line.split(":", 1) for line in _lines(root / "proc/meminfo"))
        total, available = (int(lines[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError, IndexError):
        return 0, 0
    for limit, left in _limits(root):
        total, available = min(total, limit), min(available, left)
    return total, available


def _limits(root: Path) -> Iterable[tuple[int, int]]:
    """Limit and what is left of it, of each control group that this process is in."""
    try:
        mine = [line.split(":", 2) for line in _lines(root / "proc/self/cgroup")]
    except OSError:
        return
    for controller, folder, limit_name, used_name, given_back in _GROUPS:
        for path in (path.lstrip("/") for _, controllers, path in mine if controllers == controller):
            top = root / "sys/fs/cgroup" / folder
            for group in (top / path, *(top / path).parents[: len(Path(path).parts)]):
                try:
                    limit = int((group / limit_name).read_text(encoding="ascii"))  # "max" is no number
                    used = int((group / used_name).read_text(encoding="ascii"))
                    stat = dict(line.split() for line in _lines(group / "memory.stat"))
                    yield limit, max(0, limit - used + int(stat[given_back]))
                except (OSError, KeyError, ValueError):
                    continue


def _size_of(pids: Sequence[int], root: Path) -> int:
    """Bytes of an idle sandbox, its part of what it shares with others included: the median of the first few."""
    sizes = []
    for pid in islice(pids, _SEEN):
        try:
            lines = _lines(root / f"proc/{pid}/smaps_rollup")
            sizes.append(next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")))
        except (OSError, StopIteration, ValueError):
            continue
    return max(1 << 20, int(statistics.median(sizes))) if sizes else USUAL_BYTES


def _most_open() -> int:
    """How many descriptors this process may have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if HAS_RESOURCE else 256
    return sys.maxsize if HAS_RESOURCE and most == resource.RLIM_INFINITY else most


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()
