"""Chance in a run, from the recorded seed: a generator that is seeded in no time behind rand(), the library's behind random."""

from __future__ import annotations

import random
from typing import Any

from scripting.sandbox.library.classes import FrozenClass
from scripting.sandbox.library.present import present

_MASK = (1 << 64) - 1
_generator: Any = random.seed.__self__  # type: ignore[attr-defined]
"""The generator behind the module's functions."""
_seed = super(random.Random, _generator).seed


def seed_library() -> None:
    """Seed the random module's generator too, which takes as long as a small run."""
    _seed(present.seed)
    _generator.gauss_next = None


def rand() -> float:
    """A number from 0 up to 1, of 53 random bits: SplitMix64 (Steele, Lea, Flood: Fast Splittable PRNGs, OOPSLA 2014)."""
    present.state = z = (present.state + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def random_bits(count: int) -> int:
    """So many bits from the generator behind the random module's functions."""
    return int(_generator.getrandbits(count))


def reseed(a: int | float | str | bytes | None = None) -> None:
    """random.seed(a) for scripts: without a value it goes back to the run's own seed."""
    random.seed(present.seed if a is None else _checked(a))


def _checked(seed: Any) -> Any:
    if type(seed) not in {int, float, str, bytes}:
        raise TypeError("a seed must be a number or text")
    return seed


class ScriptRandom(random.Random, metaclass=FrozenClass):
    """random.Random for scripts: a generator of their own, always from a seed that they name or from the run's."""

    def __init__(self, x: Any = None) -> None:
        super().__init__(present.seed if x is None else _checked(x))

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(present.seed if a is None else _checked(a))

    def __repr__(self) -> str:
        return "<Random object>"


DRAWING = frozenset({"random", "statistics", "uuid"})
"""Packages that draw from the library's generator, so that it must be seeded."""
