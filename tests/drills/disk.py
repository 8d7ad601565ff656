"""Full disks: small ones of their own, of the database and then of Redis, are filled to the last byte under load and emptied again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drills.catalogue import Result
from tests.drills.crew import Crew
from tests.drills.ledger import Ledger, executed
from tests.drills.place import Place
from tests.support.stack import wait_until

LEFT_BYTES = 64 << 10


def run(place: Place, seconds: float) -> Iterator[Result]:
    if not place.has_disks or place.postgres is None:
        yield Result("left out", "small disks need root, the program `mount` and PostgreSQL")
        return
    with Crew(place) as crew:
        for name in ("worker-1", "worker-2"):
            crew.add_worker(name)
        crew.ready()
        with Ledger(rate=100) as ledger:
            wait_until(lambda: executed() > 20, 60, "no lap runs")
            with full(place.folder / "postgres" / "data"):
                stopped = stands_still(seconds)
                heard = said(crew, "the database is unavailable, events wait")
            if place.postgres.process.poll() is not None:  # what starts it on a machine does so
                place.postgres.start()
            due, freed = ledger.total, time.monotonic()
            wait_until(lambda: executed() >= due, 120, "events wait though the database has room")
            after_database = time.monotonic() - freed
            refused = ledger.refused.total()
            with full(place.folder / "redis"):
                time.sleep(seconds / 2)
            crew.note_deaths()
            refused = ledger.refused.total() - refused
            if place.redis.process.poll() is not None:
                place.redis.start()
            due, freed = ledger.total, time.monotonic()
            wait_until(lambda: ledger.total > due, 60, "Redis takes nothing though it has room")
            wait_until(lambda: executed() > due, 120, "events wait though Redis has room")
            after_redis = time.monotonic() - freed
        yield Result(
            "with a full disk of the database events wait, with words in the log", heard, stopped and bool(heard)
        )
        yield from ledger.recount()
    yield Result("processes that ended though nobody ended them", "; ".join(crew.deaths) or 0, not crew.deaths)
    yield Result("publishes refused while the disk of Redis was full", refused)
    yield Result("room for the database → caught up", f"{after_database:.1f} s")
    yield Result("room for Redis → a new event has run", f"{after_redis:.1f} s")


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Within it nothing more can be written there."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * LEFT_BYTES)
    try:
        yield
    finally:
        filler.unlink()


def stands_still(seconds: float) -> bool:
    """Whether nothing runs any longer before the time is over."""
    ends, before = time.monotonic() + seconds, -1
    while time.monotonic() < ends:
        now = executed()
        if now == before:
            return True
        before = now
        time.sleep(3)
    return False


def said(crew: Crew, text: str) -> list[str]:
    """Who said so."""
    return [name for name, process in crew.running.items() if process.said(text)]
