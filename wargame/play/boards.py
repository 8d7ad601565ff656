"""The board of a battle as plain data: whole, what a step changed of it, and the two put together again.

{"phase": "combat", "units": {"ridge-scouts-1": [health, x, y]}, "scores": {"ridge": 75}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import compress
from operator import is_not
from typing import Any

from wargame.play.state import Battle, Unit

Board = Mapping[str, Any]


def whole(battle: Battle) -> dict[str, Any]:
    """Phase, all units and all scores."""
    return {
        "phase": str(battle.phase),
        "units": {unit.code: _state(unit) for unit in battle.units.values()},
        "scores": {side.key: side.score for side in battle.sides.values()},
    }


def changed(before: Battle, after: Battle) -> dict[str, Any]:
    """The phase, and the units and scores that are others than before."""
    units = {
        unit.code: _state(unit)
        for unit in units_changed(before, after)
        if _state(unit) != _state(before.units[unit.code])
    }
    scores = {s.key: s.score for s in after.sides.values() if s.score != before.sides[s.key].score}
    board: dict[str, Any] = {"phase": str(after.phase)}
    return board | ({"units": units} if units else {}) | ({"scores": scores} if scores else {})


def units_changed(before: Battle, after: Battle) -> list[Unit]:
    """The units that a step has changed, which are few of many: those that it left alone are the very same."""
    units = after.units.values()
    if after.units is before.units:
        return []
    return list(compress(units, map(is_not, units, map(before.units.get, after.units))))


def folded(boards: Iterable[Board]) -> dict[str, Any]:
    """A whole board with what later steps changed of it."""
    found: dict[str, Any] = {"phase": "", "units": {}, "scores": {}}
    for board in boards:
        found["phase"] = board["phase"]
        for part in ("units", "scores"):
            found[part] |= board.get(part, {})
    return found


def _state(unit: Unit) -> list[int]:
    return [unit.health, unit.x, unit.y]
