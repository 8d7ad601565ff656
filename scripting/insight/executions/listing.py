"""Executions found by what people ask for, newest first, page by page from a cursor: never counted, never scanned whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q
from django.db.models.functions import Left

from scripting.insight import times
from scripting.insight.executions import conditions
from scripting.insight.executions.filters import Filters, as_id
from scripting.insight.executions.walk import END, Found, Reach, few, walk
from scripting.models import Execution, ScriptVersion
from scripting.models.ids import first_id_at, time_of
from scripting.models.script import TEXTS

PAGE = 50
SECONDS = 0.1
"""How long a page looks for what several filters have in common."""
WORDS_SECONDS = 0.3
WORDS_RANGE = timedelta(hours=1)
"""Where words are looked for when no range is given."""
WORDS_MOST = timedelta(days=1)
"""The longest range that words are looked for in, back from its end."""
BLOBS = ("inputs", "result", "log", "host_calls", "inputs_text", "result_text")
RESULT_SHOWN = 120
"""Characters of a result in a list."""
RESULT = Left("result_text", RESULT_SHOWN + 1)
"""The beginning of the display text as `result_start`: the whole may be long."""


@dataclass(frozen=True)
class Page:
    """Rows newest first, and where older and newer ones begin (None: there are none, as far as this page knows)."""

    rows: list[Execution]
    older: UUID | None
    newer: UUID | None
    remarks: tuple[str, ...] = ()
    stopped: bool = False
    """Whether looking ended before the page was full: there may be more."""


def page(
    filters: Filters,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = PAGE,
    seconds: float | None = None,
) -> Page:
    """The page of rows older than `before`, newer than `after`, or the newest; looked for about so many seconds."""
    filters, remarks = _bounded(filters)
    upwards = after is not None
    found = _find(filters, _reach(filters, before, after), size + 1, seconds)
    more, ids = len(found.ids) > size, found.ids[:size]
    end = ids[-1] if more else found.stopped
    if found.stopped is not None and not more:
        remarks += (_stopped(found.stopped, upwards),)
    if upwards:
        ids.reverse()
        older, newer = ids[-1] if ids else None, end
    else:
        older, newer = end, ids[0] if ids and before is not None else None
    return Page(_rows(ids), older, newer, (*filters.problems, *remarks), found.stopped is not None and not more)


def _find(filters: Filters, reach: Reach, most: int, seconds: float | None) -> Found:
    asked = conditions.conditions(filters)
    if not filters.words:
        return walk(asked, Q(), reach, most, SECONDS if seconds is None else seconds)
    check, known = conditions.words(filters)
    at_once = few(known, asked, reach, most)
    if filters.identity:
        return Found(at_once)
    found = walk(asked, check, reach, most, WORDS_SECONDS if seconds is None else seconds)
    within = at_once if found.stopped is None else [i for i in at_once if _passed(i, found.stopped, reach.upwards)]
    return replace(found, ids=sorted({*found.ids, *within}, reverse=not reach.upwards)[:most])


def _passed(key: UUID, stopped: UUID, upwards: bool) -> bool:
    """Whether it lies in the part that was looked through, so that no later page will show it."""
    return key <= stopped if upwards else key >= stopped


def _reach(filters: Filters, before: UUID | None, after: UUID | None) -> Reach:
    low = first_id_at(filters.since).int if filters.since is not None else 0
    high = first_id_at(filters.until).int if filters.until is not None else END
    if after is not None:
        return Reach(max(low, after.int + 1), high, upwards=True)
    return Reach(low, min(high, before.int) if before is not None else high)


def _rows(ids: list[UUID]) -> list[Execution]:
    """The executions of these ids, in their order, without what is big."""
    if not ids:
        return []
    versions = ScriptVersion.objects.defer(*TEXTS)
    rows = Execution.objects.filter(pk__in=ids).defer(*BLOBS).annotate(result_start=RESULT)
    rows = rows.prefetch_related("script", Prefetch("version", versions), Prefetch("error_version", versions))
    return sorted(rows, key=lambda row: row.pk, reverse=True)


def _stopped(where: UUID, upwards: bool) -> str:
    at = times.written(time_of(where))
    which = f"before {at}: “Newer”" if upwards else f"since {at}: “Older”"
    return f"There was time to look through what ran {which} goes on from there."


def _bounded(filters: Filters) -> tuple[Filters, tuple[str, ...]]:
    """Words need a range; the filters with one, and what the reader should know of it."""
    if not filters.words or filters.identity:
        return filters, ()
    until = filters.until or filters.now
    if filters.since is None:
        return replace(filters, since=until - WORDS_RANGE), (
            "Words are looked for in one hour, unless you give a range.",
        )
    if until - filters.since > WORDS_MOST:
        return replace(filters, since=until - WORDS_MOST), ("Words are looked for in one day at the most: its end.",)
    return filters, ()


def cursor(text: Any) -> UUID | None:
    """A cursor of an address; None for none, or for nonsense."""
    return as_id(text) if isinstance(text, str) and text else None
