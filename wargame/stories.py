"""The story of an entry of the battle log: one sentence, and the decisions that led there, from the log alone.

The log outlives the executions that it names, so the sentence needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString

from scripting.insight.addresses import address_of
from scripting.insight.executions.cause_tree import follow_ups_of
from scripting.insight.executions.listing import BLOBS
from scripting.insight.executions.reason import decided_by, why
from scripting.models import Execution
from scripting.types import RecordedRun, RunStory
from wargame.models import BattleLogEntry, LogKind
from wargame.models.log import ROLES_INSTEAD
from wargame.play.said import said
from wargame.wording import in_words

Decision = Mapping[str, Any]
FOLLOWED = 20
"""Entries that a story shows of what followed."""
LINKS = 5
"""Entries that the page of an execution leads to."""
STEPS = {"hit_simulator": "Shot", "damage_calculator": "Damage", "event_processor": "Effect"}
BLOWS = (LogKind.DAMAGE, LogKind.CHAIN)


def sentence(entry: BattleLogEntry) -> str:
    """The sentence without its time: what happened and what decided it."""
    match entry.kind:
        case LogKind.DAMAGE | LogKind.CHAIN | LogKind.DESTROYED:
            return _blow(entry)
        case LogKind.MISS:
            return _miss(entry)
        case LogKind.MOVE:
            return f"{entry.text.replace(' moves to ', ' moved to ', 1)}{_valid(entry)}."
    if entry.script:
        return f"{entry.text.rstrip('.')}, by {by(_decider(entry))}."
    return f"{entry.text.rstrip('.')}."


def by(decision: Decision) -> str:
    """`damage_calculator v2 with knobs 3, standing in for v6, which was broken`."""
    script, version, role = str(decision.get("script")), decision.get("version"), str(decision.get("role"))
    # The log of earlier times names no version that failed.
    failed = decision.get("failed") or ("the live version" if decision.get("error") and role in ROLES_INSTEAD else None)
    return decided_by(script, version, role, failed=failed, knobs=decision.get("knobs"))


def blow_of(entry: BattleLogEntry) -> BattleLogEntry | None:
    """The blow that an entry tells of: of a unit that is destroyed the one before it, by the same run."""
    if entry.kind != LogKind.DESTROYED:
        return entry
    before = BattleLogEntry.objects.filter(game=entry.game_id, sequence__lt=entry.sequence, kind__in=BLOWS)
    return before.filter(target=entry.target_id, sequence__gte=entry.sequence - 1).first()


@dataclass(frozen=True)
class Told:
    """A decision on the way to an entry, as its story shows it."""

    name: str
    """The part that it played: `Order`, `Shot`, `Damage` or `Effect`."""
    by: str
    said: str
    decided: bool
    """Whether the entry is put down to it."""
    error: str
    execution: Execution | None
    """None where its record is not kept any more."""
    why: SafeString
    url: str
    """Of the execution's page; empty where the record is gone, or the site has no such page."""
    identity: str


def steps(entry: BattleLogEntry) -> list[Told]:
    """The decisions of an entry, first to last."""
    ids = [found for d in entry.decisions if (found := _uuid(d.get("execution")))]
    rows = Execution.objects.select_related("script", "version", "error_version").defer(*BLOBS)
    kept = {str(run.pk): run for run in rows.filter(pk__in=ids)}
    return [
        _told(entry, decision, number, kept.get(str(decision.get("execution"))))
        for number, decision in enumerate(entry.decisions)
    ]


def _told(entry: BattleLogEntry, decision: Decision, number: int, run: Execution | None) -> Told:
    script, several = str(decision.get("script", "")), len(entry.decisions) > 1
    is_order = script == "event_processor" and number == 0 and (several or entry.kind not in BLOWS)
    return Told(
        "Order" if is_order else STEPS.get(script, script),
        by(decision),
        str(decision.get("said") or ""),
        decision.get("execution") == str(entry.execution_id),
        str(decision.get("error") or ""),
        run,
        why(run) if run is not None else SafeString(""),
        address_of("admin:scripting_execution_change", run.pk) if run is not None else "",
        str(decision.get("execution") or ""),
    )


