"""What a script language must do: turn source text into a Python `ast.Module`. Policy, runner and limits are shared."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod


class Refusal(Exception):
    """The text is refused: at a 1-based line and column, with what to write instead where that is known."""

    def __init__(
        self,
        kind: str,
        message: str,
        line: int | None = None,
        column: int | None = None,
        *,
        end_line: int | None = None,
        end_column: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column
        self.hint = hint


class LanguageEngine(ABC):
    """One script language inside the sandbox."""

    @abstractmethod
    def parse(self, source: str, name: str) -> ast.Module:
        """The module that the source stands for, its nodes placed where the source has them. Raises Refusal
        (`invalid_syntax`, `compilation`) with the position. The source is already within its bounds."""

    @abstractmethod
    def check_bounds(self, source: str, max_nesting: int) -> None:
        """Raise Refusal if the text nests deeper than this, by one pass over its characters."""
