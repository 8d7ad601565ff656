"""The drills there are: what each proves, what it needs, how long it takes; and a line of what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Drill:
    proves: str
    needs: str
    seconds: float
    """How long it goes on, without its start, its end and the recount."""
    short: float
    """The same of its short form."""
    on_site: bool = True
    """Whether it wants a database, a Redis and the track; else it brings what it needs."""
    has_hosts: bool = False
    """Whether it wants hosts of its own on a network of its own, where they can be had."""
    has_disks: bool = False
    """Whether it wants small disks of its own for the database and for Redis, where they can be had."""
    is_small_when_short: bool = False
    """Whether its short form has SQLite and no network, which cost the least to start."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of its site, other than the defaults."""


DRILLS = {
    "soak": Drill(
        "a fault every 10 s under load loses, doubles and misorders nothing",
        "root for the cut network, PostgreSQL for its own outages",
        1800,
        20,
        has_hosts=True,
        is_small_when_short=True,
    ),
    "overload": Drill(
        "publishers faster than the workers, then a Redis without room, are refused with words; what was accepted runs",
        "nothing",
        60,
        10,
        is_small_when_short=True,
        settings={"SCRIPTING_MAX_WAITING": "500"},
    ),
    "fleet": Drill(
        "50 hosts with 100 workers and 4 web processes on one database and one Redis: changes, idle load, hosts cut off",
        "root, PostgreSQL, 8 GB of memory; DRILL_HOSTS for fewer hosts",
        120,
        20,
        has_hosts=True,
        settings={"SCRIPTING_SHARDS": "32"},
    ),
    "upgrade": Drill(
        "the next release's migrations run under load, and every process is replaced, one after the other",
        "nothing",
        60,
        15,
        is_small_when_short=True,
    ),
    "restore": Drill(
        "a database that is brought back to its backup under a newer Redis, and what was published again: nothing is doubled",
        "nothing",
        30,
        10,
        is_small_when_short=True,
    ),
    "disk": Drill(
        "the disk of the database is full, then that of Redis; events wait, publishers are refused, all goes on by itself",
        "root, PostgreSQL",
        40,
        20,
        has_disks=True,
    ),
    "sockets": Drill(
        "open battle pages on one web process: its processor time, how late changes are, what is left afterwards",
        "nothing; BENCH_SOCKETS for more than 500",
        20,
        20,
        on_site=False,
    ),
    "container": Drill(
        "the whole stack as process 1 of a container: it plays, survives killed parts, reaps orphans and ends when asked",
        "a name space of processes: root, or a kernel that gives one to users",
        30,
        15,
        on_site=False,
    ),
}


@dataclass(frozen=True)
class Result:
    """One line of what a drill found."""

    what: str
    value: object
    holds: bool | None = None
    """Whether a promise is kept; None for a figure."""
