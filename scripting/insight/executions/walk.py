"""Walking the executions in the order of their ids, from a cursor, as far as a page needs and time allows.

One filter alone walks its index. Of several, the one whose newest entries reach back furthest does, and the others are
checked on what it finds: step by step, each as long as the database has shown to be quick, until the page is full or the
time is up. Nothing ever asks the database for more than it can look through in a moment.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from uuid import UUID

from django.db.models import Q, QuerySet

from scripting.insight.executions.conditions import Condition
from scripting.models import Execution

PROBE = 1000
"""Entries of each index that tell which of several reaches back furthest."""
STEP = 2000
"""Entries that the first step looks through."""
MOST = 200_000
"""Entries of one step."""
FEW = 1000
"""Executions that share an event, a request or a cause: more are not looked at."""
END = 1 << 128
EVERYTHING = Condition(Q(), (Q(),))


@dataclass(frozen=True)
class Reach:
    """The ids from `low` to below `high`, and whether they are gone through upwards."""

    low: int = 0
    high: int = END
    upwards: bool = False

    def of(self, query: Q) -> QuerySet[Execution]:
        """Those that fulfil the query, in order."""
        found = Execution.objects.filter(query)
        if self.low > 0:
            found = found.filter(pk__gte=UUID(int=min(self.low, END - 1)))
        if self.high < END:
            found = found.filter(pk__lt=UUID(int=self.high))
        return found.order_by("pk" if self.upwards else "-pk")

    def ids(self, query: Q, most: int) -> list[UUID]:
        return list(self.of(query).values_list("pk", flat=True)[:most])

    def upto(self, last: UUID) -> Reach:
        """The part that ends with this id."""
        return replace(self, high=last.int + 1) if self.upwards else replace(self, low=last.int)

    def behind(self, last: UUID) -> Reach:
        """The part that begins behind this id."""
        return replace(self, low=last.int + 1) if self.upwards else replace(self, high=last.int)

    def nearest(self, ids: Iterable[UUID]) -> UUID | None:
        return (min if self.upwards else max)(ids, default=None)


@dataclass(frozen=True)
class Found:
    """Ids in order, and where looking for more ended before its end: None where it did not."""

    ids: list[UUID]
    stopped: UUID | None = None


def walk(conditions: Sequence[Condition], check: Q, reach: Reach, most: int, seconds: float) -> Found:
    """The first `most` of what fulfils all conditions and the check, as far as it is found in about so many seconds."""
    guide = _guide(conditions, reach)
    checks = [each.check for each in conditions if each is not guide or not each.exact]
    if check:
        checks.append(check)
    if not checks:
        return Found(_merged([reach.ids(way, most) for way in guide.walks], reach.upwards, most))
    return _step_by_step(guide, reduce(and_, checks), reach, most, seconds)


def few(queries: Iterable[Q], conditions: Sequence[Condition], reach: Reach, most: int) -> list[UUID]:
    """Rows that an index finds at once, if they fulfil the conditions."""
    found: set[UUID] = set()
    for query in queries:
        # Asked for in order, a database might walk along the ids to find them.
        found.update(reach.of(query).order_by().values_list("pk", flat=True)[:FEW])
    if found and conditions:
        among = Execution.objects.filter(pk__in=found).filter(*(each.check for each in conditions))
        found = set(among.values_list("pk", flat=True))
    return sorted(found, reverse=not reach.upwards)[:most]


def _step_by_step(guide: Condition, check: Q, reach: Reach, most: int, seconds: float) -> Found:
    found: list[UUID] = []
    step, end = STEP, time.monotonic() + seconds
    while True:
        started = time.monotonic()
        last = _entry(guide, reach, step)
        part = reach if last is None else reach.upto(last)
        left = most - len(found)
        found += _merged([part.ids(way & check, left) for way in guide.walks], reach.upwards, left)
        if len(found) == most or last is None:
            return Found(found)
        now = time.monotonic()
        if now >= end:
            return Found(found, last)
        reach = reach.behind(last)
        # As much as fits into what is left of the time, at the speed of this step.
        step = max(STEP, min(4 * step, MOST, int(step * (end - now) / max(now - started, 1e-4))))


def _guide(conditions: Sequence[Condition], reach: Reach) -> Condition:
    """The condition whose index is walked."""
    able = [each for each in conditions if each.walks]
    if len(able) < 2:
        return able[0] if able else EVERYTHING
    furthest: tuple[int, Condition] | None = None
    for each in able:
        entry = _entry(each, reach, PROBE)
        if entry is None:
            return each
        distance = entry.int if reach.upwards else -entry.int
        if furthest is None or distance > furthest[0]:
            furthest = distance, each
    assert furthest is not None
    return furthest[1]


def _entry(guide: Condition, reach: Reach, count: int) -> UUID | None:
    """An id up to which the walks have about `count` entries, and not more; None where there are fewer in all."""
    each = max(1, count // len(guide.walks))
    entries = [list(reach.of(way).values_list("pk", flat=True)[each - 1 : each]) for way in guide.walks]
    return reach.nearest(itertools.chain.from_iterable(entries))


def _merged(found: Sequence[Sequence[UUID]], upwards: bool, most: int) -> list[UUID]:
    if len(found) == 1:
        return list(found[0])
    merged = heapq.merge(*found, reverse=not upwards)
    return list(itertools.islice((key for key, _ in itertools.groupby(merged)), most))
