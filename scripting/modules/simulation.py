"""The questions of a simulated play to the scripts under test, and the source of its dice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from scripting.modules.calls import CallContext
from scripting.types import PlayDecision

Reads = Callable[[str, Mapping[str, Any]], Any]
"""(function, arguments by name) → the answer of an exposed function of kind `read`, from the state of the simulated play.

Raises CallRefused as the function itself would.
"""


class Decide(Protocol):
    """Asks the scripts under test. Made for one play: it is told the seed, and counts the decisions."""

    def __call__(
        self,
        script: str,
        topic: str,
        payload: Mapping[str, Any],
        reads: Reads,
        *,
        call: CallContext | None = None,
        clock_us: int | None = None,
    ) -> PlayDecision:
        """The decision of `script` on this event. No effect is carried out. What a script does wrong is in the decision.

        `call` is on whose behalf it runs: its key, depth, metadata and dice. Without it the event is one from outside,
        whose dice derive from the play's seed and the number of decisions before. `clock_us` is what the script's clock
        shows; without it the clock stands at `PLAY_CLOCK_US`.
        """


PLAY_CLOCK_US = 1_735_732_800_000_000
"""Noon of 1 January 2025 UTC: a simulated play says the same whenever it is played."""

MAX_DICE = 120
"""Characters that the dice of an event may be."""


def seed_of(dice: str, script: str) -> int:
    """The seed of a run whose event carries `dice`: the same for the same script, live or simulated."""
    return int.from_bytes(hashlib.blake2b(f"{script}\0{dice}".encode(), digest_size=8).digest()) >> 1


def dice_after(dice: str, number: int) -> str:
    """The dice of the follow-up event `number` (from 0) of an outcome; empty where its own event carries none."""
    if len(dice) > MAX_DICE - 8:
        dice = hashlib.blake2b(dice.encode(), digest_size=16).hexdigest()
    return f"{dice}.{number}" if dice else ""
