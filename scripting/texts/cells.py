"""Cells of a CSV file that no spreadsheet takes for a formula."""

from __future__ import annotations

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so, a spreadsheet may run."""


def harmless(cell: Any) -> Any:
    """The cell, quoted where a spreadsheet would take it for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
