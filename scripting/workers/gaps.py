"""Gaps between a worker's events: what its other threads do each second for all is done in these, a step at a time.

Threads of a process compute in turn. An event that comes while another thread computes waits each time that it has an answer; of a step that
begins in a gap, only the rest is still to come.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

MOST_SECONDS = 0.02
"""For so long a step waits for a gap: of a worker that is always busy it takes its part all the same."""


class Gaps:
    """Of one worker, whose main thread says when it works and when it rests. It begins resting."""

    def __init__(self) -> None:
        self._rests = threading.Event()
        self._rests.set()

    def works(self) -> None:
        """The main thread has events from now on, until it rests."""
        self._rests.clear()

    def rests(self) -> None:
        """The main thread has none."""
        self._rests.set()

    @contextlib.contextmanager
    def rest(self) -> Iterator[None]:
        """The main thread waits for events within."""
        self._rests.set()
        try:
            yield
        finally:
            self._rests.clear()

    def wait(self) -> None:
        """Return in a gap, or when there was none for MOST_SECONDS."""
        self._rests.wait(MOST_SECONDS)
