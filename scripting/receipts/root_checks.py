"""Verify roots: each is made again of what is stored, follows the one before, and is the one that was published."""

from __future__ import annotations

from datetime import datetime, timedelta

from scripting import clock
from scripting.conf import conf
from scripting.execution.receipts import NONE
from scripting.models import ReceiptLink, ReceiptRoot
from scripting.models.receipts import UNSEALED
from scripting.receipts.findings import Report
from scripting.receipts.offline import root_digest, tree_of
from scripting.receipts.roots import activations_in, document, leaves_of, links_of, published, root_file


def verify_roots(report: Report, since: datetime | None = None, until: datetime | None = None) -> None:
    """All roots against their predecessors and the file; those of the range are made again, as far as receipts are kept."""
    try:
        told = published()
    except OSError as error:
        told = {}
        report.notes.append(f"the file of published roots cannot be read, so nothing was compared with it: {error}")
    kept = (clock.now() - timedelta(days=conf.SCRIPTING_KEEP_RECEIPT_DAYS)).date()
    last: dict[str, ReceiptRoot] = {}
    for root in ReceiptRoot.objects.order_by("module", "day"):
        report.looked["roots"] += 1
        before = last.get(root.module)
        last[root.module] = root
        if bytes(root.previous) != (bytes(before.digest) if before else NONE):
            report.find(root, "it does not follow the root before it: one of the two was altered, removed or inserted")
        line = told.pop((root.module, root.day.isoformat()), None)
        if line is not None and line != document(root):
            report.find(root, f"altered: another one was published in {root_file()}")
        within = (since is None or root.day >= since.date()) and (until is None or root.day <= until.date())
        if within and root.day > kept:
            _make_again(root, report)
    for module, day in told:
        report.find(f"root of {module} on {day}", f"removed: it was published in {root_file()}")
    days = ReceiptLink.objects.filter(root_day__gt=UNSEALED).values_list("module", "root_day").order_by().distinct()
    roots = set(ReceiptRoot.objects.values_list("module", "day"))
    for module, rooted in sorted(set(days) - roots):
        report.find(f"root of {module} on {rooted}", "removed, or links were altered: links say that they are in it")


def _make_again(root: ReceiptRoot, report: Report) -> None:
    links, activations = links_of(root.module, root.day), list(activations_in(root))
    leaves = list(leaves_of(links, activations))
    counts = (len(leaves) - len(activations), links.count(), len(activations))
    tree = tree_of(leaves)
    if counts != (root.receipts, root.links, root.activations):
        have, had = (_counted(*each) for each in (counts, (root.receipts, root.links, root.activations)))
        report.find(root, f"it holds {had}, and {have} are stored: some were removed or inserted")
    elif tree != bytes(root.tree):
        report.find(root, "a receipt or an activation that it holds was altered")
    digest = root_digest(
        root.module,
        root.day.isoformat(),
        root.receipts,
        root.links,
        root.activations,
        bytes(root.tree),
        bytes(root.previous),
    )
    if digest != bytes(root.digest):
        report.find(root, "altered: its digest is not that of its columns")


def _counted(receipts: int, links: int, activations: int) -> str:
    return f"{receipts} receipts in {links} links and {activations} activations"
