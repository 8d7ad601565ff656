"""End on SIGTERM as on an error: what a command holds half done, such as a file half written, goes with it. End on Ctrl-C without a traceback."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType


class AskedToEnd(BaseException):
    """SIGTERM arrived. Not an Exception, so that nobody in the middle of something keeps it to themselves."""


@contextlib.contextmanager
def tidily() -> Iterator[None]:
    """In the block SIGTERM unwinds the main thread, whose `finally` tidies up, then ends the process as it would have. A second one ends at once.

    Whoever handles the signal already goes on doing so.
    """
    of_ours = threading.current_thread() is threading.main_thread()
    if not of_ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _unwind)
    try:
        yield
    except AskedToEnd:
        signal.raise_signal(signal.SIGTERM)
    finally:
        if signal.getsignal(signal.SIGTERM) is _unwind:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _unwind(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise AskedToEnd


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Ctrl-C in the block ends the process as ever, but no traceback says where it was: that is no error."""
    try:
        yield
    except KeyboardInterrupt:
        of_errors = sys.excepthook

        def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
            if not issubclass(kind, KeyboardInterrupt):
                of_errors(kind, error, traceback)

        sys.excepthook = hook
        raise
