"""Folding: what commits added to the figures goes into the rows of minutes, tens of them, hours, days and all time.

Commits of one request hold their link of receipts too, see models/lone_commits.py: it is filed with the other links in the same transaction.
"""

from __future__ import annotations

import functools
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, router, transaction

from scripting.metrics.rollups import Figures, Span, StatRow
from scripting.models.lone_commits import LINK, LINK_CONSTANTS, LoneCommit, link_of
from scripting.models.receipts import ReceiptLink
from scripting.models.rollups import ExecutionStat, StatDelta
from scripting.storage.bulk_insert import insert_rows
from scripting.storage.bulk_move import move_rows
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
    deltas, lone = _deltas.rows(using), _lone.rows(using)
    groups: dict[_Group, Figures] = defaultdict(Figures)
    for of, found in ((Figures.of_rows, _of_deltas(deltas)), (Figures.of_requests, _of_requests(lone))):
        for (script, version, start), rows in found.items():
            figures = of(rows)
            for span in Span:
                groups[_Group(span.value, span.start_of(start), script, version)].merge(figures)
    if not groups:
        return 0
    await_gap()
    seen = _Seen([row[0] for row in deltas], [row[0] for row in lone], bytes(lone[-1][1]) if lone else b"")
    return len(deltas) + len(lone) if _folded(seen, groups) else None


def fold_all() -> None:
    """Fold what waits now, and wait for what another process is folding: for who is about to read the links of receipts."""
    while (found := fold()) is None or found >= FOLD:
        if found is None:
            time.sleep(LOOK_SECONDS)


class _Seen(NamedTuple):
    """The rows that a fold has read: ids of StatDelta and of LoneCommit, and the digest of the last of these."""

    deltas: list[int]
    lone: list[int]
    last: bytes


class _Group(NamedTuple):
    """Tells one row of ExecutionStat from another."""

    span: str
    start: datetime
    script_id: int
    version_id: int | None


_Rows = dict[tuple[Any, ...], list[tuple[Any, ...]]]
"""By script, version and minute."""


def _of_deltas(found: Sequence[tuple[Any, ...]]) -> _Rows:
    minutes: _Rows = defaultdict(list)
    for _, *columns in found:
        row = StatRow(*columns)
        minutes[row.script_id, row.version_id, row.start].append(row)
    return minutes


def _of_requests(found: Sequence[tuple[Any, ...]]) -> _Rows:
    minutes: _Rows = defaultdict(list)
    for row in found:
        minutes[row[2:5]].append(row[5:])
    return minutes


def _folded(seen: _Seen, groups: Mapping[_Group, Figures]) -> bool:
    """Whether the figures were added and the rows that they are of deleted: not if another process has taken some of these."""
    using = router.db_for_write(ExecutionStat)
    with writing(using) as connection:
        if delete_rows(StatDelta, seen.deltas) != len(seen.deltas) or (seen.lone and not _filed(seen, using)):
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


def _filed(seen: _Seen, using: str) -> bool:
    """Whether the links went to the others: not if another process has filed some.

    On SQLite rows of today may have the numbers of those seen, once these and all others were gone; the last one seen is another one then.
    """
    if [bytes(digest) for (digest,) in _digest.rows(using, last=seen.lone[-1])] != [seen.last]:
        return False
    try:
        with transaction.atomic(using):
            return move_rows(LoneCommit, ReceiptLink, seen.lone, _LINK, LINK_CONSTANTS) == len(seen.lone)
    except IntegrityError:
        return _filed_one_by_one(seen.lone, using)


def _filed_one_by_one(lone: list[int], using: str) -> bool:
    """As `_filed`. A link whose place in its chain somebody has taken is told of; the figures and the other links do not wait for it."""
    links = [
        link_of(columns, execution)
        for *columns, execution in LoneCommit.objects.using(using)
        .filter(pk__in=lone)
        .order_by("pk")
        .values_list(*LINK, "execution")
    ]
    if delete_rows(LoneCommit, lone) != len(lone):
        return False
    for link in links:
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
    return True


_LINK = {**{name: name for name in LINK}, "first": "execution", "last": "execution"}
"""Columns of ReceiptLink by those of LoneCommit that they are made of."""
_deltas = Prepared(lambda: StatDelta.objects.order_by("id").values_list("id", *StatRow._fields)[:FOLD])
_lone = Prepared(
    lambda: LoneCommit.objects.order_by("id").values_list(
        "id", "digest", "script_id", "version_id", "start", "outcome", "wall_us", "cpu_us"
    )[:FOLD]
)
_digest = Prepared(lambda: LoneCommit.objects.order_by().filter(id=number("last")).values_list("digest"))


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
