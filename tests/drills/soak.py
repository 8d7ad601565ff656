"""Soak: two workers here and one on a host of its own, a web process, two watchers; laps all the time, a fault every ten seconds."""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

from tests.drills import faults
from tests.drills.catalogue import Result
from tests.drills.crew import Crew
from tests.drills.faults import Fault, Scene
from tests.drills.ledger import Ledger, executed
from tests.drills.memory import MOST_MB, Memory
from tests.drills.place import Place
from tests.support.stack import wait_until

RATE = 40.0
"""Laps a second."""
EVERY_SECONDS = 10.0
LONG_SECONDS = 600.0
"""Of a soak that also injects what takes a minute, once."""
SOON_SECONDS = 60.0
"""After a fault is mended, all that was acknowledged by then has run within this time. A dead worker's events run within ten
seconds elsewhere; what is started anew needs its own start, and this machine is shared."""


def run(place: Place, seconds: float) -> Iterator[Result]:
    dice = random.Random(os.environ.get("DRILL_SEED", "6"))
    with Crew(place) as crew:
        far = place.network.add_host() if place.network else None
        for name in ("worker-1", "worker-2"):
            crew.add_worker(name)
        if far:
            crew.add_worker("worker-far", far)
        if not place.is_small:
            crew.add_web("web")
            crew.add_watcher("watcher-1")
            crew.add_watcher("watcher-2")
        crew.ready()
        scene = Scene(place, crew, dice, far)
        took: dict[str, list[float]] = defaultdict(list)
        with Memory(crew.running) as memory, Ledger(RATE) as ledger:
            try:
                go_through(scene, ledger, seconds, took)
            except TimeoutError as error:  # the recount says what became of the events all the same
                yield Result("each fault was mended", str(error), False)
        yield from ledger.recount()
    yield Result("processes that ended though nobody ended them", "; ".join(crew.deaths) or 0, not crew.deaths)
    yield Result(f"no process held more than {MOST_MB} MB", memory.too_large or "yes", not memory.too_large)
    for name, peak in memory.peaks.items():
        yield Result(f"{name}: memory at the most", f"{peak} MB")
    late = {name: max(found) for name, found in took.items() if max(found) > SOON_SECONDS}
    every = sorted(seconds for found in took.values() for seconds in found)
    worst = every[-1] if every else 0.0
    yield Result(f"caught up {SOON_SECONDS:.0f} s after each fault", late or f"worst {worst:.1f} s", not late)
    if every:
        rank = math.ceil(0.99 * len(every))
        yield Result("caught up after, p99 of all faults", f"{every[rank - 1]:.1f} s")
    yield Result("faults injected", sum(map(len, took.values())))
    yield Result("kinds of faults", len(took))
    for name, found in took.items():
        yield Result(f"{name}: caught up after", f"{max(found):.1f} s, worst of {len(found)}")


def go_through(scene: Scene, ledger: Ledger, seconds: float, took: dict[str, list[float]]) -> None:
    """Inject faults until the time is over, each kind once before any comes twice, and note how many seconds each took to be made up for.

    Raises TimeoutError naming the fault that was not.
    """
    ends = time.monotonic() + seconds
    left: list[Fault] = []
    wait_until(lambda: executed() > RATE, 60, "no lap runs")
    while time.monotonic() < ends:
        if not left:
            left = faults.kinds(scene, once=seconds >= LONG_SECONDS and not took)
            scene.dice.shuffle(left)
        fault, began = left.pop(), time.monotonic()
        print(f"{seconds - (ends - began):6.0f} s  {faults.name_of(fault)}", file=sys.stderr, flush=True)
        fault(scene)
        mended, due = time.monotonic(), ledger.total
        wait_until(lambda due=due: executed() >= due, 4 * SOON_SECONDS, f"not caught up after: {faults.name_of(fault)}")
        took[faults.name_of(fault)].append(time.monotonic() - mended)
        scene.crew.note_deaths()
        time.sleep(max(0.0, min(began + EVERY_SECONDS, ends) - time.monotonic()))
