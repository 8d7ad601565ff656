"""How long executions are kept: by age and count per outcome, payloads first, in small batches that nobody waits for.

Each part walks the executions by id, which is by time, from where it stopped the last time; a step is one short transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Sum, Value

from scripting.conf import conf
from scripting.metrics import error_groups, reservoir, trusted_time
from scripting.models import (
    Attempt,
    ErrorCount,
    ErrorGroup,
    Execution,
    ExecutionStat,
    KeptExecution,
    LoneCommit,
    ReceiptLink,
    RetentionMark,
    Script,
)
from scripting.models.execution import UNUSUAL_STATUS
from scripting.models.ids import first_id_at
from scripting.models.receipts import UNSEALED

BATCH = 500
"""Rows of one transaction."""
GROUPS = 50
"""Error groups of one transaction: each may have a thousand rows of counts."""
LOOK = 2000
"""Ids that one step looks at."""
COMMITTED = timedelta(hours=1)
"""How long after its id was given an execution is committed at the latest; a batch is held for less than a second."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTES_KEPT = timedelta(days=3)
"""Rollups: charts read minutes up to two hours back, tens of them up to twelve, hours up to eight days, days for ever."""
HOURS_KEPT = timedelta(days=60)
SPANS = (
    (ExecutionStat.Span.DAY, timedelta(days=1)),
    (ExecutionStat.Span.HOUR, timedelta(hours=1)),
    (ExecutionStat.Span.MINUTE, timedelta(minutes=1)),
)
USUAL = (Execution.Status.SUCCEEDED, Execution.Status.SKIPPED)
UNUSUAL = (Execution.Status.FELL_BACK, Execution.Status.FAILED, Execution.Status.CANCELLED, Execution.Status.ABANDONED)


@dataclass
class Pruned:
    """Counts of what one run of the retention deleted."""

    emptied: int = 0
    deleted: int = 0
    rollups: int = 0
    receipts: int = 0
    """Links of receipts."""
    errors: int = 0
    """Error groups that were not seen for long, their executions gone."""
    finished: bool = True
    """False where its time was up before its work was done."""
    unsealed: bool = False
    """Whether more is due, and waits for the receipts of links that are not sealed: they are made of the rows."""

    def __bool__(self) -> bool:
        return bool(self.emptied or self.deleted or self.rollups or self.receipts or self.errors)

    def plus(self, later: Pruned) -> Pruned:
        """Counts of both, and whether there is more to do after the later one."""
        names = ("emptied", "deleted", "rollups", "receipts", "errors")
        counts = {name: getattr(self, name) + getattr(later, name) for name in names}
        return replace(later, **counts)


def prune(seconds: float = 5.0, now: datetime | None = None) -> Pruned:
    """Work off what is due, for at most about `seconds`; the next call goes on from there. Raises ClockDoubted."""
    now = now or trusted_time.trusted()
    unsealed = _oldest_unsealed()
    deadline = time.monotonic() + seconds
    done = Pruned()
    for steps in (
        _payloads(now, unsealed, done),
        _usual(now, unsealed, done),
        _unusual(now, unsealed, done),
        _rollups(now, done),
        _receipts(now, done),
        _errors(now, done),
    ):
        for _ in steps:
            if time.monotonic() > deadline:
                done.finished = False
                return done
    return done


def _oldest_unsealed() -> UUID | None:
    """The id that no execution is below whose receipt is still to be made; None where all are made."""
    links = ReceiptLink.objects.filter(root_day=UNSEALED).order_by("made_at").values_list("made_at", flat=True)
    # Module by module, as their index is: the first of each is found at once.
    modules = Script.objects.order_by().values_list("module", flat=True).distinct()
    lone = LoneCommit.objects.order_by("id").values_list("made_at", flat=True)
    # That first: its link may be filed meanwhile, and is found there then.
    found = [lone.first(), *(links.filter(module=module).first() for module in modules)]
    oldest = [made_at for made_at in found if made_at is not None]
    return first_id_at(max(min(oldest), _EPOCH + COMMITTED) - COMMITTED) if oldest else None


