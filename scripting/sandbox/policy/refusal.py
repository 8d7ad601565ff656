"""The refusal of a text by its check, with its place."""

from __future__ import annotations


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
