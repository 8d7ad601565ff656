"""Verify executions against their receipts: no column differs, none was removed before its time, none was inserted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scripting.execution.links import entries, rows_digest, split
from scripting.execution.receipts import SIZE, STATUSES, Receipt, Recorded, parts_of, unpack
from scripting.models import Execution, ReceiptLink, RetentionMark
from scripting.models.ids import first_id_at
from scripting.receipts.findings import Report
from scripting.receipts.stored import fitting, ids_of, look_up, rows_of

PARTS = {
    "record": "its record (status, version, bundle, times, seed, clock, error or an attempt)",
    "origin": "where it came from (event, key, user, worker or request)",
    "shown": "the inputs or result as they are shown",
    "inputs": "its inputs",
    "outcome": "its result",
    "calls": "its host calls, effects or log",
}
"""The part that each digest of a receipt covers, in words."""
EMPTIED = frozenset({"shown", "inputs", "outcome", "calls"})
"""Digests of what the retention empties."""
NOTHING = UUID(int=0)
AT_ONCE = 500
"""Executions read at once, to the end of a link."""
PAGE = 5000
"""Ids of executions read at once."""


def altered_parts(row: dict[str, Any], tries: list[dict[str, Any]], receipt: Receipt, link_salt: bytes) -> list[str]:
    """The parts of an execution that are not those of its receipt; what the retention has emptied is not compared."""
    found = parts_of(row, tries, link_salt)
    names = [name for name, digest in zip(PARTS, found, strict=True) if digest != getattr(receipt, name)]
    return [name for name in names if not (is_emptied(row) and name in EMPTIED)]


def is_emptied(row: Mapping[str, Any]) -> bool:
    return not row["inputs"]


class Marks:
    """How far the retention has come: what is missing beyond that, somebody else has removed."""

    def __init__(self) -> None:
        self._upto = dict(RetentionMark.objects.values_list("part", "upto"))

    def emptied(self, receipt: Receipt) -> bool:
        """Whether the retention may have taken its payload."""
        return receipt.execution_id <= self._upto.get("payloads", NOTHING) or self.deleted(receipt)

    def deleted(self, receipt: Receipt) -> bool:
        """Whether the retention may have deleted it."""
        status = STATUSES[receipt.status] if receipt.status < len(STATUSES) else ""
        part = "usual" if status in ("succeeded", "skipped") else f"unusual {status}"
        return receipt.execution_id <= self._upto.get(part, NOTHING)


class Rows:
    """Compares executions with the receipts of links."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._seen: set[bytes] = set()
        self._marks = Marks()
        self.bundles: dict[bytes, set[int]] = {}
        """Digests of the bundles that decided, with the versions that receipts name for them."""

    def look(self, links: Sequence[ReceiptLink]) -> None:
        part: list[ReceiptLink] = []
        size = 0
        for link in links:
            part.append(link)
            size += len(link.receipts) // SIZE + len(ids_of(link))
            if size >= AT_ONCE:
                self._look(part)
                part, size = [], 0
        self._look(part)

    def _look(self, links: Sequence[ReceiptLink]) -> None:
        held = [[receipt for _, receipt in unpack(bytes(link.receipts)) if receipt is not None] for link in links]
        wanted = [receipt.execution_id for receipts in held for receipt in receipts]
        rows = rows_of([*wanted, *(each for link in links for each in ids_of(link))])
        for link, receipts in zip(links, held, strict=True):
            before = len(self._report.findings) + self._report.left_out
            for receipt in receipts:
                self._compare(link, receipt, rows.get(receipt.execution_id))
            if link.seal is not None and len(self._report.findings) + self._report.left_out == before:
                self._was_made_of(link, receipts, rows)
            if link.digests is not None:
                self._look_at_digests(link, rows)

    def _look_at_digests(self, link: ReceiptLink, rows: Mapping[UUID, Recorded]) -> None:
        """Compare the rows of a link without receipts, or those that were left when it was sealed, with their digests."""
        fit, left = fitting(link, rows)
        for row, _ in fit:
            where = f"execution {row['id']}"
            self._once(row["id"].bytes, where, link)
            if link.is_unsealed:
                self._report.looked["executions"] += 1
                if row.get("bundle_digest") and row.get("version_id"):
                    self.bundles.setdefault(bytes.fromhex(row["bundle_digest"]), set()).add(row["version_id"])
            else:
                self._report.find(
                    where,
                    f"it was altered or removed when {link} was sealed, and has no receipt; now it is as committed",
                )
        for entry in left:
            execution = UUID(bytes=entry[:16].ljust(16, b"\0"))
            where, state = f"execution {execution}", "altered" if execution in rows else "removed"
            self._once(execution.bytes, where, link)
            told = (
                "before its receipt was made" if link.is_unsealed else f"before {link} was sealed, so it has no receipt"
            )
            self._report.find(where, f"{state}: its row or an attempt is not what was committed, {told}")

    def _was_made_of(self, link: ReceiptLink, receipts: Sequence[Receipt], rows: Mapping[UUID, Recorded]) -> None:
        """Whether the receipts of a sealed link were made of the rows that it was chained with, as long as all of these are there whole."""
        found = [rows[receipt.execution_id] for receipt in receipts if receipt.execution_id in rows]
        if len(found) < len(receipts) or any(is_emptied(row) for row, _ in found):
            return
        head, left = split(bytes(link.digests or b""))
        try:
            digest = rows_digest(head, [*entries(found, head), *left])
        except ValueError:
            digest = b""
        if digest != bytes(link.rows_digest or b""):
            self._report.find(link, "altered: its receipts were not made of the rows that were committed with it")

    def _once(self, execution: bytes, where: str, link: ReceiptLink) -> None:
        if execution in self._seen:
            self._report.find(where, f"it has a second receipt, in {link}: one was inserted")
        self._seen.add(execution)

    def _compare(
        self, link: ReceiptLink, receipt: Receipt, found: tuple[dict[str, Any], list[dict[str, Any]]] | None
    ) -> None:
        where = f"execution {receipt.execution_id}"
        self._once(receipt.execution, where, link)
        if any(receipt.bundle):
            self.bundles.setdefault(receipt.bundle, set()).add(receipt.version)
        if found is None:
            if not self._marks.deleted(receipt):
                self._report.find(
                    where, f"removed: its receipt stands in {link}, and the retention has not come so far"
                )
            else:
                self._report.looked["receipts of deleted executions"] += 1
            return
        self._report.looked["executions"] += 1
        row, tries = found
        for name in altered_parts(row, tries, receipt, bytes(link.salt)):
            self._report.find(where, f"altered: {PARTS[name]} differs from its receipt")
        if is_emptied(row):
            self._report.looked["executions without payload"] += 1
            if not self._marks.emptied(receipt):
                self._report.find(where, "its payload was removed, and the retention has not come so far")

    def look_for_inserted(self, since: datetime | None, until: datetime | None) -> None:
        """Executions without a receipt, since the first receipt that is kept."""
        began = ReceiptLink.objects.order_by("first").values_list("first", flat=True).first()
        if began is None:
            return
        lowest = max(began, first_id_at(since)) if since else began
        for execution in _ids(lowest, None if until is None else first_id_at(until)):
            if execution.bytes not in self._seen and look_up(execution) is None:
                self._report.find(
                    f"execution {execution}",
                    "it has no receipt: it was inserted, its link was removed, or a process wrote it that made none",
                )


def _ids(lowest: UUID, below: UUID | None) -> Iterator[UUID]:
    ids = Execution.objects.order_by("pk").values_list("pk", flat=True)
    if below is not None:
        ids = ids.filter(pk__lt=below)
    page = list(ids.filter(pk__gte=lowest)[:PAGE])
    while page:
        yield from page
        page = list(ids.filter(pk__gt=page[-1])[:PAGE])
