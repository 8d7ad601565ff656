"""Lines as everybody counts them: editor, check, errors, diff and merge."""

from __future__ import annotations


def lines_of(text: str) -> list[str]:
    """The lines of a script, without their line feeds. Only LF ends a line; CR before it stays part of the line.

    `str.splitlines` also ends lines at form feed, U+0085, U+2028 and others, so its numbers are not those of an editor or a compiler.
    """
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()  # the last line feed ends a line, it begins none
    return lines


CRLF, LF, MIXED = "CRLF (Windows)", "LF", "LF and CRLF"


def ends_of(text: str) -> str:
    """How its lines end: LF, CRLF or MIXED; empty for a text of one line without an end."""
    feeds, returns = text.count("\n"), text.count("\r\n")
    return "" if not feeds else LF if not returns else CRLF if returns == feeds else MIXED


def with_ends(text: str, ends: str) -> str:
    """The text with all its lines ended by LF or CRLF; unchanged for anything else."""
    if ends not in (LF, CRLF):
        return text
    plain = text.replace("\r\n", "\n")
    return plain if ends == LF else plain.replace("\n", "\r\n")
