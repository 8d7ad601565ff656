"""Entries of the battle log found by what people ask for, newest first, page by page from a cursor: never counted.

The id of an entry is its place in time, so that a range of time is one of ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from scripting import clock
from scripting.insight.asked import Asked, as_number
from scripting.insight.dashboard.ranges import BY_NAME
from wargame.models import BattleLogEntry, Game, LogKind, Unit
from wargame.models.log import ROLES_INSTEAD

PAGE = 50
NEWEST_GAMES = 20
"""Battles whose units, and versions, the filters of all battles offer."""
STOOD_IN = "stood_in"
"""As a role: whatever decided instead of the active version."""
ROLES = (*BattleLogEntry.Role.values, STOOD_IN)


@dataclass(frozen=True)
class Filters:
    """The filters given. Empty means anything; `problems` names the ones that made no sense and were left out."""

    battle: int | None = None
    unit: str = ""
    """Code or name of a unit that acted or was acted upon."""
    side: str = ""
    kind: str = ""
    script: str = ""
    version: int | None = None
    role: str = ""
    since: datetime | None = None
    until: datetime | None = None
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def any(self) -> bool:
        """Whether anything is asked for beside the battle."""
        return self != Filters(battle=self.battle)


@dataclass(frozen=True)
class Page:
    """Rows newest first, and where older and newer ones begin; None: there are none."""

    rows: list[BattleLogEntry]
    older: int | None
    newer: int | None


def parse(query: Mapping[str, str], now: datetime | None = None) -> Filters:
    """The filters of a query string."""
    asked = Asked(query)
    since, chosen = asked.moment("since"), asked.choice("range", tuple(BY_NAME))
    if chosen and since is None:
        since = (now or clock.now()) - BY_NAME[chosen].length
    script, _, version = asked.text("by").partition(" v")
    return Filters(
        asked.number("battle"),
        asked.text("unit"),
        asked.text("side"),
        asked.choice("kind", tuple(LogKind.values)),
        script,
        as_number(version),
        asked.choice("role", ROLES),
        since,
        asked.moment("until"),
        tuple(asked.problems),
    )


def page(filters: Filters, *, before: int | None = None, after: int | None = None, size: int = PAGE) -> Page:
    """The page of rows older than `before`, newer than `after`, or the newest."""
    found = _found(filters)
    upwards = after is not None
    if upwards:
        rows = list(found.filter(pk__gt=after).order_by("pk")[: size + 1])
    else:
        rows = list((found if before is None else found.filter(pk__lt=before)).order_by("-pk")[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if upwards:
        rows.reverse()
    first, last = (rows[0].pk, rows[-1].pk) if rows else (None, None)
    older = last if more or upwards else None
    newer = first if (more if upwards else before is not None) else None
    return Page(rows, older, newer)


def _found(filters: Filters) -> QuerySet[BattleLogEntry, Any]:
    entries = BattleLogEntry.objects.select_related("game", "unit__side", "target__side").defer("board")
    if filters.battle is not None:
        entries = entries.filter(game=filters.battle)
    if filters.unit:
        units = Unit.objects.filter(Q(code=filters.unit) | Q(name=filters.unit))
        if filters.battle is not None:
            units = units.filter(game=filters.battle)
        ids = list(units.values_list("pk", flat=True))
        entries = entries.filter(Q(unit__in=ids) | Q(target__in=ids))
    for name in ("side", "kind", "script", "version"):
        if value := getattr(filters, name):
            entries = entries.filter(**{name: value})
    if filters.role:
        entries = entries.filter(role__in=ROLES_INSTEAD if filters.role == STOOD_IN else [filters.role])
    if filters.since is not None:
        entries = entries.filter(pk__gte=_first_at(filters.since))
    if filters.until is not None:
        entries = entries.filter(pk__lt=_first_at(filters.until))
    return entries


def _first_at(moment: datetime) -> int:
    """The id of the first entry that was written then or later; beyond all where there is none."""
    found = BattleLogEntry.objects.filter(created__gte=moment).order_by("created", "pk")
    return found.values_list("pk", flat=True).first() or (1 << 62)


def choices(filters: Filters) -> dict[str, Any]:
    """Choices of each filter: of the battle that is shown, else of the newest battles."""
    newest = list(Game.objects.order_by("-pk")[:NEWEST_GAMES])
    games = [filters.battle] if filters.battle is not None else [game.pk for game in newest]
    units = Unit.objects.filter(game__in=games).order_by("name").values_list("name", flat=True).distinct()
    decided = BattleLogEntry.objects.filter(game__in=games).exclude(script="").order_by("script", "-version")
    return {
        "battles": [(game.pk, f"{game.pk}: {game.map_name}") for game in newest],
        "units": list(units),
        "sides": [("harbour", "Harbour"), ("ridge", "Ridge")],
        "kinds": LogKind.choices,
        "versions": [
            f"{script} v{version}" if version is not None else script
            for script, version in decided.values_list("script", "version").distinct()
        ],
        "roles": [*BattleLogEntry.Role.choices, (STOOD_IN, "stood in for another")],
    }
