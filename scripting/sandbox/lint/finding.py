"""A warning of a check, before it has its place in characters."""

from __future__ import annotations

import ast
from typing import NamedTuple


class LanguageWarning(NamedTuple):
    """A warning of a check: a 1-based line and offsets in bytes as the compiler counts, where it has a place."""

    message: str
    line: int | None = None
    column_offset: int | None = None
    end_column_offset: int | None = None
    hint: str = ""
    certain: bool = False
    """What it names goes wrong in every run that gets there."""


def warning_at(node: ast.expr | ast.stmt, message: str, hint: str = "", *, certain: bool = False) -> LanguageWarning:
    """A warning at a node of the tree."""
    end = node.end_col_offset if node.end_lineno == node.lineno else None
    return LanguageWarning(message, node.lineno, node.col_offset, end, hint, certain)
