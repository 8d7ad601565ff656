"""A warning of a check, before it has its place in characters."""

from __future__ import annotations

import ast
from collections.abc import Collection
from difflib import get_close_matches
from typing import NamedTuple

from scripting.sandbox.lint.surroundings import Surroundings


class LanguageWarning(NamedTuple):
    """A warning of a check: a 1-based line and offsets in bytes as the compiler counts, where it has a place."""

    message: str
    line: int | None = None
    column_offset: int | None = None
    end_column_offset: int | None = None
    hint: str = ""
    certain: bool = False
    """Whether it fails in every run that reaches it."""
    is_error: bool = False
    """The text is refused: its language does not know such a text. A run of a version that is stored does not ask."""


def warning_at(node: ast.expr | ast.stmt, message: str, hint: str = "", *, certain: bool = False) -> LanguageWarning:
    """A warning at a node of the tree."""
    end = node.end_col_offset if node.end_lineno == node.lineno else None
    return LanguageWarning(message, node.lineno, node.col_offset, end, hint, certain)


def nothing_defines(name: str, around: Surroundings) -> str:
    """The message about a name that is unresolved."""
    message = f'nothing here defines "{name[:60]}"'
    return message if around.knows_context or not around.is_script else f"{message}: it must come with the context"


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The known name that is nearly the same; empty if there is none."""
    near = get_close_matches(name, sorted(known), 1, 0.75)
    return f"did you mean {near[0]}?" if near else ""
