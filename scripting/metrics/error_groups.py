"""Error groups: counted with each commit, folded by the sweep, read by pages; and what people say of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum

from scripting import clock
from scripting.models import Activation, ErrorCount, ErrorDelta, ErrorGroup, ErrorTotal, Execution, Resolution, Script
from scripting.models.error_groups import fingerprint
from scripting.models.script import TEXTS
from scripting.texts.escaping import visible

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

FOLD = 500
"""Deltas that one transaction folds."""
ALIKE = 500
"""Groups of other versions that a page looks at."""
ABANDONED = "abandoned"
"""Stands for the error type where an event was given up without any script to blame."""


def deltas_of(executions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count the failures among rows of Execution: rows of ErrorDelta, for the transaction that writes them."""
    deltas: dict[str, dict[str, Any]] = {}
    for row in executions:
        kind = kind_of(row["status"], row.get("error_type", ""), row.get("error_version_id"))
        if not kind:
            continue
        place = (row.get("error_script", ""), row.get("error_line"))
        mark = fingerprint(row["script_id"], row.get("error_version_id"), kind, *place)
        delta = deltas.setdefault(
            mark,
            {
                "fingerprint": mark,
                "script_id": row["script_id"],
                "version_id": row.get("error_version_id"),
                "error_type": kind,
                "error_script": place[0],
                "error_line": place[1],
                "count": 0,
                "events": 0,
                "first_seen": row["finished_at"],
            },
        )
        delta["count"] += 1
        delta["events"] += row.get("event_id") is not None
        delta["message"] = row.get("error_message", "")
        delta["last_execution"] = row["id"]
        delta["first_seen"] = min(delta["first_seen"], row["finished_at"])
        delta["last_seen"] = max(delta.get("last_seen", row["finished_at"]), row["finished_at"])
    return list(deltas.values())


def kind_of(status: str, error_type: str, version: int | None) -> str:
    """The error group of a failure; empty where there is none: an attempt that an open breaker withheld is no new failure."""
    if status == Execution.Status.ABANDONED:
        return error_type or ABANDONED
    return error_type if version is not None else ""


def fold() -> int:
    """Fold waiting deltas into their groups; how many. Run by one process at a time: two would wait, not miscount."""
    with transaction.atomic():
        deltas = list(
            ErrorDelta.objects.select_for_update(
                skip_locked=connection.features.has_select_for_update_skip_locked
            ).order_by("id")[:FOLD]
        )
        by_group: dict[str, list[ErrorDelta]] = defaultdict(list)
        for delta in deltas:
            by_group[delta.fingerprint].append(delta)
        for mark in sorted(by_group):
            _fold_group(mark, by_group[mark])
        ErrorDelta.objects.filter(pk__in=[delta.pk for delta in deltas]).delete()
    return len(deltas)


def _fold_group(mark: str, deltas: Sequence[ErrorDelta]) -> None:
    latest = max(deltas, key=lambda delta: delta.last_seen)
    named = ("script_id", "version_id", "error_type", "error_script", "error_line")
    group, _ = ErrorGroup.objects.select_for_update().get_or_create(
        fingerprint=mark,
        defaults={name: getattr(latest, name) for name in named}
        | {"first_seen": latest.first_seen, "last_seen": latest.last_seen, "last_execution": latest.last_execution},
    )
    if latest.last_seen >= group.last_seen:
        group.last_seen, group.last_execution = latest.last_seen, latest.last_execution
        group.message = latest.message
    group.first_seen = min(group.first_seen, *(delta.first_seen for delta in deltas))
    group.count += sum(delta.count for delta in deltas)
    group.events += sum(delta.events for delta in deltas)
    group.save()
    hours: dict[datetime, int] = defaultdict(int)
    for delta in deltas:
        hours[delta.last_seen.replace(minute=0, second=0, microsecond=0)] += delta.count
    for start, count in sorted(hours.items()):
        if not ErrorCount.objects.filter(group=group, start=start).update(count=F("count") + count):
            ErrorCount.objects.create(group=group, start=start, count=count)


def forget(groups: Iterable[int], before: datetime) -> int:
    """Delete those of these groups that were not seen since and of which no execution is left; how many. They still count."""
    with transaction.atomic():
        kept = Execution.objects.filter(pk=OuterRef("last_execution"))
        old = ErrorGroup.objects.select_for_update().filter(pk__in=groups, last_seen__lt=before)
        due = list(old.filter(~Exists(kept)).values_list("pk", flat=True))
        sums = ErrorGroup.objects.order_by().filter(pk__in=due).values_list("script_id", "error_type")
        for script, kind, total in sums.annotate(total=Sum("count")):
            kept_of, _ = ErrorTotal.objects.get_or_create(script_id=script, error_type=kind)
            ErrorTotal.objects.filter(pk=kept_of.pk).update(count=F("count") + total)
        ErrorGroup.objects.filter(pk__in=due).delete()
    return len(due)