def followed(entry: BattleLogEntry) -> list[BattleLogEntry]:
    """Entries that the same run wrote after it, and those of the runs that it set off."""
    if entry.run is None:
        return []
    later = BattleLogEntry.objects.filter(game=entry.game_id, sequence__gt=entry.sequence)
    found = later.filter(run__in=[entry.run, *follow_ups_of(entry.run)]).order_by("sequence")
    return list(found.select_related("unit__side", "target__side")[:FOLLOWED])


def of_run(run: RecordedRun) -> RunStory:
    """The decision of one execution, with links to the entries of the log that came of it."""
    what = in_words(run.topic, run.payload) or f"{run.script} ran"
    decided = said(run.topic, run.payload, run.result)
    by_whom = f"by {run.decided_by}" if run.decided_by else f"nothing was decided, {run.error or run.status}"
    entries = BattleLogEntry.objects.filter(Q(run__in=run.related) | Q(execution_id__in=run.related))
    links = [
        (f"battle {entry.game_id}: {entry.text}", reverse("wargame:story", args=[entry.game_id, entry.sequence]))
        for entry in entries.order_by("pk")[:LINKS]
    ]
    return RunStory(f"{what[:1].upper()}{what[1:]}: {f'{decided}, ' if decided else ''}{by_whom}.", tuple(links))


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _blow(entry: BattleLogEntry) -> str:
    blow = blow_of(entry)
    who, whom = _name(entry.unit), _name(entry.target)
    shots = [d for d in entry.decisions if d.get("script") == "hit_simulator"]
    decider = _decider(entry)
    parts = []
    if blow is not None and blow.kind == LogKind.CHAIN:
        parts.append(f"A chain reaction reached {whom}: {_points(blow)} damage by {by(decider)}")
    elif entry.unit is None or entry.unit_id == entry.target_id:
        parts.append(f"{whom} was damaged: {_points(blow)} damage by {by(decider)}")
    else:
        shot = shots[-1].get("said") or "a hit" if shots else "a hit"
        if shots and shots[-1].get("role") in ROLES_INSTEAD:
            shot += f" (by {by(shots[-1])})"
        parts += [
            f"{who} shot at {whom}: {shot}",
            f"{decider.get('said') or f'{_points(blow)} damage'} by {by(decider)}",
        ]
    remarks = [
        d for d in entry.decisions[-1:] if d.get("script") == "event_processor" and d is not decider and d.get("said")
    ]
    parts += [str(d["said"]) for d in remarks]
    if entry.kind == LogKind.DESTROYED or (blow is not None and blow.after == 0):
        parts.append("that destroyed it")
    elif blow is not None and blow.after is not None:
        parts.append(f"{blow.after} of {blow.before} health left")
    return f"{'; '.join(parts)}."


def _miss(entry: BattleLogEntry) -> str:
    decider = _decider(entry)
    said = decider.get("said") or "a miss"
    return f"{_name(entry.unit)} shot at {_name(entry.target)}: {said}, by {by(decider)}."


def _valid(entry: BattleLogEntry) -> str:
    return f": {by(_decider(entry))} found the order valid" if entry.script else ""


def _points(blow: BattleLogEntry | None) -> int | str:
    return "some" if blow is None or blow.before is None or blow.after is None else blow.before - blow.after


def _decider(entry: BattleLogEntry) -> Decision:
    """The decision that the entry names; of a log of earlier times that has it not, what its columns say."""
    known: Sequence[Decision] = [d for d in entry.decisions if d.get("execution") == str(entry.execution_id)]
    names = ("script", "version", "knobs", "role", "error")
    return known[-1] if known else {name: getattr(entry, name) for name in names}


def _name(unit: Any) -> str:
    return unit.name if unit is not None else "A unit"
