"""A fleet: many hosts with two workers each, four of them with a web process too, on one database and one Redis."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from goby_site.paths import BASE_DIR
from scripting.models import Execution
from scripting.processes.members import Process, everyone
from tests.drills.catalogue import Result
from tests.drills.faults import LEASE_AND_MORE, publish
from tests.drills.ledger import Ledger, executed
from tests.drills.network import Host
from tests.drills.place import DATABASE, Place
from tests.drills.thin import PORT
from tests.support.processes import child_environment
from tests.support.redis import commands_within
from tests.support.stack import wait_until
from tests.workers.track import MARSHAL

SCRIPT = "track/marshal"
WORKERS_A_HOST, WEBS = 2, 4
PROCESSES_A_SECOND = 1.0
"""How many start at the least, on a machine that others use too."""
ACKNOWLEDGED_MS = 250
COMMANDS, TRANSACTIONS = 3.0, 0.2
"""The most of an idle process in a second."""
IDLE_SECONDS = 10.0
CHANGES = 20
IDLE = "idle"
MOST_A_CORE = 16
"""Processes that may share a core where changes are judged while laps run."""
PAUSE_SECONDS = 5.0
"""Seconds for which the processor time without any change is measured, to be taken off."""
SHOWN_SECONDS = 5.0
"""Within this time a host that is cut off is shown as stale."""


def run(place: Place, seconds: float) -> Iterator[Result]:
    if place.network is None or place.postgres is None:
        yield Result("left out", "a fleet needs root, the program `ip` and PostgreSQL")
        return
    hosts = [place.network.add_host() for _ in range(int(os.environ.get("DRILL_HOSTS", "50")))]
    began = time.monotonic()
    with fleet(place, hosts) as pids:
        wait_until(
            lambda: len(fresh()) >= len(pids),
            60 + len(pids) / PROCESSES_A_SECOND,
            f"not all of {len(pids)} have started",
        )
        yield Result(
            "hosts, processes, seconds until all were there",
            f"{len(hosts)}, {len(pids)}, {time.monotonic() - began:.0f}",
        )
        yield Result(
            "all hosts are listed",
            len({process.host for process in fresh()}),
            len({p.host for p in fresh()}) == len(hosts),
        )
        yield Result("memory of all, shared parts once", f"{memory_of(pids.values()) >> 20} MiB")
        time.sleep(5)  # what each does once at its start
        yield from idle(place, len(pids))
        yield from changes(pids, IDLE)
        with Ledger(rate=20, runners=64) as ledger:
            wait_until(lambda: executed() > 20, 60, "no lap runs")
            yield from changes(pids, "while laps run")
            yield from cut_off(random.Random(6).choice(hosts[WEBS:]), hosts, ledger)
            yield from partition(place, hosts, ledger)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        yield from ledger.recount(180)
        yield Result("longest publish of an event", f"{ledger.longest:.2f} s")
        yield Result("processes that live at the end", sum(map(lives, pids.values())), all(map(lives, pids.values())))


@contextmanager
def fleet(place: Place, hosts: list[Host]) -> Iterator[dict[str, int]]:
    """The processes on their hosts, by name; ended behind the block."""
    wanted = [
        [f"{host.name}-{kind}{number}", kind, host.name, str(place.folder / f"{host.name}-{kind}{number}.log")]
        for place_of_host, host in enumerate(hosts)
        for kind, many in (("worker", WORKERS_A_HOST), ("web", int(place_of_host < WEBS)))
        for number in range(many)
    ]
    environment = child_environment(
        **place.of_hosts(), DJANGO_SETTINGS_MODULE="tests.workers.settings", ALLOWED_HOSTS="*", LOG_LEVEL="WARNING"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drills.thin"],
        cwd=BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        try:
            parent.stdin.write(json.dumps(wanted) + "\n")
            parent.stdin.flush()
            yield json.loads(parent.stdout.readline())
        finally:
            parent.send_signal(signal.SIGTERM)
            parent.wait(120)


def fresh() -> list[Process]:
    """Processes of hosts that are listed, and have been heard of."""
    return [
        process
        for process in everyone([SCRIPT])
        if process.kind in {"worker", "web"} and not process.is_stale and process.loaded
    ]


def stale_hosts() -> set[str]:
    return {process.host for process in everyone([]) if process.is_stale}


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def memory_of(pids: object) -> int:
    """Bytes, what several share counted in parts."""
    total = 0
    for pid in pids:  # type: ignore[attr-defined]
        with open(f"/proc/{pid}/smaps_rollup") as told:  # noqa: PTH123
            total += sum(int(line.split()[1]) << 10 for line in told if line.startswith("Pss:"))
    return total


def idle(place: Place, count: int) -> Iterator[Result]:
    """Count what idle processes ask of Redis and of the database."""
    before, began = transactions(place), time.monotonic()
    commands = len(commands_within(IDLE_SECONDS, place.redis.own_client)) / IDLE_SECONDS / count
    time.sleep(2)  # until PostgreSQL's figures are there
    made = (transactions(place) - before) / (time.monotonic() - began) / count
    yield Result(
        f"commands of an idle process to Redis a second, <= {COMMANDS}", round(commands, 2), commands <= COMMANDS
    )
    yield Result(f"transactions of an idle process a second, <= {TRANSACTIONS}", round(made, 3), made <= TRANSACTIONS)


def transactions(place: Place) -> int:
    assert place.postgres is not None
    with psycopg.connect(place.postgres.url) as connection:
        asked = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
        return int(connection.execute(asked, [DATABASE]).fetchone()[0])  # type: ignore[index]


def changes(pids: Mapping[str, int], when: str) -> Iterator[Result]:
    """Publish versions, and wait for the last acknowledgement of each."""
    count, before = len(pids), cpu_of(pids)
    time.sleep(PAUSE_SECONDS)
    at_rest = (cpu_of(pids) - before) / PAUSE_SECONDS
    began, before = time.monotonic(), cpu_of(pids)
    took = sorted(acknowledged(publish_numbered(), count) for _ in range(CHANGES))
    worst, few_cores = took[-1], count > MOST_A_CORE * (os.cpu_count() or 1)
    yield Result(
        f"published → last of {count} acknowledgements, {when}, p99 of {CHANGES} <= {ACKNOWLEDGED_MS} ms",
        f"{worst:.0f} ms (median {took[len(took) // 2]:.0f})",
        # So many processes that run scripts besides measure a small machine, whose cores each of them waits for.
        None if when != IDLE and few_cores else worst <= ACKNOWLEDGED_MS,
    )
    if when == IDLE:  # what laps cost is not the same each second
        spent = cpu_of(pids) - before - at_rest * (time.monotonic() - began)
        yield Result(
            f"processor time of a process, {when}: a change, and a second without one",
            f"{1000 * spent / CHANGES / count:.1f} ms, {1000 * at_rest / count:.1f} ms",
        )


def cpu_of(pids: Mapping[str, int]) -> float:
    """Processor seconds that they have spent so far, by the scheduler's own count: that of ticks is too coarse for what wakes so briefly."""
    found = 0
    for pid in pids.values():
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                found += int((thread / "schedstat").read_text().split()[0])
    return found / 1e9


