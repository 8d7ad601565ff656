"""Places in a text as the check counts them and as editors do, whose units the protocol negotiates (UTF-16 if nothing is said)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsprotocol.types import Position, Range
from pygls.workspace.position_codec import PositionCodec

from scripting.types import Diagnostic

WIDE = 1_000
"""Characters of a line that are searched for names: patterns meet no line of a hostile length."""


def lines_of(text: str) -> list[str]:
    """The lines as the protocol and the check count them; `str.splitlines` ends lines at more characters."""
    return re.split(r"\r\n|\r|\n", text)


def range_of(found: Diagnostic, lines: Sequence[str], codec: PositionCodec) -> Range:
    """Where a finding stands; one whose end is unknown takes its word, one without a place the first line."""
    row = min(max((found.line or 1) - 1, 0), len(lines) - 1)
    start = min((found.column or 1) - 1, len(lines[row]))
    last, end = row, start
    if found.end_line and found.end_column:
        last = min(max(found.end_line - 1, row), len(lines) - 1)
        end = min(found.end_column - 1, len(lines[last]))
    if (last, end) <= (row, start):
        word = re.compile(r"\w+|.").match(lines[row], start) if found.column else None
        last, end = row, word.end() if word else len(lines[row])
    return Range(position_of(lines, row, start, codec), position_of(lines, last, end, codec))


def position_of(lines: Sequence[str], row: int, column: int, codec: PositionCodec) -> Position:
    """A place of ours as the editor counts it."""
    return Position(row, codec.client_num_units(lines[row][:column]))


def place_of(position: Position, lines: Sequence[str], codec: PositionCodec) -> tuple[int, int]:
    """A place of the editor's as row and column, both from 0; the nearest there is where it lies outside."""
    row = min(position.line, len(lines) - 1)
    units = 0
    for column, character in enumerate(lines[row]):
        if units >= position.character:
            return row, column
        units += codec.client_num_units(character)
    return row, len(lines[row])
