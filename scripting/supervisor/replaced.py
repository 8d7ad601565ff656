"""Bundles that others took the place of: their warm sandboxes are given up once they rest, since each change would leave one more.

They are not ended at once. A new version may fail, so that the one before runs in its stead; an earlier one is run for evidence. What
still runs stays warm; what comes back later begins a sandbox with the code at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from scripting.supervisor.sandbox import Sandbox

REST_SECONDS = 10.0
"""A sandbox of a replaced bundle that has not run for so long is given up."""
MOST_RESTING = 4
"""So many may rest meanwhile: of more, those that rest longest are given up at once."""


class Replaced:
    """Used under the pool's lock."""

    def __init__(self) -> None:
        self._resting: dict[str, tuple[float, int]] = {}
        """Since when each has not run, and the last turn it had; who rests longest comes first."""

    def __contains__(self, digest: str) -> bool:
        return digest in self._resting

    def __bool__(self) -> bool:
        return bool(self._resting)

    def add(self, digests: Iterable[str], current: Collection[str], now: float) -> None:
        """These were replaced; those that are current now are not, whatever they were before."""
        for digest in current:
            self._resting.pop(digest, None)
        for digest in digests:
            if digest not in current:
                self._resting.setdefault(digest, (now, 0))

    def to_give_up(self, sandboxes: Iterable[Sandbox], free: Collection[Sandbox], now: float) -> list[Sandbox]:
        """The free sandboxes that have rested long enough, or are too many. What has no sandbox left is forgotten."""
        members: dict[str, list[Sandbox]] = {}
        for sandbox in sandboxes:
            if sandbox.bundle.digest in self._resting:
                members.setdefault(sandbox.bundle.digest, []).append(sandbox)
        for digest, (since, seen) in tuple(self._resting.items()):
            boxes = members.get(digest, ())
            turn = max((box.last_turn for box in boxes), default=0)
            has_run = seen not in {0, turn} or any(box not in free for box in boxes)
            if has_run or not boxes:
                del self._resting[digest]
            if boxes:
                self._resting[digest] = (now if has_run else since), turn
        resting = [(since, box) for digest, (since, _) in self._resting.items() for box in members[digest]]
        rested = [(since, box) for since, box in resting if box in free]
        too_many = len(rested) - MOST_RESTING
        return [box for place, (since, box) in enumerate(rested) if place < too_many or now - since > REST_SECONDS]
