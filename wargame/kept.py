"""Sides and units of battles as this process last read or wrote them, kept for the next commit, which then need not read them again.

What is kept is used only under the battle's row lock, and only where its row has the stamp of then: whoever writes a battle gives it another. The database takes the stamp from a row that was written
without (migration 0006), and so do sides and units that are saved otherwise.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

import msgspec

from wargame.models import Game
from wargame.play.state import Side, Unit

MOST = 256
"""Battles that are kept, some 10 KB each: the ones that were read or written last."""


class Rows(msgspec.Struct, frozen=True):
    """The sides and units of a battle by key and code, and the primary keys of their rows."""

    sides: Mapping[str, Side]
    side_keys: Mapping[str, int]
    units: Mapping[str, Unit]
    unit_keys: Mapping[str, int]


_kept: dict[int, tuple[int, Rows]] = {}
_lock = threading.Lock()
os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]


def new_stamp() -> int:
    """By chance: what a transaction wrote that failed has a stamp that no row ever has."""
    return int.from_bytes(os.urandom(8)) >> 1 or 1


def find(game: Game) -> Rows | None:
    """What is kept of a battle whose row is locked and was read just now, if that is how it still is."""
    stamp, rows = _kept.get(game.id, (0, None))
    return rows if stamp == game.stamp else None


def keep(game: Game, rows: Rows) -> None:
    """Keep what was read under the lock of the battle's row, or is written along with its stamp."""
    with _lock:
        _kept.pop(game.id, None)
        if game.stamp:
            _kept[game.id] = game.stamp, rows
            if len(_kept) > MOST:
                del _kept[next(iter(_kept))]
