"""Chance in a run: one generator, seeded with what is recorded, behind rand(), random and all that draws from random."""

from __future__ import annotations

import random
from typing import Any

from scripting.sandbox.offered.classes import FrozenClass

_run_seed = 0
_generator: Any = random.seed.__self__  # type: ignore[attr-defined]
"""The generator behind the module's functions."""
_seed = super(random.Random, _generator).seed


def set_seed(seed: int) -> None:
    """Seed the generator that the random module itself uses, so that library code draws from it too."""
    global _run_seed
    _run_seed = seed
    _seed(seed)
    _generator.gauss_next = None


def reseed(a: int | float | str | bytes | None = None) -> None:
    """random.seed(a) for scripts: without a value it goes back to the run's own seed."""
    random.seed(_run_seed if a is None else _checked(a))


def _checked(seed: Any) -> Any:
    if type(seed) not in {int, float, str, bytes}:
        raise TypeError("a seed must be a number or text")
    return seed


class ScriptRandom(random.Random, metaclass=FrozenClass):
    """random.Random for scripts: a generator of their own, always from a seed that they name or from the run's."""

    def __init__(self, x: Any = None) -> None:
        super().__init__(_run_seed if x is None else _checked(x))

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(_run_seed if a is None else _checked(a))

    def __repr__(self) -> str:
        return "<Random object>"


type.__setattr__(ScriptRandom, "__name__", "Random")
type.__setattr__(ScriptRandom, "__qualname__", "Random")


rand = random.random
"""rand() of scripts: the run's generator itself."""