# -- reading -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ErrorGroupSummary:
    """A group as pages show it."""

    group: ErrorGroup
    trend: list[int]
    """Failures per hour of the last 24, oldest first."""
    resolution: Resolution | None
    is_new: bool
    """First seen since the script's version was last changed."""
    newer: ErrorGroup | None = None
    """The same in a newer version, seen after someone called this one resolved."""
    older: ErrorGroup | None = None
    """The same in an older version, which someone had called resolved."""

    @property
    def state(self) -> str:
        """open, resolved, or back: seen again, in this version or a newer one, after someone called it resolved."""
        if self.resolution is None or not self.resolution.resolved:
            return "open"
        return "back" if self.newer or self.group.last_seen > self.resolution.at else "resolved"


def summaries(groups: Sequence[ErrorGroup], now: datetime | None = None) -> list[ErrorGroupSummary]:
    """The groups with their trend, what people said of them and whether they are new: in five queries."""
    now = now or clock.now()
    keys = [group.pk for group in groups]
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    trends: dict[int, list[int]] = {key: [0] * 24 for key in keys}
    for group, start, count in ErrorCount.objects.filter(group__in=keys, start__gte=first).values_list(
        "group_id", "start", "count"
    ):
        index = int((start - first).total_seconds() // 3600)
        if index < 24:
            trends[group][index] = count
    said = _said(keys)
    alike = _alike(groups, [group.message for group in groups if group.pk in said])
    said |= _said(each.pk for same in alike.values() for each in same)
    changed = last_changes({group.script_id for group in groups})
    return [
        ErrorGroupSummary(
            group,
            trends[group.pk],
            said.get(group.pk),
            group.script_id in changed and group.first_seen >= changed[group.script_id],
            _seen_newer(group, said.get(group.pk), alike[group.pk]),
            _resolved_older(group, said, alike[group.pk]),
        )
        for group in groups
    ]


def _said(groups: Iterable[int]) -> dict[int, Resolution]:
    """The last word on each of these groups that there is one on."""
    found = Resolution.objects.filter(group__in=list(groups)).select_related("user").order_by("id")
    return {resolution.group_id: resolution for resolution in found}


def _alike(groups: Sequence[ErrorGroup], told: Sequence[str]) -> dict[int, list[ErrorGroup]]:
    """For each group those of other versions of its script with the same type, place and message, latest version first.

    Of groups whose message is not among `told`, those alone that people have said something of: they are few.
    """
    spoken_of = Exists(Resolution.objects.filter(group=OuterRef("pk")))
    candidates = ErrorGroup.objects.filter(
        spoken_of | Q(message__in=told),
        script__in={group.script_id for group in groups},
        message__in={group.message for group in groups},
        version__isnull=False,
    )
    by_sameness: dict[tuple[Any, ...], list[ErrorGroup]] = defaultdict(list)
    for group in (
        candidates.select_related("version")
        .defer(*(f"version__{name}" for name in TEXTS))
        .order_by("-version__number")[:ALIKE]
    ):
        by_sameness[_sameness(group)].append(group)
    return {
        group.pk: [each for each in by_sameness[_sameness(group)] if each.version_id != group.version_id]
        for group in groups
    }


def _sameness(group: ErrorGroup) -> tuple[Any, ...]:
    return group.script_id, group.error_type, group.error_script, group.message


def _seen_newer(group: ErrorGroup, said: Resolution | None, alike: Iterable[ErrorGroup]) -> ErrorGroup | None:
    if said is None or not said.resolved:
        return None
    return next((each for each in alike if _number(each) > _number(group) and each.last_seen > said.at), None)


def _resolved_older(
    group: ErrorGroup, said: Mapping[int, Resolution], alike: Iterable[ErrorGroup]
) -> ErrorGroup | None:
    older = (each for each in alike if _number(each) < _number(group) and each.pk in said)
    return next((each for each in older if said[each.pk].resolved and said[each.pk].at < group.last_seen), None)


def _number(group: ErrorGroup) -> int:
    return group.version.number if group.version else 0


def last_changes(scripts: Iterable[int]) -> dict[int, datetime]:
    """When each script's active version was last changed: one look at the end of each script's index, in one statement."""
    latest = Activation.objects.filter(script=OuterRef("pk")).order_by("-pk").values("created_at")[:1]
    changed = Script.objects.order_by().filter(pk__in=list(scripts)).annotate(changed=Subquery(latest))
    return {script: at for script, at in changed.values_list("pk", "changed") if at is not None}


def group_of(execution: Execution) -> ErrorGroup | None:
    """The group that an execution's failure belongs to; None where it did not fail, or was not folded yet."""
    kind = kind_of(execution.status, execution.error_type, execution.error_version_id)
    if not kind:
        return None
    mark = fingerprint(
        execution.script_id, execution.error_version_id, kind, execution.error_script, execution.error_line
    )
    return ErrorGroup.objects.filter(fingerprint=mark).first()


# -- saying --------------------------------------------------------------------------------------------------------------


class NoteMissing(ValueError):
    """Say what was done about it: the note is kept for as long as the error is."""

    def __str__(self) -> str:
        return self.args[0] if self.args else type(self).__doc__ or ""


def resolve(group: ErrorGroup, user: User | AnonymousUser | None, note: str, *, resolved: bool = True) -> Resolution:
    """Record that someone calls it resolved, or opens it again. Raises NoteMissing."""
    if not note.strip():
        raise NoteMissing
    by = user if user is not None and user.is_authenticated else None
    return Resolution.objects.create(group=group, user=by, note=visible(note.strip())[:2000], resolved=resolved)
