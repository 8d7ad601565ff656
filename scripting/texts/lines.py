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
