"""A time for many decisions together: when it is up, the one that runs is stopped too."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator

from scripting.supervisor.interface import Cancellation


@contextlib.contextmanager
def cancelled_after(seconds: float, cancellation: Cancellation | None = None) -> Iterator[Cancellation]:
    """A cancellation (that one, or a new one) that comes by itself after so many seconds, unless the block has ended."""
    cancellation = cancellation or Cancellation()
    if seconds == math.inf:
        yield cancellation
        return
    if seconds <= 0:
        cancellation.cancel()
    timer = threading.Timer(seconds, cancellation.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield cancellation
    finally:
        timer.cancel()
