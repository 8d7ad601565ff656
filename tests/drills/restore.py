"""A restore: the database is brought back to its backup while Redis is newer, and all events are published again under their ids."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

from django.core.management import call_command

from scripting.registry.active import registry
from scripting.subscriptions.subscribed import table
from tests.drills.catalogue import Result
from tests.drills.crew import Crew
from tests.drills.faults import publish
from tests.drills.ledger import Ledger, executed
from tests.drills.place import Place
from tests.support import backups
from tests.support.stack import wait_until
from tests.workers.track import MARSHAL


def run(place: Place, seconds: float) -> Iterator[Result]:
    with Ledger(rate=40) as ledger:
        with site(place):
            wait_until(lambda: executed() > 20, 60, "no lap runs")
            time.sleep(seconds / 3)
            began = time.monotonic()
            backup = backups.take(place.folder)
            took, kept = time.monotonic() - began, executed()
            number = publish(f"{MARSHAL}# after the backup\n").version.number  # type: ignore[union-attr]
            time.sleep(seconds / 3)
        time.sleep(1)  # laps that wait in Redis: no worker lives
    lost = executed() - kept
    began = time.monotonic()
    backups.bring_back(backup)
    registry.forget()
    table.forget()
    brought_back = time.monotonic() - began
    said = StringIO()
    with redirect_stdout(said):
        call_command("after_restore", stdout=said)
    yield Result(
        "after_restore names the version that the backup lacks",
        f"the next one is {number + 1}",
        f"the next one is {number + 1}" in said.getvalue(),
    )
    ledger.publish_again()
    with site(place) as crew:
        yield from ledger.recount(in_order=False)  # what waited in Redis runs before what is published again
    yield Result("processes that ended though nobody ended them", "; ".join(crew.deaths) or 0, not crew.deaths)
    again = publish(f"{MARSHAL}# after the restore\n").version.number  # type: ignore[union-attr]
    yield Result("no number of a version is given twice", again, again == number + 1)
    yield Result("events in the backup, events that it lacked", f"{kept}, {lost} and what waited")
    yield Result("seconds to take the backup, to bring it back", f"{took:.1f}, {brought_back:.1f}")


def site(place: Place) -> Crew:
    """Two workers that take jobs."""
    crew = Crew(place)
    for name in ("worker-1", "worker-2"):
        crew.add_worker(name)
    crew.ready()
    return crew
