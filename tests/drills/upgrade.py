"""An upgrade: under load the next release's migrations run, then every process is replaced, and jobs of an older release are there."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from django.db import connection

from tests.drills.catalogue import Result
from tests.drills.crew import Crew
from tests.drills.ledger import Ledger, executed
from tests.drills.place import Place
from tests.support.stack import wait_until
from tests.workers.releases import next_release, publish_as_before


def run(place: Place, seconds: float) -> Iterator[Result]:
    with Crew(place) as crew:
        for name in ("worker-1", "worker-2"):
            crew.add_worker(name)
        if not place.is_small:
            crew.add_web("web")
            crew.add_watcher("watcher")
        crew.ready()
        with Ledger(rate=40) as ledger:
            wait_until(lambda: executed() > 40, 60, "no lap runs")
            began = time.monotonic()
            with next_release():
                migrated, due = time.monotonic() - began, ledger.total
                wait_until(lambda: executed() >= due, 60, "events wait under the next release's tables")
                told = new_column()
                time.sleep(seconds / 3)
                statuses = [replace(crew, name) for name in list(crew.running)]
                crew.ready()
                for lap in range(1, 4):
                    publish_as_before("of-before", lap)
                time.sleep(seconds / 3)
            time.sleep(seconds / 3)
        ledger.acknowledged["of-before"] = 3
        yield Result("the database wrote what older processes do not know", told, told == ["new"])
        yield Result("each process ended warmly when it was replaced", statuses, not any(statuses))
        yield from ledger.recount()
        torn = [name for name, process in crew.running.items() if process.said("Traceback")]
        yield Result("no traceback in a log", torn or "none", not torn)
    yield Result("processes that ended though nobody ended them", "; ".join(crew.deaths) or 0, not crew.deaths)
    yield Result("seconds that the migrations took under load", round(migrated, 2))
    yield Result("publishes went on, the longest took", f"{ledger.longest:.2f} s", not ledger.refused)


def replace(crew: Crew, name: str) -> int:
    """End a process as a deployment does, and start it anew: its exit status."""
    process = crew.running[name]
    process.signal(signal.SIGTERM)
    status = process.process.wait(60)
    crew.start(name)
    return status


def new_column() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT of_next_release FROM scripting_execution")
        return [value for (value,) in cursor.fetchall()]
