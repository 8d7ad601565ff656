"""How many streams each module is to have for the workers that live, and the thread that changes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

import redis

from scripting.bus.respread import respread
from scripting.bus.spread import Spread
from scripting.conf import conf
from scripting.storage.redis_errors import noted

logger = logging.getLogger(__name__)

STREAMS_PER_WORKER = 2
"""With as many streams as workers, two busy keys would often share one while a worker has nothing to do. Each further stream makes batches smaller:
where 16 events at a time come for 64 keys, 8 streams cost a quarter more of the processor than 4, and 64 twice as much."""
FEWER_SECONDS = 60.0
"""Workers that are restarted are back before: a change stops a module for a moment."""
AGAIN_SECONDS = 15.0
"""After a change that found no end."""


def wanted(workers: int, older: int) -> int:
    """The number of streams for so many workers. With a process that does not know of the spread: the setting, which it goes by."""
    least = number = conf.SCRIPTING_SHARDS
    while not older and number < STREAMS_PER_WORKER * workers and 2 * number <= conf.SCRIPTING_MAX_SHARDS:
        number *= 2
    return max(least, number)


class Spreading:
    """Of the one worker that sweeps: told with each sweep who lives and how keys are spread. One thread changes one module after the other."""

    def __init__(
        self, stopping: Callable[[], bool] = lambda: False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stopping = stopping
        self._clock = clock
        self._last = 0
        self._too_many_since: float | None = None
        self._not_before = float("-inf")
        self._thread: threading.Thread | None = None

    def due(self, workers: int, older: int, spreads: Mapping[str, Spread]) -> dict[str, int]:
        """Module → number of streams, of those that are to be changed now."""
        now, number = self._clock(), wanted(workers, older)
        unfinished = {module: spread.becomes for module, spread in spreads.items() if spread.becomes}
        same, self._last = self._last == number, number
        if not any(spread.streams > number for spread in spreads.values()):
            self._too_many_since = None
        elif self._too_many_since is None:
            self._too_many_since = now
        may_be_fewer = older or (self._too_many_since is not None and now - self._too_many_since >= FEWER_SECONDS)
        changed = {
            module: number
            for module, spread in spreads.items()
            if same and (spread.streams < number or (spread.streams > number and may_be_fewer))
        }
        return {**changed, **unfinished}

    def look(self, workers: int, older: int, spreads: Mapping[str, Spread]) -> None:
        """Begin what is due."""
        due = self.due(workers, older, spreads)
        if not due or self._clock() < self._not_before or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._change, args=(due,), name="spread of streams", daemon=True)
        self._thread.start()

    def _change(self, due: Mapping[str, int]) -> None:
        for module, number in due.items():
            try:
                if not respread(module, number, stopping=self._stopping):
                    self._not_before = self._clock() + AGAIN_SECONDS
            except redis.RedisError as error:
                if not noted(error):
                    logger.warning("the streams of %s are not changed yet: %s", module, error)
