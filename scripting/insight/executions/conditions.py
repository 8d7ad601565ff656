"""Each filter of the list of executions as conditions: one that its index walks, and one that is merely checked.

Where several filters are given, one walks its index and the others are checked on each row, in an expression that no
index serves: a database that took another filter's index for it would walk that one without end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.db.models import F, Func, IntegerField, Q, TextField
from django.db.models.lookups import Exact, GreaterThanOrEqual, In

from scripting.insight.executions.filters import TRIED, UNSUCCESSFUL, Filters
from scripting.models import ErrorGroup, Execution, Script
from scripting.models.execution import ERROR_LINE, ERROR_VERSION, UNUSUAL_STATUS, UNUSUAL_TRIGGER, WITHHELD
from scripting.types import ErrorType

NONE = Q(pk__in=[])


@dataclass(frozen=True)
class Condition:
    """One filter. Executions that fulfil it are those of its `walks` together, if it has any; or those that pass `check`."""

    check: Q
    walks: tuple[Q, ...] = ()
    """Each served by an index whose entries are in the order of ids."""
    exact: bool = True
    """Whether rows that the walks find need no check."""


def conditions(filters: Filters) -> list[Condition]:
    """All of them but the range of time and words, which no index serves."""
    made = []
    if filters.script is not None:
        made.append(_one("script", filters.script, _number("script_id", [filters.script])))
    elif filters.module:
        keys = list(Script.objects.filter(module=filters.module).values_list("pk", flat=True))
        made.append(Condition(_number("script_id", keys), tuple(Q(script=key) for key in keys) or (NONE,)))
    if filters.version is not None:
        # It has one script, so that this index finds the fewer.
        made = [replace(each, walks=()) for each in made]
        made.append(_version(filters.version, failed=filters.status == TRIED))
    if filters.status == TRIED:
        made.append(_tried())
    elif filters.status:
        made.append(_status(UNSUCCESSFUL if filters.status == "unsuccessful" else (filters.status,)))
    # The condition of a partial index is named too: SQLite cannot tell that the one implies the other.
    if filters.error:
        made.append(_one("error_type", filters.error, _text("error_type", filters.error), Q(error_type__gt="")))
    if filters.trigger == Execution.Trigger.EVENT:
        made.append(Condition(_text("trigger", filters.trigger)))
    elif filters.trigger:
        made.append(_one("trigger", filters.trigger, _text("trigger", filters.trigger), UNUSUAL_TRIGGER))
    for name, value in (("user", filters.user), ("topic", filters.topic), ("worker", filters.worker)):
        if value:
            made.append(_one(name, value, _text(name, value), Q(**{f"{name}__gt": ""})))
    if filters.slow:
        slow = Q(GreaterThanOrEqual(_Number(F("wall_us")), filters.slow))
        made.append(Condition(slow, (Q(wall_us__gte=filters.slow),)))
    if filters.group is not None:
        made.append(_group(filters.group))
    return made


def words(filters: Filters) -> tuple[Q, list[Q]]:
    """The condition for words: a check of each row (nothing passes where they are an id), and rows that an index finds at once."""
    given = filters.words
    found = [Q(event_id=given), Q(request_id=given, request_id__gt=""), Q(trace_id=given, trace_id__gt="")]
    if identity := filters.identity:
        return NONE, [Q(pk=identity), Q(cause=identity), Q(event_id=str(identity)), *found]
    check = Q()
    for word in given.split():
        check &= Q(inputs_text__icontains=word) | Q(result_text__icontains=word) | Q(_text("key", word))
    return check, found


def _version(key: int, *, failed: bool) -> Condition:
    """Executions that a version decided and those it failed to decide; the latter alone if `failed`."""
    of_failures = Q(Exact(ERROR_VERSION, key)) & Q(error_version__isnull=False)
    if failed:
        return Condition(Q(_number("error_version_id", [key])), (of_failures,))
    check = Q(_number("version_id", [key])) | Q(_number("error_version_id", [key]))
    return Condition(check, (Q(version=key), of_failures))


def _status(chosen: Collection[str]) -> Condition:
    usual = Execution.Status.SUCCEEDED in chosen
    return Condition(_text("status", *chosen), () if usual else tuple(Q(status=s) & UNUSUAL_STATUS for s in chosen))


def _tried() -> Condition:
    """Unsuccessful executions of which a version's attempt failed. What a breaker withheld names no version that failed."""
    unsuccessful = _status(UNSUCCESSFUL)
    tried = Q(GreaterThanOrEqual(_Number(F("error_version_id")), 1))
    return Condition(unsuccessful.check & tried, unsuccessful.walks, exact=False)


def _group(key: int) -> Condition:
    """The executions of an error group."""
    group = ErrorGroup.objects.filter(pk=key).first()
    if group is None:
        return Condition(NONE, (NONE,))
    line = Q(Exact(ERROR_LINE, group.error_line or 0))
    check = line & _text("error_script", group.error_script)
    if group.version_id is None:
        abandoned = Execution.Status.ABANDONED
        check &= _number("script_id", [group.script_id]) & _text("status", abandoned)
        return Condition(check, (Q(status=abandoned) & UNUSUAL_STATUS,), exact=False)
    check &= _number("error_version_id", [group.version_id]) & _text("error_type", group.error_type)
    place = Q(error_version=group.version_id, error_type=group.error_type, error_script=group.error_script)
    if group.error_type == ErrorType.EXECUTION and not group.error_line:
        # Runs that an open breaker withheld are recorded at this place too, and failed with nothing.
        return Condition(check & ~Q(error_message__startswith=WITHHELD), (place & line,), exact=False)
    return Condition(check, (place & line,))


def _one(column: str, value: object, check: Q, also: Q | None = None) -> Condition:
    return Condition(check, (Q(**{column: value}) & (also or Q()),))


class _Text(Func):
    """A column's text, by an expression that no index has."""

    template, arity, output_field = "(%(expressions)s || '')", 1, TextField()


class _Number(Func):
    """A column's number, likewise."""

    template, arity, output_field = "(%(expressions)s + 0)", 1, IntegerField()


def _text(column: str, *values: str) -> Q:
    return Q(In(_Text(F(column)), values))


def _number(column: str, values: Collection[int]) -> Q:
    return Q(In(_Number(F(column)), values)) if values else NONE
