"""Receipts as they are stored: the links of a range of time, the receipt of one execution, the rows that receipts speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from scripting.execution.receipts import ROLES, STATUSES, TRIGGERS, Receipt, unpack
from scripting.models import Attempt, Execution, ReceiptLink
from scripting.models.ids import first_id_at, time_of

NEAR = timedelta(hours=1)
"""How long before an execution's id the first of its link may have been made: a batch is held for less than a second."""
CHUNK = 200
"""Links read at once."""

_columns = tuple(field.attname for field in Execution._meta.local_concrete_fields)
_of_attempts = tuple(field.attname for field in Attempt._meta.local_concrete_fields)


@dataclass(frozen=True)
class Found:
    """The receipt of an execution, where it stands."""

    link: ReceiptLink
    place: int
    """In its link, from 0."""
    packed: bytes
    receipt: Receipt

    @property
    def finished_at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.receipt.finished_us)

    @property
    def status(self) -> str:
        return _name(STATUSES, self.receipt.status)

    @property
    def trigger(self) -> str:
        return _name(TRIGGERS, self.receipt.trigger)

    @property
    def role(self) -> str:
        return _name(ROLES, self.receipt.role)


def _name(names: Sequence[str], place: int) -> str:
    return names[place] if place < len(names) else ""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def links_between(since: datetime | None, until: datetime | None) -> QuerySet[ReceiptLink]:
    """Links whose first execution began in a range of time."""
    links = ReceiptLink.objects.all()
    if since is not None:
        links = links.filter(first__gte=first_id_at(since))
    return links if until is None else links.filter(first__lt=first_id_at(until))


def receipt_of(execution: UUID) -> Found | None:
    """The receipt of an execution; None where it has none, or none that can be read."""
    near = ReceiptLink.objects.filter(first__lte=execution, last__gte=execution)
    near = near.filter(first__gte=first_id_at(max(time_of(execution), _EPOCH + NEAR) - NEAR))
    for link in near.order_by("-first"):
        for place, (packed, receipt) in enumerate(unpack(bytes(link.receipts))):
            if receipt is not None and receipt.execution == execution.bytes:
                return Found(link, place, packed, receipt)
    return None


def rows_of(executions: Collection[UUID]) -> dict[UUID, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Rows of executions with those of their attempts, as `execution.receipts.pack` takes them."""
    tries: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for values in Attempt.objects.filter(execution__in=executions).order_by("ordinal").values_list(*_of_attempts):
        row = dict(zip(_of_attempts, values, strict=True))
        tries[row["execution_id"]].append(row)
    values = Execution.objects.filter(pk__in=executions).order_by().values_list(*_columns)
    rows = (dict(zip(_columns, each, strict=True)) for each in values)
    return {row["id"]: (row, tries.get(row["id"], [])) for row in rows}


def in_chunks(links: QuerySet[ReceiptLink]) -> Iterator[list[ReceiptLink]]:
    """Links chain by chain, a chunk at a time."""
    chunk: list[ReceiptLink] = []
    for link in links.order_by("chain", "number").iterator(chunk_size=CHUNK):
        chunk.append(link)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
