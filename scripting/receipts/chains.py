"""Verify the chains: each link follows the one before it, and holds what was chained, and what was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from uuid import UUID

from scripting.execution.links import digest_of, seal_of
from scripting.execution.receipts import NONE, SIZE, unpack
from scripting.models import ReceiptLink, ReceiptRoot
from scripting.models.receipts import UNSEALED
from scripting.receipts.findings import Report
from scripting.receipts.stored import ids_of, is_as_committed


class Chains:
    """Walks links in the order of chain and number."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last: ReceiptLink | None = None

    def look(self, links: Sequence[ReceiptLink]) -> None:
        for link in links:
            self._report.looked["links"] += 1
            self._follows(link)
            self._holds(link)
            self._last = link

    def _follows(self, link: ReceiptLink) -> None:
        """Whether its predecessor is there, and is the one that it was chained to."""
        before = self._last if self._last is not None and self._last.chain == link.chain else None
        if before is None or before.number != link.number - 1:
            known = ReceiptLink.objects.filter(chain=link.chain, number__lt=link.number).order_by("-number").first()
            if before is None and known is None:
                self._begins(link)
                return
            before = known
        if before is None or before.number != link.number - 1:
            have = f"after link {before.number} of its chain" if before else "before it"
            missing = link.number - 1
            self._report.find(
                f"link {missing} of chain {link.chain}",
                f"removed: nothing stands between link {link.number} and what is {have}",
            )
        elif bytes(before.digest) != bytes(link.previous):
            self._report.find(
                link,
                f"it was chained to another link {before.number} than the one that is there: one of the two was altered, exchanged or inserted",
            )
        elif before.module != link.module:
            self._report.find(link, f"it is of module {link.module}, its chain is of {before.module}")

    def _begins(self, link: ReceiptLink) -> None:
        """The first link that is kept of a chain: number 1, or what came before it went with the retention."""
        if link.number == 1:
            if bytes(link.previous) != NONE:
                self._report.find(link, "it is the first of its chain, and names one before it")
            return
        if link.root_day not in (None, UNSEALED) and self._some_went:
            return  # was the one before it still to be kept, the root that held it names what it lacks
        older = ReceiptLink.objects.filter(made_at__lt=link.made_at).order_by("pk").first()
        if older is not None and older.pk < link.pk:
            self._report.find(
                f"link {link.number - 1} of chain {link.chain}",
                f"removed: link {link.number} follows it, and links older than it are kept",
            )

    @cached_property
    def _some_went(self) -> bool:
        """Whether there is a root of links that are all gone: the retention has come so far."""
        oldest = ReceiptLink.objects.order_by("pk").first()
        gone = ReceiptRoot.objects.filter(links__gt=0)
        return oldest is not None and gone.filter(day__lt=oldest.made_at.date()).exists()

    def _holds(self, link: ReceiptLink) -> None:
        """Whether it is what was chained, and what was sealed."""
        executions = self._receipts(link)
        if link.digests is not None:
            executions += self._digests(link)
        if digest_of(link) != bytes(link.digest):
            self._report.find(
                link,
                "altered: its digest is not that of its columns and receipts; something of it was changed, or receipts were "
                "removed, inserted or exchanged",
            )
        if executions and (min(executions), max(executions)) != (link.first, link.last):
            self._report.find(link, "altered: it is filed under other executions than those that it holds")

    def _receipts(self, link: ReceiptLink) -> list[UUID]:
        receipts = bytes(link.receipts)
        executions = []
        for place, (_, receipt) in enumerate(unpack(receipts), 1):
            self._report.looked["receipts"] += 1
            if receipt is None:
                self._report.find(f"receipt {place} of {link}", "altered: its checksum does not fit")
            else:
                executions.append(receipt.execution_id)
        if len(receipts) % SIZE:
            self._report.find(link, f"its receipts are cut: {len(receipts)} bytes are no multiple of {SIZE}")
        return executions

    def _digests(self, link: ReceiptLink) -> list[UUID]:
        receipts, digests = bytes(link.receipts), bytes(link.digests or b"")
        if link.is_unsealed:
            self._report.looked["receipts to be made"] += len(ids_of(link))
            if receipts or not is_as_committed(link):
                self._report.find(link, "altered: the digests of its rows are not those that it was chained with")
        elif seal_of(bytes(link.digest), receipts, digests) != bytes(link.seal or b""):
            self._report.find(
                link, "altered: its receipts are not those that it was sealed with; some were changed or exchanged"
            )
        if link.is_unsealed != (link.root_day == UNSEALED):
            self._report.find(link, "altered: it says otherwise of its root than of its seal")
        return ids_of(link)
