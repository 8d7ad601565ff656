"""Process 1 of a container: the kernel gives it every orphan, and only the signals that it handles. So it is kept apart from our own work."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def leave_process_1() -> None:
    """Return at once in any other process. In process 1, go on in a child; process 1 itself only passes signals on and reaps.

    Call it before there are threads or connections.
    """
    if os.getpid() != 1:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)  # none may arrive before it can be passed on
    child = os.fork()
    if child:
        _serve(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)


def _serve(child: int) -> None:
    """Reap until the child has ended, then end as it did. Whatever is left ends with process 1."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
