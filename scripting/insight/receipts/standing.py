"""How an execution stands: its receipt, whether what is stored still fits it, and what the retention has taken since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from scripting import clock
from scripting.conf import conf
from scripting.models import Execution, KnobSet, ReceiptRoot, Script, ScriptVersion
from scripting.receipts.announced import Announced, knobs_of
from scripting.receipts.bundle import announced_for
from scripting.receipts.rows import PARTS, Marks, altered_parts, is_emptied
from scripting.receipts.stored import Found, Unfit, look_up, receipt_of, rows_of

USUAL = ("succeeded", "skipped")


@dataclass(frozen=True)
class Standing:
    """An execution's receipt as a page tells of it."""

    found: Found
    root: ReceiptRoot | None
    """None while the day is not over."""
    altered: list[str]
    """Parts, in words, that differ from the receipt."""
    gone: str
    """Says what the retention has taken, and since when; empty where all is there."""
    script: Script | None
    version: ScriptVersion | None
    knobs: KnobSet | None
    announced: Announced

    @property
    def receipt(self) -> str:
        return self.found.packed.hex()


def standing_of(execution: UUID) -> Standing | None:
    """None where there is no receipt."""
    found = receipt_of(execution)
    if found is None:
        return None
    link, receipt = found.link, found.receipt
    row, tries = rows_of([execution]).get(execution, (None, []))
    root = ReceiptRoot.objects.filter(module=link.module, day=link.rooted).first() if link.rooted else None
    return Standing(
        found,
        root,
        [] if row is None else [PARTS[name] for name in altered_parts(row, tries, receipt, bytes(link.salt))],
        gone(found, row is None) if row is None or is_emptied(row) else "",
        Script.objects.filter(pk=receipt.script).first(),
        ScriptVersion.objects.select_related("script").filter(pk=receipt.version).first(),
        knobs_of(receipt.bundle.hex(), receipt.script),
        announced_for(found),
    )


def gone(found: Found, whole: bool) -> str:
    """Say what is gone, the execution or its payload alone, and since when; or that it was not the retention."""
    marks, receipt = Marks(), found.receipt
    what = (
        "The execution was deleted with its inputs, result and log"
        if whole
        else "Inputs, result, log and calls were removed"
    )
    if not (marks.deleted(receipt) if whole else marks.emptied(receipt)):
        return f"{what}, and not by the retention, which has not come so far: ask who has access to the database"
    if not whole:
        days = conf.SCRIPTING_KEEP_PAYLOAD_DAYS
    else:
        days = conf.SCRIPTING_KEEP_DAYS if found.status in USUAL else conf.SCRIPTING_KEEP_FAILURE_DAYS
    due = found.finished_at + timedelta(days=days)
    if due > clock.now():
        return f"{what} before its age, since no more are kept"
    return f"{what} about {due:%Y-%m-%d}, {days} days after it ran"


def unfit_words(execution: UUID) -> str:
    """Say that an execution has no receipt because its row is not what was committed; empty where that is not so."""
    found = look_up(execution)
    if not isinstance(found, Unfit):
        return ""
    when = "is not" if found.link.is_unsealed else "was not, when its receipt was to be made,"
    return (
        f"What is stored of it {when} what was committed: something was altered or removed, and not by the retention, so no receipt "
        f"can be made of it. Ask who has access to the database. The digest of what was committed stands in {found.link}"
    )


def gone_words(execution: Execution, standing: Standing | None, unfit: str = "") -> str:
    """Say what is gone of an execution that is there, with or without a receipt."""
    if execution.inputs or unfit:
        return ""
    if standing is not None:
        return standing.gone
    days = conf.SCRIPTING_KEEP_PAYLOAD_DAYS
    due = execution.finished_at + timedelta(days=days)
    return f"Inputs, result, log and calls were removed about {due:%Y-%m-%d}, {days} days after it ran"
