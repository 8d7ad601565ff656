"""Executions found by what people ask for, newest first, page by page from a cursor: never counted, never scanned whole.

Every filter by itself walks an index that is in the list's order. What no index serves (words) is looked for within a range
of time alone, which the ids, being ordered by time, bound.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from scripting.insight.ranges import BY_NAME
from scripting.models import ErrorGroup, Execution, Script
from scripting.models.execution import SLOW_US, UNUSUAL_STATUS, UNUSUAL_TRIGGER

PAGE = 50
WORDS_RANGE = timedelta(hours=1)
"""Where words are looked for when no range is given."""
WORDS_MOST = timedelta(days=1)
"""The longest range that words are looked for in, back from its end."""
UNSUCCESSFUL = ("failed", "fell_back", "abandoned")
BLOBS = ("inputs", "result", "log", "host_calls", "inputs_text", "result_text")


@dataclass(frozen=True)
class Filters:
    """What is asked for. Empty means anything; `problems` says what of the question made no sense and was left out."""

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

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()


@dataclass(frozen=True)
class Page:
    """Rows newest first, and where older and newer ones begin (None: there are none, as far as this page knows)."""

    rows: list[Execution]
    older: UUID | None
    newer: UUID | None
    remarks: tuple[str, ...] = ()


def parse(query: Mapping[str, str], now: datetime | None = None) -> Filters:
    """The filters of a query string. Nonsense is named in `problems`, never an error."""
    problems: list[str] = []

    def text(name: str) -> str:
        return query.get(name, "").strip().replace("\0", "")[:200]

    def number(name: str) -> int | None:
        given = text(name)
        if not given:
            return None
        if given.isascii() and given.isdecimal() and len(given) < 18:
            return int(given)
        problems.append(f"{name} must be a number")
        return None

    def choice(name: str, choices: tuple[str, ...]) -> str:
        given = text(name)
        if given and given not in choices:
            problems.append(f"{name} must be one of {', '.join(choices)}")
            return ""
        return given

    def moment(name: str) -> datetime | None:
        given = text(name)
        if not given:
            return None
        try:
            found = parse_datetime(given)
        except ValueError:
            found = None
        if found is None or not 1980 < found.year < 2200:
            problems.append(f"{name} must be a time such as 2030-01-31T12:00")
            return None
        return timezone.make_aware(found) if timezone.is_naive(found) else found

    slow = number("slow")
    if slow is not None and slow not in SLOW_US:
        problems.append(f"slow must be one of {', '.join(map(str, SLOW_US))} (microseconds)")
        slow = None
    since = moment("since")
    chosen = choice("range", tuple(BY_NAME))
    if chosen and since is None:
        since = (now or datetime.now(UTC)) - BY_NAME[chosen].length
    statuses = (*Execution.Status.values, "unsuccessful")
    return Filters(
        text("module"),
        number("script"),
        number("version"),
        choice("status", statuses),
        text("error"),
        choice("trigger", tuple(Execution.Trigger.values)),
        text("topic"),
        text("worker"),
        text("user"),
        slow,
        since,
        moment("until"),
        number("group"),
        text("q"),
        tuple(problems),
    )


def page(filters: Filters, *, before: UUID | None = None, after: UUID | None = None, size: int = PAGE) -> Page:
    """The page of rows older than `before`, newer than `after`, or the newest."""
    filters, remarks = _bounded(filters)
    found = [_within(query, before, after, size + 1) for query in queries(filters)]
    forward = after is not None
    merged = heapq.merge(*found, key=lambda row: row.pk, reverse=not forward)
    rows = [next(same) for _, same in itertools.islice(itertools.groupby(merged, key=lambda row: row.pk), size + 1)]
    more, rows = len(rows) > size, rows[:size]
    if forward:
        rows.reverse()
    older = rows[-1].pk if rows and (more or forward) else None
    newer = rows[0].pk if rows and (before is not None or (forward and more)) else None
    return Page(rows, older, newer, (*filters.problems, *remarks))


def _within(query: QuerySet[Execution], before: UUID | None, after: UUID | None, size: int) -> list[Execution]:
    if after is not None:
        return list(query.filter(pk__gt=after).order_by("pk")[:size])
    if before is not None:
        query = query.filter(pk__lt=before)
    return list(query.order_by("-pk")[:size])


def _bounded(filters: Filters, now: datetime | None = None) -> tuple[Filters, tuple[str, ...]]:
    """Words need a range; the filters with one, and what the reader should know of it."""
    if not filters.words or _exact(filters.words):
        return filters, ()
    until = filters.until or now or datetime.now(UTC)
    if filters.since is None:
        return replace(filters, since=until - WORDS_RANGE), (
            "Words are looked for in one hour, unless you give a range.",
        )
    if until - filters.since > WORDS_MOST:
        return replace(filters, since=until - WORDS_MOST), ("Words are looked for in one day at the most: its end.",)
    return filters, ()


def queries(filters: Filters) -> list[QuerySet[Execution]]:
    """The question as queries whose answers, merged, are its answer: a filter that is several values is several walks."""
    query = Execution.objects.select_related("script", "version", "error_version").defer(*BLOBS)
    if filters.since is not None:
        query = query.filter(pk__gte=id_at(filters.since))
    if filters.until is not None:
        query = query.filter(pk__lt=id_at(filters.until))
    for name, column in (("version", "version"), ("topic", "topic"), ("worker", "worker")):
        if value := getattr(filters, name):
            query = query.filter(**{column: value})
    if filters.error:
        query = query.filter(error_type=filters.error, error_type__gt="")
    if filters.user:
        query = query.filter(user=filters.user, user__gt="")
    if filters.slow:
        query = query.filter(wall_us__gte=filters.slow)
    if filters.trigger:
        query = query.filter(trigger=filters.trigger)
        if filters.trigger != Execution.Trigger.EVENT:
            query = query.filter(UNUSUAL_TRIGGER)
    if filters.group is not None:
        query = query.filter(_of_group(filters.group))
    ways = [query]
    for alternatives in (_scripts(filters), _statuses(filters), _words(filters)):
        ways = [way.filter(part) for way in ways for part in alternatives]
    return ways


def _scripts(filters: Filters) -> list[Q]:
    if filters.script is not None:
        return [Q(script=filters.script)]
    if filters.module:
        return [Q(script=key) for key in Script.objects.filter(module=filters.module).values_list("pk", flat=True)]
    return [Q()]


def _statuses(filters: Filters) -> list[Q]:
    if not filters.status:
        return [Q()]
    chosen = UNSUCCESSFUL if filters.status == "unsuccessful" else (filters.status,)
    # The condition of the index is named too: SQLite cannot tell that the one implies the other.
    return [Q(status=s) & (UNUSUAL_STATUS if s != Execution.Status.SUCCEEDED else Q()) for s in chosen]


def _words(filters: Filters) -> list[Q]:
    if not filters.words:
        return [Q()]
    if identity := _exact(filters.words):
        return [Q(pk=identity), Q(event_id=str(identity)), Q(cause=identity), _request(filters.words)]
    found = Q()
    for word in filters.words.split():
        found &= Q(inputs_text__icontains=word) | Q(result_text__icontains=word) | Q(key=word)
    return [found, Q(event_id=filters.words), _request(filters.words)]


def _request(text: str) -> Q:
    return Q(request_id=text, request_id__gt="")


def _exact(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _of_group(key: int) -> Q:
    """The executions of an error group."""
    group = ErrorGroup.objects.filter(pk=key).first()
    if group is None:
        return Q(pk__in=[])
    same = Q(script=group.script_id, error_script=group.error_script, error_line=group.error_line)
    if group.version_id is None:
        return same & Q(status=Execution.Status.ABANDONED) & UNUSUAL_STATUS
    return same & Q(error_version=group.version_id, error_type=group.error_type)


def id_at(moment: datetime) -> UUID:
    """The smallest execution id of that moment: ids are ordered by time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def cursor(text: Any) -> UUID | None:
    """A cursor of an address; None for none, or for nonsense."""
    return _exact(text) if isinstance(text, str) and text else None
