"""The maps that battles are fought on, drawn as text, and what each terrain means for movement and sight."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wargame.hexes import Cell


@dataclass(frozen=True)
class Terrain:
    """One kind of ground. Cover is the scripts' business; the game itself knows movement and sight."""

    key: str
    label: str
    cost: int | None
    """Movement points to enter; None where no unit may go."""
    screens: bool
    """Whether it stands in the line of fire of those who shoot across it."""


TERRAIN: dict[str, Terrain] = {
    ".": Terrain("plain", "Plain", 1, screens=False),
    "f": Terrain("forest", "Forest", 2, screens=True),
    "h": Terrain("hill", "Hill", 2, screens=True),
    "t": Terrain("town", "Town", 1, screens=True),
    "~": Terrain("water", "Water", None, screens=False),
}


@dataclass(frozen=True)
class BattleMap:
    """Rows of terrain letters, all of one length. Armies deploy in the first and the last columns."""

    name: str
    rows: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def text(self) -> str:
        """As a game stores it."""
        return "\n".join(self.rows)

    @classmethod
    @functools.lru_cache(maxsize=64)
    def from_text(cls, name: str, text: str) -> BattleMap:
        """The same one for the same text: what it has worked out of its rows is worked out once for all battles on it."""
        return cls(name, tuple(text.split("\n")))

    def __contains__(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.width and 0 <= cell[1] < self.height

    def __getitem__(self, cell: Cell) -> Terrain:
        return TERRAIN[self.rows[cell[1]][cell[0]]]

    @cached_property
    def costs(self) -> dict[Cell, int]:
        """Movement points to enter each hex that a unit may enter: neither water nor beyond the edge."""
        return {cell: terrain.cost for cell, terrain in self.cells() if terrain.cost is not None}

    def cells(self) -> Iterator[tuple[Cell, Terrain]]:
        for row, letters in enumerate(self.rows):
            for column, letter in enumerate(letters):
                yield (column, row), TERRAIN[letter]


MAPS: tuple[BattleMap, ...] = (
    BattleMap(
        "Lower Ford",
        (
            "...ff..h~..ff...",
            "..ff...~~...h.t.",
            ".t....~~..hh....",
            "....h.~..f......",
            "..hh..t.ff...f..",
            "..f...ff.t..hh..",
            "......f..~.h....",
            "....hh..~~....t.",
            ".t.h...~~...ff..",
            "...ff..~h..ff...",
        ),
    ),
    BattleMap(
        "Mill Valley",
        (
            "..h....ff....h..",
            ".hh..t..f..~~...",
            "....ff...~~~..t.",
            "..f....h..~..ff.",
            ".t...hhh.t..f...",
            "...f..t.hhh...t.",
            ".ff..~..h....f..",
            ".t..~~~...ff....",
            "...~~..f..t..hh.",
            "..h....ff....h..",
        ),
    ),
    BattleMap(
        "Gull Heights",
        (
            "~~....hh.....~~~",
            "~...f..h..t...~~",
            "..tff.....f.....",
            "....f..tt.ff..h.",
            ".h...~..h....hh.",
            ".hh....h..~...h.",
            ".h..ff.tt..f....",
            ".....f.....fft..",
            "~~...t..h..f...~",
            "~~~.....hh....~~",
        ),
    ),
)
