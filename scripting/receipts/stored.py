"""Receipts as they are stored: the links of a range of time, the receipt of one execution, the rows that receipts speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError
from django.db.models import QuerySet

from scripting.execution.links import digest_of, entries, split
from scripting.execution.receipts import ROLES, STATUSES, TRIGGERS, Receipt, Recorded, pack, unpack
from scripting.models import Attempt, Execution, LoneCommit, ReceiptLink
from scripting.models.ids import first_id_at, time_of
from scripting.models.lone_commits import LINK, link_of

NEAR = timedelta(hours=1)
"""How long before an execution's id the first of its link may have been made: a batch is held for less than a second."""
CHUNK = 200
"""Links read at once."""
NO_TEXT = "Could not decode to UTF-8"
"""The driver of SQLite says so of bytes in a column of text."""

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


class Fitting(NamedTuple):
    """The rows of a link."""

    fit: list[Recorded]
    """Those that are what was committed, in the order of the link."""
    left: list[bytes]
    """The entries of those that are not."""


def is_as_committed(link: ReceiptLink) -> bool:
    """Whether a link that is not sealed still has the digests that it was chained with."""
    over = sha256(bytes(link.digests or b"")).digest()
    return over == bytes(link.rows_digest or b"") and digest_of(link) == bytes(link.digest)


def fitting(link: ReceiptLink, rows: Mapping[UUID, Recorded]) -> Fitting:
    """Compare rows with the entries of a link."""
    head, kept = split(bytes(link.digests or b""))
    have = [rows[identifier] for entry in kept if (identifier := _id(entry)) in rows]
    try:
        now = dict(zip(entries(have, head), have, strict=True))
    except (ValueError, TypeError):  # of an altered head, or a column with a value of another type
        now = {}
    return Fitting([now[entry] for entry in kept if entry in now], [entry for entry in kept if entry not in now])


def ids_of(link: ReceiptLink) -> list[UUID]:
    """The executions of a link that have no receipts."""
    return [_id(entry) for entry in split(bytes(link.digests or b""))[1]]


def _id(entry: bytes) -> UUID:
    return UUID(bytes=entry[:16].ljust(16, b"\0"))  # of an altered link the last may be cut


@dataclass(frozen=True)
class Unfit:
    """Stands for the receipt of an execution whose row is not what was committed, or was not when its link was sealed: it has none."""

    link: ReceiptLink


def receipt_of(execution: UUID) -> Found | None:
    """The receipt of an execution; None where it has none, or none that can be read."""
    found = look_up(execution)
    return found if isinstance(found, Found) else None


def look_up(execution: UUID) -> Found | Unfit | None:
    """The same, and whether its link knows it all the same. Of a link that is not sealed the receipt is made here, as it will be then."""
    lone = _to_be_filed(execution)  # asked first: it may be filed meanwhile, and is found there then
    near = ReceiptLink.objects.filter(first__lte=execution, last__gte=execution)
    near = near.filter(first__gte=first_id_at(max(time_of(execution), _EPOCH + NEAR) - NEAR))
    unfit = None
    for link in [*near.order_by("-first"), *lone]:
        for place, (packed, receipt) in enumerate(unpack(bytes(link.receipts))):
            if receipt is not None and receipt.execution == execution.bytes:
                return Found(link, place, packed, receipt)
        for place, entry in enumerate(split(bytes(link.digests or b""))[1]):
            if entry[:16] == execution.bytes:
                unfit = Unfit(link)
                rows = rows_of([execution]) if link.is_unsealed and is_as_committed(link) else {}
                if [row for row, _ in fitting(link, rows).fit]:
                    [packed] = pack(list(rows.values()), bytes(link.salt))
                    [(_, receipt)] = unpack(packed)
                    assert receipt is not None
                    return Found(link, place, packed, receipt)
    return unfit


def _to_be_filed(execution: UUID) -> list[ReceiptLink]:
    """The link of a request that was committed a moment ago, as it will be filed."""
    waiting = LoneCommit.objects.filter(execution=execution).values_list(*LINK)
    return [ReceiptLink(**link_of(columns, execution)) for columns in waiting]


def rows_of(
    executions: Collection[UUID], using: str | None = None
) -> dict[UUID, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Rows of executions with those of their attempts, as `execution.receipts.pack` takes them; without those that cannot be read."""
    try:
        return _read(executions, using)
    except (ValueError, TypeError, OperationalError) as error:
        # Somebody has altered a time or an id to what is none, or a text: SQLite stores any bytes.
        if isinstance(error, OperationalError) and NO_TEXT not in str(error):
            raise
        if len(executions) == 1:
            return {}
    found: dict[UUID, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    for execution in executions:
        found |= rows_of([execution], using)
    return found


def _read(executions: Collection[UUID], using: str | None) -> dict[UUID, tuple[dict[str, Any], list[dict[str, Any]]]]:
    tries: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    attempts = Attempt.objects.using(using).filter(execution__in=executions).order_by("ordinal")
    for values in attempts.values_list(*_of_attempts):
        row = dict(zip(_of_attempts, values, strict=True))
        tries[row["execution_id"]].append(row)
    values = Execution.objects.using(using).filter(pk__in=executions).order_by().values_list(*_columns)
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
