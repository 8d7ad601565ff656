"""The kinds of unit, in one table: what each can do before any script has a say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """Figures of every unit of this kind. Ranges and movement are in hexes, the rest in points."""

    key: str
    label: str
    attack: int
    """Points of damage of a clean hit on an unarmoured target in the open."""
    range: int
    movement: int
    """Movement points of a turn; entering a hex costs what its terrain says."""
    armour: int
    """Points taken off each hit."""
    max_health: int


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("infantry", "Infantry", attack=24, range=2, movement=3, armour=3, max_health=80),
        Kind("scouts", "Scouts", attack=18, range=2, movement=5, armour=1, max_health=55),
        Kind("armour", "Armour", attack=36, range=3, movement=4, armour=10, max_health=120),
        Kind("artillery", "Artillery", attack=32, range=6, movement=2, armour=1, max_health=60),
        Kind("anti_tank", "Anti-tank", attack=30, range=4, movement=2, armour=2, max_health=65),
        Kind("engineers", "Engineers", attack=28, range=1, movement=3, armour=4, max_health=75),
    )
}

KIND_CHOICES = [(kind.key, kind.label) for kind in KINDS.values()]
