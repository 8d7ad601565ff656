"""A battle as plain state: nothing in it is ever changed, a rule answers a new one."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from wargame.hexes import Cell
from wargame.kinds import KINDS, Kind
from wargame.maps import BattleMap


class Phase(enum.StrEnum):
    """Part of a turn; `OVER` once the battle is."""

    MOVEMENT = "movement"
    COMBAT = "combat"
    OVER = "over"


class Unit(msgspec.Struct, frozen=True):
    """A unit on the map. `code` is its id in events."""

    code: str
    name: str
    kind: str
    side: str
    """Key of its side."""
    health: int
    max_health: int
    x: int
    y: int
    moved_turn: int = 0
    """The last turn in which it was ordered to move."""
    acted_turn: int = 0
    """The last turn in which it was ordered to attack."""

    @property
    def is_alive(self) -> bool:
        return self.health > 0

    @property
    def data(self) -> Kind:
        return KINDS[self.kind]

    @property
    def cell(self) -> Cell:
        return self.x, self.y


class Side(msgspec.Struct, frozen=True):
    """One of the two armies."""

    key: str
    name: str
    score: int = 0
    """Points of damage done, and a bonus for each unit destroyed."""


class Battle(msgspec.Struct, frozen=True):
    """One battle at one moment."""

    key: str
    """Its id in payloads; empty for one that is not stored."""
    seed: int
    """Decides deployment, the order in which units act, and the dice of every order."""
    map: BattleMap
    sides: Mapping[str, Side]
    """By key, in the order in which they deployed; units likewise."""
    units: Mapping[str, Unit]
    now: int
    """Seconds since 1970 UTC, for the timestamps of events."""
    turn: int = 1
    phase: Phase = Phase.MOVEMENT
    winner: str | None = None
    outcome: str = ""
    """How it ended, in a sentence."""

    @property
    def is_running(self) -> bool:
        return self.phase is not Phase.OVER

    def living(self) -> list[Unit]:
        return [unit for unit in self.units.values() if unit.health > 0]

    def unit(self, code: object) -> Unit | None:
        """The unit with this code, or with this name, as people write it."""
        if not isinstance(code, str) or not code:
            return None
        found = self.units.get(code)
        if found is None:
            name = code.casefold()
            found = next((unit for unit in self.units.values() if unit.name.casefold() == name), None)
        return found

    def side_of(self, unit: Unit) -> Side:
        return self.sides[unit.side]
