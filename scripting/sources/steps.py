"""Steps: what discovery did or found, one by one, for commands to print and for the site's log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from scripting.texts.escaping import one_line
from scripting.types import Diagnostic

logger = logging.getLogger(__name__)

WAITS = "it waits for its replay"
"""`Script.held` of a file for which the gate has no evidence yet."""


UNUSABLE = "its file cannot be taken: "
"""How `Script.held` begins of a file that nobody can read as a script's: too large, a link, a folder, unreadable, empty."""


@dataclass(frozen=True)
class Step:
    """One thing that discovery did or found. `script` is module/name, of a case module/script/name, or the path of what is neither."""

    script: str
    outcome: str
    """`activated`, `upgraded`, `reverted`, `unchanged`, `flagged`, `rejected`, `waiting` (for its replay), `held` (by the gate), `passed_over`, `kept`, `forgotten`, `vanished`, `retired`, `ignored`, `in_conflict`, `failed`; of a case also `taken`, `deleted`."""
    detail: str = ""
    source: str = ""
    """`default` or `file`: what it is about."""
    is_known: bool = False
    """Whether it was said before and nothing has changed since."""

    @property
    def is_news(self) -> bool:
        return self.outcome != "unchanged" and not self.is_known

    @property
    def changed(self) -> bool:
        return self.outcome in {"activated", "upgraded", "reverted", "taken", "deleted"}

    @property
    def is_failure(self) -> bool:
        """Whether a text did not pass its check or the gate: an embedded default, which only a new release can mend, or a file."""
        return self.outcome in {"failed", "rejected", "held"}


def said(step: Step, level: int = logging.DEBUG) -> Step:
    """Write the step to the site's log; what was done well is the caller's to report."""
    logger.log(level, "%s: %s: %s", step.script, step.outcome, step.detail)
    return step


def will_fail(diagnostics: Iterable[Diagnostic]) -> str:
    """Say in one line what will certainly fail in an accepted version; empty if nothing will."""
    found = [f"line {d.line}: {d.message}" if d.line is not None else d.message for d in diagnostics if d.certain]
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    return one_line(f"will fail: {'; '.join(found[:3])}{more}", 600) if found else ""


def first_error(diagnostics: Iterable[Diagnostic]) -> str:
    """The first error as compilers write it: `line:column: type: message`."""
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            where = f"{diagnostic.line}:{diagnostic.column or 1}: " if diagnostic.line is not None else ""
            return one_line(f"{where}{diagnostic.type.value}: {diagnostic.message}")
    return "did not pass its check"
