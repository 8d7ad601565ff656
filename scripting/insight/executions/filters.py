"""Filters of the list of executions, read from an address; nonsense is named, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from scripting import clock
from scripting.insight.asked import Asked
from scripting.insight.dashboard.ranges import BY_NAME
from scripting.models import Execution, Script
from scripting.models.execution import SLOW_US

UNSUCCESSFUL = ("failed", "fell_back", "abandoned")
TRIED = "tried"
"""Unsuccessful, and a version was tried and failed: what an open breaker withheld is left out."""


@dataclass(frozen=True)
class Filters:
    """The filters given. Empty means anything; `problems` names the ones that made no sense and were left out."""

    module: str = ""
    script: int | None = None
    version: int | None = None
    status: str = ""
    error: str = ""
    trigger: str = ""
    topic: str = ""
    worker: str = ""
    user: str = ""
    slow: int | None = None
    """Wall time of at least so many µs: one of SLOW_US."""
    since: datetime | None = None
    until: datetime | None = None
    group: int | None = None
    words: str = ""
    problems: tuple[str, ...] = field(default=(), compare=False)
    now: datetime = field(default_factory=clock.now, compare=False)
    """When it was asked: every range that says no end ends here."""

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()

    @property
    def identity(self) -> UUID | None:
        """The id that was given instead of words."""
        return as_id(self.words)


def parse(query: Mapping[str, str], now: datetime | None = None) -> Filters:
    """The filters of a query string."""
    now = now or clock.now()
    asked = Asked(query)
    slow = asked.number("slow")
    if slow is not None and slow not in SLOW_US:
        asked.problems.append(f"slow must be one of {', '.join(map(str, SLOW_US))} (microseconds)")
        slow = None
    since = asked.moment("since")
    chosen = asked.choice("range", tuple(BY_NAME))
    if chosen and since is None:
        since = now - BY_NAME[chosen].length
    module, script = asked.text("module"), asked.number("script")
    if module and script is not None and (other := _other_module(script, module)):
        asked.problems.append(f"module {module} is left out, since the script is of {other}")
        module = ""
    statuses = (*Execution.Status.values, "unsuccessful", TRIED)
    return Filters(
        module,
        script,
        asked.number("version"),
        asked.choice("status", statuses),
        asked.text("error"),
        asked.choice("trigger", tuple(Execution.Trigger.values)),
        asked.text("topic"),
        asked.text("worker"),
        asked.text("user"),
        slow,
        since,
        asked.moment("until"),
        asked.number("group"),
        asked.text("q"),
        tuple(asked.problems),
        now,
    )


def _other_module(script: int, module: str) -> str | None:
    """The module of a script that is not of `module`."""
    return Script.objects.filter(pk=script).exclude(module=module).values_list("module", flat=True).first()


def as_id(text: str) -> UUID | None:
    """None for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None
