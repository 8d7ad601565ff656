"""Findings of a verification: what does not fit, by its name; and the count of what was looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST = 1000
"""Findings that are kept; the rest are counted."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was recorded."""

    where: str
    """`execution 0193…`, `link 4 of chain 0193…`, `version tavern/barkeeper v3`, `root of tavern on 2026-03-01`."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Report:
    """The counts of a verification, and all that it found."""

    looked: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0
    notes: list[str] = field(default_factory=list)
    """Remarks: what could not be looked at, and why."""

    def find(self, where: object, what: str) -> None:
        if len(self.findings) < MOST:
            self.findings.append(Finding(str(where), what))
        else:
            self.left_out += 1

    @property
    def holds(self) -> bool:
        return not self.findings