def _sealed(upto: UUID, unsealed: UUID | None, done: Pruned) -> UUID:
    """As far of `upto` as receipts are made."""
    if unsealed is None or upto <= unsealed:
        return upto
    done.unsealed = True
    return unsealed


def _payloads(now: datetime, unsealed: UUID | None, done: Pruned) -> Iterator[None]:
    """Inputs, results, logs and host calls of what succeeded are the bulk of the table, so they go before the rows do."""

    def empty(ids: Sequence[UUID]) -> None:
        _empty(_without_reservoir(ids, done), done)

    upto = _sealed(_before(now, conf.SCRIPTING_KEEP_PAYLOAD_DAYS), unsealed, done)
    yield from _walk("payloads", upto, USUAL, empty)


def _empty(ids: Sequence[UUID], done: Pruned) -> None:
    Attempt.objects.filter(execution__in=ids).update(log=b"", host_calls=b"")
    done.emptied += Execution.objects.filter(pk__in=ids).update(
        inputs=b"", inputs_text="", result=None, result_text="", log=b"", host_calls=b""
    )


def _without_reservoir(ids: Sequence[UUID], done: Pruned) -> list[UUID]:
    """Those that are not kept for replays. What the reservoir lets go for them has what was due for it done now."""
    kept, let_go = reservoir.offer(ids)
    if let_go:
        marks = dict(RetentionMark.objects.values_list("part", "upto"))
        past = marks.get("usual", UUID(int=0))
        rows = Execution.objects.filter(pk__in=let_go).values_list("pk", "status")
        overdue = [pk for pk, status in rows if status in UNUSUAL or pk <= past]
        _delete(overdue, done)
        _empty([pk for pk in let_go if pk not in set(overdue)], done)
    return [one for one in ids if one not in kept]


def _usual(now: datetime, unsealed: UUID | None, done: Pruned) -> Iterator[None]:
    """Delete succeeded and skipped executions by age and by total count."""
    upto = max(_before(now, conf.SCRIPTING_KEEP_DAYS), _beyond(conf.SCRIPTING_KEEP_COUNT, (*USUAL, *UNUSUAL)))
    yield from _walk("usual", _sealed(upto, unsealed, done), USUAL, _deleter(done))


def _unusual(now: datetime, unsealed: UUID | None, done: Pruned) -> Iterator[None]:
    """Failures and rare outcomes, each by age and by its own count, along their index."""
    old = _before(now, conf.SCRIPTING_KEEP_FAILURE_DAYS)
    for status in UNUSUAL:
        upto = _sealed(max(old, _beyond(conf.SCRIPTING_KEEP_FAILURE_COUNT, (status,))), unsealed, done)
        kept = KeptExecution.objects.filter(pk=OuterRef("pk"))
        rows = Execution.objects.filter(UNUSUAL_STATUS, ~Exists(kept), status=status, pk__lt=upto).order_by("pk")
        delete = _deleter(done)
        while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            with transaction.atomic():
                delete(ids)
                # So that a verification of receipts tells what was due from what somebody removed.
                RetentionMark.objects.update_or_create(part=f"unusual {status}", defaults={"upto": ids[-1]})
            yield


def _receipts(now: datetime, done: Pruned) -> Iterator[None]:
    """Receipts go by their own age, whole links, oldest first; roots stay."""
    before = now - timedelta(days=conf.SCRIPTING_KEEP_RECEIPT_DAYS)
    while oldest := list(ReceiptLink.objects.order_by("pk").values_list("pk", "made_at")[:BATCH]):
        due = [pk for pk, made_at in oldest if made_at < before]
        if due:
            done.receipts += ReceiptLink.objects.filter(pk__in=due).delete()[0]
            yield
        if len(due) < len(oldest):
            return


