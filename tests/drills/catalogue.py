"""The drills there are: what each proves, what it needs, how long it takes; and a line of what it found."""

from __future__ import annotations

from dataclasses import dataclass


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


DRILLS = {
    "soak": Drill(
        "a fault every 10 s under load loses, doubles and misorders nothing",
        "root for the cut network, PostgreSQL for its own outages",
        1800,
        20,
        has_hosts=True,
    ),
}


@dataclass(frozen=True)
class Result:
    """One line of what a drill found."""

    what: str
    value: object
    holds: bool | None = None
    """Whether a promise is kept; None for a figure."""