def publish_numbered() -> tuple[int, float]:
    """Number and moment (seconds since 1970) of a new version that is live."""
    activation = publish(f"{MARSHAL}# {time.monotonic_ns()}\n")
    assert activation.version is not None
    return activation.version.number, activation.created_at.timestamp()


def acknowledged(change: tuple[int, float], count: int) -> float:
    """Milliseconds from the change to the last acknowledgement."""
    number, at = change
    times: list[float] = []

    def all_have() -> bool:
        loaded = [process.loaded.get(SCRIPT) for process in everyone([SCRIPT])]
        times[:] = [version.at for version in loaded if version is not None and version.number >= number]
        return len(times) >= count

    wait_until(all_have, 30, f"v{number} is not acknowledged by all")
    time.sleep(0.3)
    return (max(times) - at) * 1000


def cut_off(host: Host, hosts: list[Host], ledger: Ledger) -> Iterator[Result]:
    """Pull a host's cable, publish meanwhile, plug it in."""
    host.cut_off()
    cut, refused, done = time.monotonic(), ledger.refused.total(), executed()
    try:
        wait_until(lambda: stale_hosts() == {host.name}, SHOWN_SECONDS + 10)
    except TimeoutError:
        yield Result("the host that is cut off is shown as stale, and no other", stale_hosts(), False)
    else:
        shown = time.monotonic() - cut
        yield Result(
            "the host that is cut off is shown as stale, and no other", f"after {shown:.1f} s", shown <= SHOWN_SECONDS
        )
    number, _ = publish_numbered()
    ready = [web_answers(web, "/readyz") for web in hosts[:WEBS]]
    yield Result("web processes elsewhere are ready meanwhile", f"{sum(ready)} of {len(ready)}", all(ready))
    time.sleep(LEASE_AND_MORE)
    due = ledger.total
    wait_until(lambda: executed() >= due, 60, "events wait though other hosts are there")
    yield Result(
        "no event was refused meanwhile; events run",
        f"{executed() - done}",
        executed() > done and ledger.refused.total() == refused,
    )
    host.plug_in()
    healed, at = time.monotonic(), datetime.now(UTC)
    wait_until(lambda: not stale_hosts(), 60, "the host does not come back")
    yield Result("healed → shown again", f"{time.monotonic() - healed:.1f} s")
    ran = runs_of(host, at)
    try:
        wait_until(lambda: len(runs_of(host, at)) > 5, 60)
    except TimeoutError:
        yield Result("the host's workers run events again", len(runs_of(host, at)), False)
    ran = runs_of(host, at)
    old = sum(version < number for version in ran)
    yield Result(
        "runs of its workers since, on a version older than published", f"{old} of {len(ran)}", not old and bool(ran)
    )


def runs_of(host: Host, since: datetime) -> list[int]:
    """The versions of what the host's workers began since then."""
    found = Execution.objects.filter(worker__startswith=f"{host.name}-worker", started_at__gte=since)
    return list(found.values_list("version__number", flat=True))


def web_answers(host: Host, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host.address}:{PORT}{path}", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def partition(place: Place, hosts: list[Host], ledger: Ledger) -> Iterator[Result]:
    """Half of the hosts lose Redis, not the database; then all do."""
    assert place.network is not None
    for lost in (hosts[::2], hosts):
        for host in lost:
            host.lose(place.network.redis)
        time.sleep(LEASE_AND_MORE)
        for host in lost:
            host.find(place.network.redis)
        healed, due = time.monotonic(), ledger.total
        wait_until(lambda due=due: executed() >= due, 120, "events wait though Redis is there")
        yield Result(
            f"{len(lost)} hosts lost Redis for {LEASE_AND_MORE:.0f} s: caught up after",
            f"{time.monotonic() - healed:.1f} s",
        )
