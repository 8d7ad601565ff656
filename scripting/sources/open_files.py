"""Tell whether a program still has a file open for writing, so that no half of a save is taken."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import time
from collections.abc import Iterator

SETTLED_SECONDS = 0.1
"""Where the system does not tell of writers, a file counts as whole once it has not changed for so long."""

_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
"""No lease for this file: it is another user's, or its file system has none."""


class StillWritten(OSError):
    """A program has the file open for writing."""

    def __init__(self) -> None:
        super().__init__(errno.EBUSY, "is still being written: it is taken once the program that writes it closes it")


@contextlib.contextmanager
def unwritten(descriptor: int) -> Iterator[None]:
    """Nobody begins to write the file, which is open for reading, within the block. Raises StillWritten if somebody is at it.

    Linux grants a read lease only while nobody has the file open for writing, and lets whoever opens it wait until the lease ends.
    """
    if not _lease(descriptor):
        _settled(descriptor)
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def _lease(descriptor: int) -> bool:
    """Whether the lease was granted; not where there is no such thing."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        # Who waits for the lease to end has a signal sent to us: SIGIO, which ends a process, unless another is named.
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            raise StillWritten from None
        if error.errno in _REFUSED:
            return False
        raise
    return True


_F_SETSIG = 10  # of Linux; Python names it only from some version on


def _settled(descriptor: int) -> None:
    if 0 <= time.time() - os.fstat(descriptor).st_mtime < SETTLED_SECONDS:
        raise StillWritten
