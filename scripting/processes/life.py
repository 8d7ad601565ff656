"""Tell whether a process of this machine has ended, by an identity that no other process ever has. Linux tells; elsewhere nothing is known."""

from __future__ import annotations

import functools
import os
from pathlib import Path

_PROC = Path("/proc")
_ENDED = frozenset("ZX")
"""States of a process that runs nothing any more: it only waits for its parent to take its exit status."""


def identity() -> str:
    """This process: start of the machine, name space of process ids, id, start of the process. Empty where the system does not tell."""
    return _identity(os.getpid())


@functools.cache
def _identity(pid: int) -> str:
    place, started = _place(), _started(pid)
    return f"{place}/{pid}/{started}" if place and started else ""


def is_gone(one: str) -> bool:
    """Whether that process has ended for certain. One of another machine, or of another container, is not known here."""
    place, _, rest = one.rpartition("/")[0].rpartition("/")
    started = one.rpartition("/")[2]
    return bool(place) and place == _place() and rest.isdigit() and _started(int(rest)) not in (started, None)


@functools.cache
def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Ticks from the machine's start to the process'; empty for one that has ended, None where the system does not tell."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if _exists(pid) else ""
    except OSError:
        return None
    return "" if fields[0] in _ENDED else fields[19]


def _exists(pid: int) -> bool:
    """Whether a process has this number: /proc may hide those of other users (`hidepid`)."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
