"""Start-up of a process that is about to serve."""

from __future__ import annotations

import gc
import sys

SWITCH_SECONDS = 0.0005
"""For so long a thread that computes keeps one waiting that has its answer; Python's 5 ms add up, since each answer of Redis and of the
database is waited for in this way, a dozen for an event."""
SWITCH_SECONDS_OF_WORKERS = 0.0001
"""The same where one thread has the events, and what the others compute is short."""
OBJECTS = 20_000
"""New ones until the collector looks for cycles. With Python's own 700 it looks every 25 events, finds next to nothing, and costs 2 % of a drain."""


def prepare_to_serve(switch_seconds: float = SWITCH_SECONDS) -> None:
    """Take what is loaded out of garbage collection, and let threads take turns quickly."""
    freeze_startup_objects()
    sys.setswitchinterval(switch_seconds)


def freeze_startup_objects() -> None:
    """Freeze what is loaded by now, so that full garbage collections skip it, and have the collector look less often.

    One that walks over it, in the middle of a request or an event, holds the process up for some 70 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 10, 10)
