"""The tree of executions that one cause set off: each follow-up event's run below the run that published it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from scripting.insight.executions.listing import BLOBS, RESULT
from scripting.models import Execution
from scripting.models.script import TEXTS

DEEP = 16
"""Steps up to the first cause; events themselves may be SCRIPTING_MAX_DEPTH deep."""
WIDE = 200
"""Executions that a tree shows at the most."""


@dataclass
class Branch:
    """An execution and what it led to."""

    execution: Execution
    branches: list[Branch] = field(default_factory=list)


def family_tree(execution: Execution) -> list[Branch]:
    """The tree that `execution` belongs to, from its first recorded cause; [] where it stands alone."""
    first = execution
    for _ in range(DEEP):
        above = _rows().filter(pk=first.cause).first() if first.cause else None
        if above is None:
            break
        first = above
    children: dict[UUID, list[Execution]] = defaultdict(list)
    level, count = [first.pk], 1
    for _ in range(DEEP):
        found = list(_rows().filter(cause__in=level).order_by("pk")[: WIDE - count]) if level else []
        for row in found:
            assert row.cause is not None
            children[row.cause].append(row)
        count += len(found)
        level = [row.pk for row in found]
    return [_branch(first, children)] if count > 1 else []


def follow_ups_of(execution: UUID) -> list[UUID]:
    """Ids of the executions that it set off, and of those that they did: at most `WIDE`."""
    found: list[UUID] = []
    level = [execution]
    for _ in range(DEEP):
        if not level or len(found) >= WIDE:
            break
        below = Execution.objects.filter(cause__in=level).order_by("pk").values_list("pk", flat=True)
        level = list(below[: WIDE - len(found)])
        found += level
    return found


def _rows() -> QuerySet[Execution]:
    """Of the light columns, with the beginning of the result."""
    rows = Execution.objects.select_related("script", "version").defer(*BLOBS, *(f"version__{name}" for name in TEXTS))
    return rows.annotate(result_start=RESULT)


def _branch(execution: Execution, children: dict[UUID, list[Execution]]) -> Branch:
    return Branch(execution, [_branch(child, children) for child in children.get(execution.pk, [])])
