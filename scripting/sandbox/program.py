"""Compiled programs: a script with its helpers, as a sandbox runs them."""

from __future__ import annotations

import ast
import marshal
import types
from dataclasses import dataclass

from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.library.dice import DRAWING
from scripting.sandbox.protocol import Knob, cut
from scripting.sandbox.tracer.plan import Plan

DECIMALS = "decimal"
STATEFUL = DRAWING | {DECIMALS}
"""Packages whose state must be made anew for each run that may have changed it."""


@dataclass
class Unit:
    """One source text on its way to code."""

    name: str
    language: str
    text: str
    tree: ast.Module | None = None
    code: types.CodeType | None = None
    packed: bytes = b""
    """The code as it is handed on, see `settle`."""
    bound: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    suspends: bool = False
    draws: bool = False
    knobs: tuple[Knob, ...] = ()
    plan: Plan | None = None
    """Of a text that is to be traced."""

    def settle(self, code: types.CodeType) -> None:
        """Take what the compiler made, as it is once it was packed and read again: so every sandbox runs the same, whichever compiled it.

        A set of constants (`for kind in {"tank", "gun", "jeep"}`) that was read again is walked in another order than the compiler's own.
        """
        self.packed = marshal.dumps(code)
        self.code = marshal.loads(self.packed)  # noqa: S302 - this process made these bytes

    def excerpt(self, line: int | None) -> str:
        """The line of source, bounded; empty if there is none."""
        found = self._line(line)
        return "" if found is None else cut(found.rstrip("\r\n"), 200).encode("utf-8", "replace").decode()

    def column(self, line: int | None, byte_offset: int | None) -> int | None:
        """The 1-based column in characters of a byte offset as the compiler counts."""
        found = self._line(line)
        if found is None or byte_offset is None:
            return None
        return len(found.encode("utf-8", "surrogatepass")[:byte_offset].decode("utf-8", "ignore")) + 1

    def _line(self, number: int | None) -> str | None:
        # Found without splitting the text, for which there may be no memory left.
        if number is None or number < 1:
            return None
        start = 0
        for _ in range(number - 1):
            start = self.text.find("\n", start) + 1
            if start == 0:
                return None
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


@dataclass
class Program:
    """A script with its helpers and the engine of their language."""

    script: Unit
    helpers: dict[str, Unit]
    """Helper (without `shared/`) to its unit."""
    engine: LanguageEngine
    """Of the language that script and helpers are in."""
    units: tuple[Unit, ...]
    """The script, then the helpers."""
