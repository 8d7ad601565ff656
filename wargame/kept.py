"""Sides and units of battles as this process last read or wrote them, kept for the next commit, which then need not read them again.

It is believed only under the battle's row lock, and only where its row has the stamp of then: whoever writes a battle gives it another. The
database takes the stamp from a row that was written without (migration 0006), and a change by hand takes it too (`wargame.models.of_game`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from wargame.models import Game
from wargame.play.state import Side, Unit

COLUMNS = tuple(field.attname for field in Game._meta.concrete_fields)
_STAMP = COLUMNS.index("stamp")
of_game = attrgetter(*COLUMNS)
"""The row of a battle, as it is read with these columns."""
GameRow = tuple[Any, ...]
MOST_UNITS = 16_384
"""Units that are kept in all, some 300 bytes each: those of the battles that were read or written last."""


class Rows(msgspec.Struct, frozen=True):
    """The sides and units of a battle by key and code, and the primary keys of their rows."""

    sides: Mapping[str, Side]
    side_keys: Mapping[str, int]
    units: Mapping[str, Unit]
    unit_keys: Mapping[str, int]


class Memory:
    """The battles that a process keeps."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[GameRow, Rows]] = {}
        """By the battle's primary key its own row and those of its sides and units, the battle that was kept last at the end."""
        self._units = 0
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._lock._at_fork_reinit)  # type: ignore[attr-defined]

    def find(self, game: Game) -> Rows | None:
        """The rows of a battle whose own row is locked and was read just now, if they are still as they were kept."""
        row, rows = self._found.get(game.id, (None, None))
        return rows if row is not None and row[_STAMP] == game.stamp else None

    def latest(self, number: int) -> tuple[GameRow, Rows] | None:
        """A battle as it was kept, which is to be compared with its row under the lock."""
        return self._found.get(number)

    def keep(self, game: Game, rows: Rows) -> None:
        """Keep what was read under the lock of the battle's row, or is written along with its stamp."""
        with self._lock:
            self._forget(game.id)
            if game.stamp:
                self._found[game.id] = of_game(game), rows
                self._units += len(rows.units)
                while self._units > MOST_UNITS:
                    self._forget(next(iter(self._found)))

    def _forget(self, number: int) -> None:
        if (found := self._found.pop(number, None)) is not None:
            self._units -= len(found[1].units)


memory = Memory()


def new_stamp() -> int:
    """By chance: what a transaction wrote that failed has a stamp that no row ever has."""
    return int.from_bytes(os.urandom(8)) >> 1 or 1
