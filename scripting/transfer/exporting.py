"""Write a site's own work to a file: scripts, all their versions, values and cases, sets of subscriptions, schedules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

from scripting.models import Case, KnobSet, Schedule, Script, ScriptVersion, SubscriptionActivation, SubscriptionSet
from scripting.schedules.keeping import as_document
from scripting.transfer.records import (
    CaseRecord,
    KnobRecord,
    ScheduleRecord,
    ScriptRecord,
    Site,
    SubscriptionRecord,
    VersionRecord,
)


@transaction.atomic
def site() -> Site:
    """All of it as of one moment."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return Site(
        scripts=list(_scripts()),
        versions=list(_versions()),
        knobs=list(_knobs()),
        cases=list(_cases()),
        subscriptions=list(_subscriptions()),
        schedules=[_schedule(each) for each in Schedule.objects.select_related("script").order_by("name")],
    )


def _scripts() -> Iterator[ScriptRecord]:
    for each in Script.objects.select_related("active_version", "active_knobs").order_by("module", "name"):
        yield ScriptRecord(
            module=each.module,
            name=each.name,
            language=each.language,
            enabled=each.enabled,
            pinned=each.pinned,
            retired=each.retired_at is not None,
            max_execution_time=each.max_execution_time,
            max_memory_bytes=each.max_memory_bytes,
            live=each.active_version.number if each.active_version else None,
            live_knobs=each.active_knobs.number if each.active_knobs else None,
        )


def _versions() -> Iterator[VersionRecord]:
    found = ScriptVersion.objects.select_related("script", "author").defer("source", "diagnostics")
    for each in found.order_by("script__module", "script__name", "number"):
        yield VersionRecord(
            script=str(each.script),
            number=each.number,
            language=each.language,
            sha256=each.sha256,
            content=bytes(each.content),
            origin=each.origin,
            **_said(each),
        )


def _knobs() -> Iterator[KnobRecord]:
    found = KnobSet.objects.select_related("script", "author")
    for each in found.order_by("script__module", "script__name", "number"):
        yield KnobRecord(
            script=str(each.script), number=each.number, sha256=each.sha256, values=each.all_values, **_said(each)
        )


def _said(each: ScriptVersion | KnobSet) -> dict[str, str]:
    author = each.author.get_username() if each.author else ""
    return {"author": author, "message": each.message, "made_at": each.created_at.isoformat()}


def _cases() -> Iterator[CaseRecord]:
    for each in Case.objects.kept().select_related("script").order_by("script__module", "script__name", "name"):
        yield CaseRecord(script=str(each.script), name=each.name, digest=each.digest, document=each.document)


def _subscriptions() -> Iterator[SubscriptionRecord]:
    live: dict[str, int | None] = dict(SubscriptionActivation.objects.order_by("id").values_list("topic", "chosen_id"))
    for each in SubscriptionSet.objects.select_related("author").order_by("topic", "number"):
        yield SubscriptionRecord(
            topic=each.topic,
            number=each.number,
            sha256=each.sha256,
            content=each.content,
            author=each.author.get_username() if each.author else "",
            live=live.get(each.topic) == each.pk,
        )


def _schedule(schedule: Schedule) -> ScheduleRecord:
    fields: dict[str, Any] = as_document(schedule)
    return ScheduleRecord(**{**fields, "script": fields["script"] or ""}, enabled=schedule.enabled)
