"""Verify all of a range of time: chains, executions, texts, bundles, roots; or one execution, which is run again too."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from scripting.execution.replay import NotReplayable, replay
from scripting.execution.rows import encode_calls
from scripting.metrics import folding
from scripting.models import Execution, ReceiptLink
from scripting.receipts.chains import Chains
from scripting.receipts.findings import Report
from scripting.receipts.root_checks import verify_roots
from scripting.receipts.rows import Rows
from scripting.receipts.stored import Found, in_chunks, links_between, look_up
from scripting.receipts.texts import verify_bundles, verify_texts
from scripting.supervisor.errors import SupervisorError


def verify(since: datetime | None = None, until: datetime | None = None) -> Report:
    """Look at everything that was recorded in a range of time, and at all texts."""
    folding.fold_all()
    report = Report()
    chains, rows = Chains(report), Rows(report)
    for links in in_chunks(links_between(since, until)):
        chains.look(links)
        rows.look(links)
    rows.look_for_inserted(since, until)
    verify_texts(report)
    verify_roots(report, since, until)
    verify_bundles(rows.bundles, report)
    return report


def verify_execution(execution: UUID) -> Report:
    """Look at the receipt of one execution, at its link and its neighbours, its row and its bundle."""
    folding.fold_all()  # the links before and after it are looked for among those that are filed
    report = Report()
    found = look_up(execution)
    if found is None:
        report.find(f"execution {execution}", "there is no receipt of it")
        return report
    link = found.link
    following = ReceiptLink.objects.filter(chain=link.chain, number=link.number + 1)
    Chains(report).look([link, *following])
    rows = Rows(report)
    rows.look([link])
    if isinstance(found, Found) and any(found.receipt.bundle):
        verify_bundles({found.receipt.bundle: {found.receipt.version}}, report)
    repeat(execution, report)
    return report


def repeat(execution: UUID, report: Report) -> None:
    """Run the deciding attempt again on all that it saw, and compare result and host calls byte for byte."""
    where = f"execution {execution}"
    recorded = Execution.objects.filter(pk=execution).first()
    if recorded is None or not recorded.inputs:
        gone = "was deleted" if recorded is None else "has lost its payload"
        report.notes.append(f"{where} {gone} by its age: it cannot be repeated")
        return
    try:
        made = replay(str(execution), decided=True)
    except (NotReplayable, SupervisorError) as problem:
        report.notes.append(f"{where} was not repeated: {problem}")
        return
    report.looked["repetitions"] += 1
    report.notes += made.remarks
    for difference in made.differences:
        report.find(where, f"repeated now, it differs: {difference}")
    then = made.execution
    last = then.attempts.order_by("-ordinal").first() or then
    if made.identical and "result" in made.compared and made.attempt.ok:
        same = bytes(then.result or b"") == (made.attempt.outcome.result or b"")
        if not same or bytes(last.host_calls) != encode_calls(made.attempt.calls):
            report.find(where, "repeated now, its result or host calls have other bytes")
