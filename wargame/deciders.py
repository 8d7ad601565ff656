"""Which script versions decide a battle: where another takes over, and how the rule to change first has fared under each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse

from scripting.insight import open_breakers
from scripting.models import Script
from wargame.models import BattleLogEntry, Game, LogKind
from wargame.models.log import ROLES_INSTEAD
from wargame.stories import by

FIRST_RULE = ("damage_calculator", "CRITICAL_CHANCE")
"""The script and its constant, a chance from 0 to 1, that a newcomer should change first."""
RARE, OFTEN = "0.1", "0.9"
"""The value that the card proposes: the one further from what runs."""
LOOKED_BACK = 40
"""Earlier entries that tell which versions decided before the first one shown."""
SHOWN_VERSIONS = 3
BUILT_IN = open_breakers.BUILT_IN
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


@dataclass(frozen=True)
class Deciding:
    """The version that decided for a script at a moment: the last decision of it until then."""

    script: str
    by: str
    stood_in: bool
    entry: BattleLogEntry
    """The entry that it led to."""


def deciding_at(moment: BattleLogEntry) -> list[Deciding]:
    """The decisions in force when `moment` was written, by script."""
    until = BattleLogEntry.objects.filter(game=moment.game_id, sequence__lte=moment.sequence)
    found: dict[str, Deciding] = {}
    for entry in until.defer("board").order_by("-sequence")[:LOOKED_BACK]:
        for decision in reversed(entry.decisions):
            script, stood_in = str(decision.get("script")), decision.get("role") in ROLES_INSTEAD
            found.setdefault(script, Deciding(script, by(decision), stood_in, entry))
    return [found[script] for script in sorted(found)]


@dataclass(frozen=True)
class Decider:
    """Who decides now what a script is for."""

    version: int | None
    """None for the module's built-in rule, or for nothing."""
    name: str
    """`v2`, `the default (v1)`, `the built-in rule` or `nothing`."""
    reason: str = ""
    """Why that is not the live version; empty where it is."""
    advice: str = ""
    """Advice."""


def decider_of(script: Script | None) -> Decider:
    """The version that the next run is decided by, the built-in rule, or nothing."""
    live = script.active_version if script is not None and script.retired_at is None else None
    if script is None or live is None:
        return Decider(None, BUILT_IN, "no version of it is live", "Publish one.")
    if not script.enabled:
        return Decider(None, BUILT_IN, "it is disabled", "Enable it on its page in the admin.")
    fallback = open_breakers.of(script)
    if fallback is None:
        return Decider(live.number, f"v{live.number}")
    version = fallback.version.info.number if fallback.version else None
    return Decider(version, fallback.name, fallback.failed, "Mend it and publish.")


def rule_card(game: Game | None = None) -> dict[str, Any]:
    """The rule to change first: where it is, what it says, who decides now, and what came of it in `game`."""
    name, constant = FIRST_RULE
    script = Script.objects.named("wargame", name).select_related("active_version", "active_knobs").first()
    active = script.active_version if script else None
    decider = decider_of(script)
    said = _said(active.source, constant) if active else None
    value, line = (said["value"], said["line"]) if said else (None, "")
    knobs = script.active_knobs if script else None
    if said and knobs and said["name"] in knobs.values:
        value = str(knobs.values[said["name"]])
        line = f"{line}, set to {value} by knobs {knobs.number}"
    url = reverse("workbench:script", args=["wargame", name]) if script else ""
    return {
        "script": name,
        "said": line,
        "version": active.number if active else None,
        "decider": decider,
        "percent": None if value is None else round(100 * float(value)),
        "proposed": RARE if value is not None and float(value) >= 0.5 else OFTEN,
        "url": f"{url}?find={said['name']}" if url and said else url,
        "figures": [] if game is None else figures(game, name, active.number if active else None, decider),
    }


def _said(source: str, constant: str) -> re.Match[str] | None:
    """The line that gives the constant a number, as each language writes it; None where there is no such line."""
    line = rf"^(?P<line>(?P<open>\(def\s+)?(?P<name>{constant})(?(open)\s|\s*:?=)\s*(?P<value>\d+(?:\.\d*)?)(?(open)\s*\)))\s*(?:#|//|$)"
    return re.search(line, source, re.MULTILINE | re.IGNORECASE)


def figures(game: Game, script: str, active: int | None, decider: Decider) -> list[dict[str, Any]]:
    """Hits that each version of `script`, or its built-in rule, decided in `game`, and how many were critical.

    First comes what decides now, then the live version, then the latest.
    """
    hits = BattleLogEntry.objects.filter(game=game, kind=LogKind.DAMAGE, script=script)
    counted: Any = hits.order_by().values("version").annotate(
        hits=Count("pk"), critical=Count("pk", filter=Q(critical=True)), first=Min("sequence")
    )  # fmt: skip
    rows = {row["version"]: row for row in counted}
    if decider.name != open_breakers.NOTHING:
        rows.setdefault(decider.version, {"version": decider.version, "hits": 0, "critical": 0, "first": 0})
    if active is not None:
        rows.setdefault(active, {"version": active, "hits": 0, "critical": 0, "first": 0})
    for version, row in rows.items():
        row["name"] = BUILT_IN if version is None else f"v{version}"
        row["now"] = version == decider.version and decider.name != open_breakers.NOTHING
        row["set_aside"] = version is not None and version == active and bool(decider.reason)
        row["percent"] = round(100 * row["critical"] / row["hits"]) if row["hits"] else 0
    rank = sorted(rows.values(), key=lambda row: (row["now"], row["set_aside"], row["first"]), reverse=True)
    return rank[:SHOWN_VERSIONS]
