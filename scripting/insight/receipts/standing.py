"""How an execution stands: its receipt, whether what is stored still fits it, and what the retention has taken since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from scripting.conf import conf
from scripting.models import Execution, KnobSet, ReceiptRoot, Script, ScriptVersion
from scripting.receipts.announced import Announced, knobs_of
from scripting.receipts.bundle import announced_for
from scripting.receipts.rows import PARTS, altered_parts, is_emptied
from scripting.receipts.stored import Found, receipt_of, rows_of

USUAL = ("succeeded", "skipped")


@dataclass(frozen=True)
class Standing:
    """What a page says of an execution's receipt."""

    found: Found
    root: ReceiptRoot | None
    """None while the day is not over."""
    altered: list[str]
    """Parts, in words, that differ from the receipt."""
    gone: str
    """What the retention has taken, and since when; empty where all is there."""
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
    root = ReceiptRoot.objects.filter(module=link.module, day=link.root_day).first() if link.root_day else None
    return Standing(
        found,
        root,
        [] if row is None else [PARTS[name] for name in altered_parts(row, tries, receipt, bytes(link.salt))],
        deleted(found) if row is None else emptied(found) if is_emptied(row) else "",
        Script.objects.filter(pk=receipt.script).first(),
        ScriptVersion.objects.select_related("script").filter(pk=receipt.version).first(),
        knobs_of(receipt.bundle.hex(), receipt.script),
        announced_for(found),
    )


def emptied(found: Found) -> str:
    """Since when an execution has no payload."""
    return f"Inputs, result, log and calls were removed {_since(found, conf.SCRIPTING_KEEP_PAYLOAD_DAYS)}"


def deleted(found: Found) -> str:
    """Since when an execution is deleted."""
    usual = found.status in USUAL
    days = conf.SCRIPTING_KEEP_DAYS if usual else conf.SCRIPTING_KEEP_FAILURE_DAYS
    return f"The execution was deleted with its inputs, result and log {_since(found, days)}"


def _since(found: Found, days: int) -> str:
    due = found.finished_at + timedelta(days=days)
    if due > datetime.now(UTC):
        return "before its age, since too many are kept"
    return f"about {due:%Y-%m-%d}, {days} days after it ran"


def emptied_words(execution: Execution) -> str:
    """The same for an execution without a receipt; empty where its payload is there."""
    if execution.inputs:
        return ""
    days = conf.SCRIPTING_KEEP_PAYLOAD_DAYS
    return f"Inputs, result, log and calls were removed about {execution.finished_at + timedelta(days=days):%Y-%m-%d}, {days} days after it ran"
