"""Sealing: make the receipts of links that are only chained yet, of the stored rows, once each was found to be what was committed.

It happens before the day's root is made and before the retention would take a row; whichever process is first does. A row that is not
what was committed gets no receipt: its digest stays in the sealed link as a lasting finding, and holds up neither the root nor the retention.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from django.db import router
from django.db.models import QuerySet

from scripting.execution.links import HEAD, seal_of
from scripting.execution.receipts import pack
from scripting.metrics import folding
from scripting.models import ReceiptLink
from scripting.models.receipts import UNSEALED
from scripting.receipts.stored import fitting, ids_of, is_as_committed, rows_of
from scripting.storage.transactions import writing

RECEIPTS = 500
"""Receipts made at once, and stored in one transaction."""
LINKS = 100
"""Links read at once: a commit of one execution has one too."""


def seal(until: datetime, *, rest: float = 0.0) -> int:
    """Seal the links that were made before a moment: how many. After each transaction it rests for so many times what that took."""
    folding.fold_all()
    # Never of a replica that a router may know: a row that has not come there yet would look removed.
    links = ReceiptLink.objects.using(router.db_for_write(ReceiptLink))
    links, done = links.filter(root_day=UNSEALED, made_at__lt=until), 0
    while chunk := _some(links.order_by("module", "made_at", "pk")):
        began = time.monotonic()
        done += _seal(chunk)
        time.sleep(rest * (time.monotonic() - began))
    return done


def _some(links: QuerySet[ReceiptLink]) -> list[ReceiptLink]:
    """As many as hold about RECEIPTS executions."""
    chunk, left = [], RECEIPTS
    for link in links[:LINKS]:
        chunk.append(link)
        left -= len(ids_of(link))
        if left <= 0:
            break
    return chunk


def _seal(links: Sequence[ReceiptLink]) -> int:
    # Of a link that was altered itself nobody knows which row to believe: it keeps all its digests, and no row gets a receipt.
    whole = {link.pk for link in links if is_as_committed(link)}
    using = router.db_for_write(ReceiptLink)
    rows = rows_of([each for link in links if link.pk in whole for each in ids_of(link)], using)
    for link in links:
        if link.is_unsealed:  # else somebody has altered the day of its root
            fit, left = fitting(link, rows if link.pk in whole else {})
            link.receipts = b"".join(pack(fit, bytes(link.salt)))
            link.digests = bytes(link.digests or b"")[: len(HEAD)] + b"".join(left)
            link.seal = seal_of(bytes(link.digest), link.receipts, link.digests)
        link.root_day = None
    with writing(using):
        waiting = ReceiptLink.objects.using(using).filter(pk__in=[link.pk for link in links], root_day=UNSEALED)
        ours = set(waiting.select_for_update().values_list("pk", flat=True))  # another process may have been first
        waiting.filter(pk__in=ours).delete()
        # Anew, not updated: SQLite would leave each the page of its own that its digests filled.
        ReceiptLink.objects.using(using).bulk_create([link for link in links if link.pk in ours])
    return len(ours)
