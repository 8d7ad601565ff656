"""When a drain with several streams leaves some to other workers, and when it may take one more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from scripting.bus.lease import Lease

MOST_STREAMS = 16
"""Streams that one drain has at a time."""
SLOW_SECONDS = 0.25
"""A drain whose batch takes longer keeps one stream and leaves the others to other workers: none shall wait for another's script."""
SLICE_SECONDS = 0.25
"""How long a drain goes on while other jobs wait that it cannot take, so that no stream waits long for its turn; and how often
one with several streams offers one of them to a worker with less to do."""
BUSY_SECONDS = 0.1
"""It offers none unless it was busy for so long without a rest: until others have taken it, the events of a stream would wait for nothing."""
OFFER_SECONDS = 0.005
"""How long it leaves what it has offered to others."""


class Sharing:
    """The times of one drain by which it shares."""

    def __init__(self, began: float) -> None:
        self._slice_began = began
        self._offered = began - OFFER_SECONDS
        self._rested = began
        """When it last waited at empty streams."""

    def rested(self) -> None:
        """It has waited at empty streams."""
        self._rested = time.monotonic()

    def is_slice_over(self) -> bool:
        """Whether other jobs, if some wait, have waited for long enough."""
        return time.monotonic() - self._slice_began > SLICE_SECONDS

    def to_leave(self, leases: Sequence[Lease], took: float, found: bool) -> Sequence[Lease]:
        """The streams that it leaves to others after a batch that took so many seconds."""
        if len(leases) < 2:
            return ()
        now = time.monotonic()
        if took > SLOW_SECONDS:
            self._slice_began = now
            return leases[1:]
        if found and now - self._offered > SLICE_SECONDS and now - self._rested > BUSY_SECONDS:
            self._offered = now
            return leases[:1]
        return ()

    def is_offering(self) -> bool:
        """Whether other workers may still take the streams that it left."""
        return time.monotonic() - self._offered < OFFER_SECONDS


def has_room(leases: Sequence[Lease], took: float) -> bool:
    """Whether a drain with these streams, whose last batch took so many seconds, may take one more."""
    return 0 < len(leases) < MOST_STREAMS and took < SLOW_SECONDS / 2


def is_too_slow(leases: Sequence[Lease], took: float) -> bool:
    """Whether a batch that takes so long ends here: other streams of the drain wait for it."""
    return len(leases) > 1 and took > SLOW_SECONDS
