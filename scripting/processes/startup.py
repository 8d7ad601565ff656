"""A process that is about to serve: what is loaded by then stays to its end, so the garbage collector leaves it alone."""

from __future__ import annotations

import gc


def settle() -> None:
    """Have the collector never walk over what there is now: a full collection of a process with all this loaded, as happens
    now and then in the middle of a request or an event, holds it up for some 70 ms."""
    gc.collect()
    gc.freeze()