def _rollups(now: datetime, done: Pruned) -> Iterator[None]:
    """Minutes and hours that no page reads any longer."""
    span_kept = (
        (ExecutionStat.Span.MINUTE, MINUTES_KEPT),
        (ExecutionStat.Span.TEN_MINUTES, MINUTES_KEPT),
        (ExecutionStat.Span.HOUR, HOURS_KEPT),
    )
    for span, kept in span_kept:
        old = ExecutionStat.objects.filter(span=span, start__lt=now - kept).order_by("start")
        while ids := list(old.values_list("pk", flat=True)[:BATCH]):
            done.rollups += ExecutionStat.objects.filter(pk__in=ids).delete()[0]
            yield
    counts = ErrorCount.objects.filter(start__lt=now - HOURS_KEPT).order_by("start")
    while ids := list(counts.values_list("pk", flat=True)[:BATCH]):
        done.rollups += ErrorCount.objects.filter(pk__in=ids).delete()[0]
        yield


def _errors(now: datetime, done: Pruned) -> Iterator[None]:
    """Error groups go last, with what was said of them: those that were last seen before anything of them is kept."""
    days = max(conf.SCRIPTING_KEEP_ERROR_DAYS, conf.SCRIPTING_KEEP_FAILURE_DAYS, conf.SCRIPTING_KEEP_DAYS)
    before = now - timedelta(days=days)
    old = ErrorGroup.objects.filter(last_seen__lt=before).order_by("pk").values_list("pk", flat=True)
    mark = 0
    while keys := list(old.filter(pk__gt=mark)[:GROUPS]):
        done.errors += error_groups.forget(keys, before)
        mark = keys[-1]
        yield


def _walk(part: str, upto: UUID, statuses: Sequence[str], act: Callable[[Sequence[UUID]], None]) -> Iterator[None]:
    """Act on the executions of these statuses between the part's mark and `upto`, a step at a time, moving the mark along."""
    mark = RetentionMark.objects.get_or_create(part=part)[0].upto
    while True:
        look = list(
            Execution.objects.filter(pk__gt=mark, pk__lt=upto).order_by("pk").values_list("pk", "status")[:LOOK]
        )
        if not look:
            return
        due = [key for key, status in look if status in statuses]
        for start in range(0, max(1, len(due)), BATCH):
            batch = due[start : start + BATCH]
            with transaction.atomic():
                if batch:
                    act(batch)
                last = batch[-1] if start + BATCH < len(due) else look[-1][0]
                RetentionMark.objects.filter(part=part).update(upto=last)
            yield
        mark = look[-1][0]


def _deleter(done: Pruned) -> Callable[[Sequence[UUID]], None]:
    def delete(ids: Sequence[UUID]) -> None:
        with transaction.atomic():
            _delete(_without_reservoir(ids, done), done)

    return delete


def _delete(ids: Sequence[UUID], done: Pruned) -> None:
    Attempt.objects.filter(execution__in=ids).delete()
    done.deleted += Execution.objects.filter(pk__in=ids).delete()[0]


def _beyond(keep: int, statuses: Sequence[str]) -> UUID:
    """The id of the moment since which the newest `keep` executions of these outcomes ended, to the minute.

    The rollups know; to count the executions themselves would take longer than anything else here.
    """
    left, within = keep, ExecutionStat.objects.all()
    found: datetime | None = None
    for span, length in SPANS:
        spans = within.filter(span=span).values("start").annotate(total=sum((Sum(s) for s in statuses), Value(0)))
        for start, total in spans.order_by("-start").values_list("start", "total").iterator(chunk_size=200):
            if total > left:
                found = start if left else start + length
                within = ExecutionStat.objects.filter(start__gte=start, start__lt=start + length)
                break
            left -= total
        else:
            break  # fewer than that there ever were, or finer rollups are gone
    return UUID(int=0) if found is None else first_id_at(found)


def _before(now: datetime, days: int) -> UUID:
    return first_id_at(now - timedelta(days=days))
