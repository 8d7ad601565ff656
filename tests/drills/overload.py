"""Overload: publishers as fast as they can be before two workers, until too many events wait; then a Redis that has no room left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from scripting.bus import publishing
from tests.drills.catalogue import Result
from tests.drills.crew import Crew
from tests.drills.faults import memory
from tests.drills.ledger import Ledger, executed, waiting
from tests.drills.place import Place
from tests.support.stack import wait_until

RUNNERS = 200
TURNS = 20_000
"""Of each script: a millisecond or so, so that publishing is quicker than running."""
ROOM = 3_000_000
"""Bytes that Redis has left in the second half."""
LEISURE = 3
"""The events that wait at the end may take this many times as long as the rate seen before would need."""
REFUSED_SECONDS = 2.0
"""A refusal comes at once: nobody who publishes is held."""


def run(place: Place, seconds: float) -> Iterator[Result]:
    with Crew(place) as crew:
        crew.add_worker("worker-1")
        crew.add_worker("worker-2")
        if not place.is_small:
            crew.add_web("web")
        crew.ready()
        watch = Watch(place, crew)
        with Ledger(0, runners=RUNNERS, turns=TURNS) as ledger, watch:
            wait_until(lambda: executed() > 0, 60, "no lap runs")
            began, before = time.monotonic(), executed()
            time.sleep(seconds / 2)
            rate = (executed() - before) / (time.monotonic() - began)
            by_count = ledger.refused["Overloaded"]
            used = int(place.redis.own_client.info("memory")["used_memory"])
            with memory(place, used + ROOM):
                time.sleep(seconds / 2)
                limit = int(place.redis.own_client.info("memory")["maxmemory"])
            by_memory = ledger.refused["Overloaded"] - by_count
        strange = {name: times for name, times in ledger.refused.items() if name != "Overloaded"}
        yield Result("publishers were refused when too many events waited", by_count, by_count > 0)
        yield Result("nothing but Overloaded refused them", strange or "yes", not strange)
        yield Result(
            f"no publish took longer than {REFUSED_SECONDS:.0f} s",
            f"{ledger.longest:.2f} s",
            ledger.longest <= REFUSED_SECONDS,
        )
        most = int(publishing.conf.SCRIPTING_MAX_WAITING)
        yield Result(
            "no stream had more events than SCRIPTING_MAX_WAITING and one publish",
            f"{watch.longest} of {most}",
            watch.longest <= most + RUNNERS,
        )
        yield Result("Redis refused no write for want of memory", f"{watch.used} of {limit} bytes", watch.used <= limit)
        if crew.ports:
            yield Result(
                "the web process answered all the time", f"{watch.answered} times, {watch.silent} not", not watch.silent
            )
        yield from ledger.recount(60 + LEISURE * waiting() / max(rate, 1))
    yield Result("processes that ended though nobody ended them", "; ".join(crew.deaths) or 0, not crew.deaths)
    yield Result("events run a second while publishers pushed", round(rate))
    yield Result("publishes refused while Redis had little room", by_memory)


class Watch:
    """Looks each half second at streams, memory and the web process; a context manager that ends it."""

    def __init__(self, place: Place, crew: Crew) -> None:
        self._place, self._crew = place, crew
        self.longest = self.used = self.answered = self.silent = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def _run(self) -> None:
        while not self._ended.wait(0.5):
            self.longest = max([self.longest, *publishing.backlog().streams.values()])
            self.used = max(self.used, int(self._place.redis.own_client.info("memory")["used_memory"]))
            if self._crew.ports:
                serves = self._crew.serves("web")
                self.answered += serves
                self.silent += not serves
            self._crew.note_deaths()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
