"""Which script versions decide a battle: where another takes over, and how the rule to change first has fared under each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse

from scripting.models import Script
from wargame.models import BattleLogEntry, Game, LogKind

FIRST_RULE = ("damage_calculator", "CRITICAL_CHANCE")
"""The script and its constant, a chance from 0 to 1, that a newcomer should change first."""
RARE, OFTEN = "0.1", "0.9"
"""The value that the card proposes: the one further from what runs."""
LOOKED_BACK = 40
"""Earlier entries that tell which versions decided before the first one shown."""
SHOWN_VERSIONS = 3
ACTIVE_ROLES = {BattleLogEntry.Role.PRIMARY.value, BattleLogEntry.Role.RETRY.value}
"""A fallback of a failing version has not taken over."""


@dataclass(frozen=True)
class Takeover:
    """From this entry on another version of `script` decides."""

    script: str
    version: int
    before: int
    url: str


def takeovers(entries: Sequence[BattleLogEntry]) -> dict[int, list[Takeover]]:
    """By sequence number: which versions took over there. `entries` of one game, in order."""
    if not entries:
        return {}
    known = _known_before(entries[0])
    found: dict[int, list[Takeover]] = {}
    for entry in entries:
        for script, version in _deciding(entry.decisions):
            before = known.get(script, version)
            known[script] = version
            if before != version:
                url = reverse("workbench:history", args=["wargame", script])
                taken = Takeover(script, version, before, f"{url}?old={before}&new={version}")
                found.setdefault(entry.sequence, []).append(taken)
    return found


def _known_before(entry: BattleLogEntry) -> dict[str, int]:
    """The last version of each script that decided before `entry`, in the battle before it where need be."""
    earlier = BattleLogEntry.objects.filter(pk__lt=entry.pk).exclude(kind=LogKind.MOVE).order_by("-pk")
    known: dict[str, int] = {}
    for decisions in earlier.values_list("decisions", flat=True)[:LOOKED_BACK]:
        for script, version in _deciding(reversed(decisions)):
            known.setdefault(script, version)
    return known


def _deciding(decisions: Iterable[dict[str, Any]]) -> Iterable[tuple[str, int]]:
    for decision in decisions:
        if decision.get("role") in ACTIVE_ROLES and isinstance(decision.get("version"), int):
            yield decision["script"], decision["version"]


def rule_card(game: Game | None = None) -> dict[str, Any]:
    """The rule to change first: where it is, what it says, and what came of it in `game`."""
    name, constant = FIRST_RULE
    script = Script.objects.named("wargame", name).select_related("active_version").first()
    active = script.active_version if script else None
    value = _value(active.source, constant) if active else None
    return {
        "script": name,
        "constant": constant,
        "version": active.number if active else None,
        "value": value,
        "percent": None if value is None else round(100 * float(value)),
        "proposed": RARE if value is not None and float(value) >= 0.5 else OFTEN,
        "url": f"{reverse('workbench:script', args=['wargame', name])}?find={constant}" if script else "",
        "figures": [] if game is None else figures(game, name, active.number if active else None),
    }


def _value(source: str, constant: str) -> str | None:
    """The number in a line `CONSTANT = number`; None where there is no such line."""
    found = re.search(rf"^{constant}\s*=\s*(\d+(?:\.\d*)?)\s*(?:#|//|$)", source, re.MULTILINE)
    return found[1] if found else None


def figures(game: Game, script: str, active: int | None) -> list[dict[str, Any]]:
    """Hits that each version of `script` decided in `game`, and how many were critical: the active version first."""
    hits = BattleLogEntry.objects.filter(game=game, kind=LogKind.DAMAGE, script=script, version__isnull=False)
    counted: Any = hits.order_by().values("version").annotate(
        hits=Count("pk"), critical=Count("pk", filter=Q(critical=True)), first=Min("sequence")
    )  # fmt: skip
    rows = sorted(counted, key=lambda row: (row["version"] == active, row["first"]), reverse=True)[:SHOWN_VERSIONS]
    if active is not None and all(row["version"] != active for row in rows):
        rows = [{"version": active, "hits": 0, "critical": 0}, *rows[: SHOWN_VERSIONS - 1]]
    for row in rows:
        row["now"] = row["version"] == active
        row["percent"] = round(100 * row["critical"] / row["hits"]) if row["hits"] else 0
    return rows
