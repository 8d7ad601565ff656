"""The history of a script: its versions, its activations, and every change of its limits and switches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scripting.evidence.kept import KEPT, reports_of
from scripting.insight.display import size
from scripting.models import Activation, ReplayReport, Script, ScriptVersion

SHOWN = 200
"""Versions, activations and changes that the page shows of each."""
WORDS = {
    "max_execution_time": "time limit",
    "max_memory_bytes": "memory limit",
    "enabled": "enabled",
    "pinned": "pinned",
    "retired_at": "retired",
    "language": "language of the default",
}


@dataclass(frozen=True)
class VersionLine:
    """A version as a line of the history."""

    version: ScriptVersion
    is_active: bool
    is_default: bool
    is_older: bool
    """Than the active version."""
    predecessor: int | None
    """The version before it, to compare with."""
    replay: ReplayReport | None
    """The newest report of a replay of this text."""


@dataclass(frozen=True)
class Change:
    """One change of a script's settings."""

    at: datetime
    actor: str
    reason: str
    changes: tuple[tuple[str, str, str], ...]
    """(what, before, after)"""
    pk: int


def versions(script: Script) -> list[VersionLine]:
    """The latest versions, latest first."""
    rows = list(script.versions.select_related("author").defer("content", "source").order_by("-number")[:SHOWN])
    replays = {report.text: report for report in reversed(reports_of(script, KEPT))}
    numbers = [row.number for row in rows]
    active = script.active_version.number if script.active_version else 0
    return [
        VersionLine(
            row,
            row.pk == script.active_version_id,
            row.pk == script.default_version_id,
            row.number < active,
            numbers[place + 1] if place + 1 < len(numbers) else None,
            replays.get(row.sha256),
        )
        for place, row in enumerate(rows)
    ]


def activations(script: Script) -> list[Activation]:
    """Who made which version live, latest first."""
    found = script.activations.select_related("version", "knobs", "actor", "review__decided_by").prefetch_related(
        "evidence__script", "evidence__report"
    )
    return list(found[:SHOWN])


def changes(script: Script) -> Iterator[Change]:
    """Changes of limits and switches out of simple-history's record, latest first."""
    records = list(script.history.select_related("history_user").order_by("-history_id")[: SHOWN + 1])
    for newer, older in zip(records, [*records[1:], None], strict=True):
        if older is None:
            continue
        changed = tuple(
            (words, in_words(field, getattr(older, field)), in_words(field, getattr(newer, field)))
            for field, words in WORDS.items()
            if getattr(older, field) != getattr(newer, field)
        )
        if changed:
            actor = str(newer.history_user or "")
            yield Change(newer.history_date, actor, newer.history_change_reason or "", changed, newer.history_id)


def in_words(field: str, value: Any) -> str:
    """A setting with its unit."""
    match field:
        case "enabled" | "pinned" | "retired_at":
            return "yes" if value else "no"
        case "max_execution_time":
            return "the module's" if value is None else f"{value:g} s"
        case "max_memory_bytes":
            return "the module's" if value is None else size(value)
    return str(value) or "none"
