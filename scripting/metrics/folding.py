"""Folding: what commits added to the figures goes into the rows of minutes, tens of them, hours, days and all time.

Commits of one request hold their link of receipts too, see models/lone_commits.py: it is filed with the other links in the same transaction.
"""

from __future__ import annotations

import functools
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, router, transaction

from scripting.metrics.rollups import Figures, Span, StatRow, requests_as_rows, whole
from scripting.models.lone_commits import LINK, LoneCommit, link_of
from scripting.models.receipts import ReceiptLink
from scripting.models.rollups import ExecutionStat, StatDelta
from scripting.storage.bulk_insert import insert_rows
from scripting.storage.bulk_update import delete_rows, update_rows
from scripting.storage.compiled_query import Prepared, moment, number
from scripting.storage.transactions import writing

logger = logging.getLogger(__name__)

FOLD = 100
"""Deltas, and commits of one request, that one transaction folds: other commits wait for it."""
LOOK_SECONDS = 0.01
"""Between two looks whether another process has folded what it took."""


def fold(await_gap: Callable[[], None] = lambda: None) -> int | None:
    """Fold waiting deltas into minutes, tens of them, hours, days and all time; how many, None where another process has taken some of them.

    On SQLite every commit waits while this writes, so all else is done before, and all groups are read and written together, once
    `await_gap` has returned.
    """
    using = router.db_for_write(StatDelta)
    waiting, lone = _waiting.rows(using), _lone.rows(using)
    minutes: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in (*waiting, *lone):
        minutes[row[_IDENTITY]].append(whole(row[_COLUMNS]))
    groups: dict[_Group, Figures] = defaultdict(Figures)
    for (script, version, start), rows in minutes.items():
        figures = Figures.of_rows(rows)
        for span in Span:
            groups[_Group(span.value, span.start_of(start), script, version)].merge(figures)
    found = len(waiting) + len(lone)
    if not found:
        return 0
    await_gap()
    return found if _folded([row[0] for row in waiting], lone, groups) else None


def fold_all() -> None:
    """Fold what waits now, and wait for what another process is folding: for who is about to read the links of receipts."""
    while (found := fold()) is None or found >= FOLD:
        if found is None:
            time.sleep(LOOK_SECONDS)


class _Group(NamedTuple):
    """Tells one row of ExecutionStat from another."""

    span: str
    start: datetime
    script_id: int
    version_id: int | None


def _folded(deltas: list[int], lone: list[tuple[Any, ...]], groups: Mapping[_Group, Figures]) -> bool:
    """Whether the figures were added and the rows that they are of deleted: not if another process has taken some of these."""
    using = router.db_for_write(ExecutionStat)
    with writing(using) as connection:
        if not (_deleted(deltas) and (not lone or _filed(lone, using))):
            connection.set_rollback(True)
            return False
        known = _stats_of(groups, using)
        changed = []
        for group, (stat, row) in known.items():
            groups[group].add_row(row)
            changed.append({"id": stat} | groups[group].columns())
        update_rows(ExecutionStat, changed)
        insert_rows(
            ExecutionStat,
            [group._asdict() | figures.columns() for group, figures in groups.items() if group not in known],
        )
    return True


def _deleted(deltas: list[int]) -> bool:
    return delete_rows(StatDelta, deltas) == len(deltas)


def _filed(lone: list[tuple[Any, ...]], using: str) -> bool:
    """Whether the links went to the others: not if another process has filed some. On SQLite a row of today may have the number of one that is gone."""
    there = set(_lone_ids.rows(using))  # of PostgreSQL with others before them, whose transactions ended only now
    if not there.issuperset((row[0], row[-1]) for row in lone):
        return False
    if delete_rows(LoneCommit, [row[0] for row in lone]) != len(lone):
        return False
    links = [link_of(row[_COLUMNS.stop : -1], row[-1]) for row in lone]
    try:
        with transaction.atomic(using):
            insert_rows(ReceiptLink, links)
    except IntegrityError:
        for link in links:
            _file_alone(link, using)
    return True


def _file_alone(link: dict[str, Any], using: str) -> None:
    """A link whose place in its chain somebody has taken is told of; the figures and the other links do not wait for it."""
    try:
        with transaction.atomic(using):
            insert_rows(ReceiptLink, [link])
    except IntegrityError:
        logger.error(  # noqa: TRY400 - where in the code says nothing to who reads it
            "link %s of chain %s, with the receipt of execution %s, cannot be filed: another stands in its place. Ask who has access to the database",
            link["number"],
            link["chain"],
            link["first"],
        )


_waiting = Prepared(lambda: StatDelta.objects.order_by("id").values_list("id", *StatRow._fields)[:FOLD])
_lone = Prepared(
    lambda: requests_as_rows(LoneCommit.objects.order_by("id")).values_list("id", *StatRow._fields, *LINK, "execution")[
        :FOLD
    ]
)
_lone_ids = Prepared(lambda: LoneCommit.objects.order_by("id").values_list("id", "execution")[:FOLD])
_IDENTITY, _COLUMNS = slice(1, 4), slice(1, len(StatRow._fields) + 1)
"""Of a row of these: script, version and minute; and all of its figures."""


def _stats_of(groups: Mapping[_Group, Figures], using: str) -> dict[_Group, tuple[int, StatRow]]:
    """The rows that there are of the groups, with their ids, until the transaction ends nobody else's to change."""
    starts = [moment(start, using) for start in {group.start for group in groups}]
    scripts = list({group.script_id for group in groups})
    given: dict[str, str | int] = {f"start{place}": start for place, start in enumerate(starts)}
    given |= {f"script{place}": script for place, script in enumerate(scripts)}
    found = {}
    for stat, span, *columns in _among(len(starts), len(scripts)).rows(using, **given):
        row = StatRow(*columns)
        group = _Group(span, row.start, row.script_id, row.version_id)
        if group in groups:
            found[group] = stat, row
    return found


@functools.lru_cache(64)
def _among(starts: int, scripts: int) -> Prepared:
    """Rows of every span that begin at one of so many moments and are of one of so many scripts."""
    moments: list[Any] = [number(f"start{place}") for place in range(starts)]
    those: list[Any] = [number(f"script{place}") for place in range(scripts)]
    return Prepared(
        lambda: (
            ExecutionStat.objects.select_for_update()
            .filter(span__in=Span.values, start__in=moments, script__id__in=those)
            .order_by("id")
            .values_list("id", "span", *StatRow._fields)
        )
    )
