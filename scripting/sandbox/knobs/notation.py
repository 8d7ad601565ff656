"""How a language writes a constant at the top of a text, its comments and its literals: all that knobs need to know of it."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})"


class Notation(NamedTuple):
    """One language's way to write a constant."""

    lexeme: re.Pattern[str]
    """Finds comments (a group `comment` of a line's end) and whatever else may hold what looks like one."""
    constant: re.Pattern[str]
    """The whole of a line before its comment, with the groups `name` and `value`."""
    mark: str = "//"
    """A comment begins with it."""
    flags: tuple[str, str] = ("false", "true")
