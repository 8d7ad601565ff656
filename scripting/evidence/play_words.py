"""The figures of whole plays in the words of their module: the titles of measures, and shares in percent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from scripting.modules.installed import modules
from scripting.texts.figures import percent, percent_points, rounded, signed


@dataclass(frozen=True)
class MeasureWords:
    """How measures are called and written. Without a module: by their names, as bare numbers."""

    titles: Mapping[str, str] = field(default_factory=dict)
    shares: Collection[str] = ()

    @staticmethod
    def of(module: str) -> MeasureWords:
        found = modules.get(module)
        return MeasureWords(found.play_measures, found.play_shares) if found else MeasureWords()

    def title(self, name: str) -> str:
        return self.titles.get(name, name)

    def mean(self, name: str, value: float) -> str:
        """Of several plays: `48.5 %` of a share, else `12.35`."""
        return percent(value) if name in self.shares else rounded(value)

    def change(self, name: str, difference: float) -> str:
        """From one mean to another: `+14.5 pp` (percentage points) of a share, else `+1.2`."""
        return percent_points(difference) if name in self.shares else signed(difference)

    def interval(self, name: str, low: float | None, high: float | None, *, unknown: str) -> str:
        """Of a change: `+1.2 to +3.4`; `unknown` while nothing bounds it."""
        if low is None or high is None:
            return unknown
        if name in self.shares:  # no two shares differ by more than all
            low, high = max(low, -1.0), min(high, 1.0)
        return f"{self.change(name, low)} to {self.change(name, high)}"

    def once(self, name: str, value: float) -> str:
        """Of a single play: `yes` or `no` of a share that is 1 or 0."""
        if name in self.shares and value in (0, 1):
            return "yes" if value else "no"
        return self.mean(name, value)
