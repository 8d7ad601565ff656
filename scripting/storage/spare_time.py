"""Work that can wait, done while processors have nothing else to do: who works on events goes on at once, as if it were not there.

Linux gives a thread of ordinary or of low priority some milliseconds before who wakes up has the processor; only one of the idle class
gives it up at once.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

STAT = "/proc/stat"
IDLE, STEAL = 3, 7
"""Places in its first line, see proc_stat(5): what nobody used; what comes after this is counted in others."""
ENOUGH = 0.25
"""A share of all processors' time that nobody used. With less, work of the idle class would stand still, and who waits for its locks too."""


class SpareTime:
    """How busy the processors of this machine are, from one look to the next."""

    def __init__(self) -> None:
        self._before = _counted()

    def is_enough(self) -> bool:
        """Whether enough was left since the last look; False where that is not known."""
        before, self._before = self._before, _counted()
        passed, unused = (now - then for now, then in zip(self._before, before, strict=True))
        return unused > ENOUGH * passed


def _counted() -> tuple[int, int]:
    """Hundredths of a second since the machine was started, over its processors: all, and those that nobody used."""
    try:
        with Path(STAT).open() as stat:
            counted = [int(each) for each in stat.readline().split()[1:]]
        return sum(counted[: STEAL + 1]), counted[IDLE]
    except (OSError, ValueError, IndexError):
        return 0, 0


def in_spare_time(work: Callable[[], object]) -> None:
    """Do `work`, which raises nothing, in a thread of the idle class, and wait for its end. Of ordinary priority where there is no such class."""
    thread = threading.Thread(
        target=_idly, args=[work], name=f"{threading.current_thread().name} in spare time", daemon=True
    )
    thread.start()
    thread.join()


def _idly(work: Callable[[], object]) -> None:
    # A thread of its own for each: nobody but root takes one out of this class again.
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    work()
