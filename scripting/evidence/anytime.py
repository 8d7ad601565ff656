"""Differences that may be looked at after every pair: whoever stops as soon as one is clear errs no more often than said.

The method is a mixture of self-normalized supermartingales. Where live and draft do not differ, each paired difference d is as
likely as -d, so that exp(λ·Σd - λ²·Σd²/2) is a supermartingale for every λ and whatever the size of the differences (de la Peña,
“A general class of exponential inequalities for martingales and ratios”, Annals of Probability 27, 1999; Howard, Ramdas, McAuliffe &
Sekhon, “Time-uniform Chernoff bounds via nonnegative supermartingales”, Probability Surveys 17, 2020, Table 3). Mixed over a normal λ
it has a closed form (Robbins' mixture; de la Peña, Klass & Lai, “Self-normalized processes”, Annals of Probability 32, 2004), and by
Ville's inequality it ever reaches 1/error with that probability at the most. The values that it does not refute are the interval.

Without a difference that holds exactly, after any number of pairs. Around a difference it holds exactly where the differences lie
symmetrically about it, and approximately otherwise. Several measures share the error equally (Bonferroni), so that all their
intervals hold together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ERROR = 0.05
"""The share of comparisons without a difference that may claim one, on any measure, at any time."""
FIRST = 20
"""Pairs before anything is claimed: their size says on which scale to look, which their signs do not know."""
SHARPEST = 0.1
"""Variance of λ in units of the scale: intervals are narrowest after about a hundred pairs."""
STEPS = 60
"""Halvings that find an end of an interval."""


@dataclass(frozen=True)
class Difference:
    """Mean of draft - live, with what it may be; an end is infinite while too little is known."""

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether live and draft differ, as sure as the interval is."""
        return not self.low <= 0 <= self.high


def is_clear(differences: Sequence[float], measures: int) -> bool:
    """Whether the mean of these paired differences, of one of so many measures, is not 0."""
    return len(differences) >= FIRST and Evidence.of(differences).refutes(0.0, ERROR / measures)


def difference(differences: Sequence[float], measures: int) -> Difference:
    """The mean of paired differences with its interval, for one of so many measures that are looked at together."""
    if not any(differences):
        known = len(differences) >= FIRST  # no pair differs, which a few tell nothing by
        return Difference(0.0, 0.0, 0.0) if known else Difference(0.0, -math.inf, math.inf)
    evidence, error = Evidence.of(differences), ERROR / measures
    return Difference(evidence.mean, evidence.end(-1, error), evidence.end(1, error))


@dataclass(frozen=True)
class Evidence:
    """All that the supermartingale needs to know of the differences."""

    count: int
    mean: float
    variance: float
    first: int
    """So many of them tell the scale."""
    first_mean: float
    first_variance: float

    @staticmethod
    def of(differences: Sequence[float]) -> Evidence:
        """At least one. Where the first ones are all 0, the first that is not tells the scale."""
        moved = next((at for at, value in enumerate(differences, 1) if value), len(differences))
        first = min(len(differences), max(FIRST, moved))
        return Evidence(len(differences), *_moments(differences), first, *_moments(differences[:first]))

    def refutes(self, value: float, error: float) -> bool:
        """Whether the true mean is not this value, but for this probability."""
        scale = self.first_variance + (self.first_mean - value) ** 2
        if scale == 0:
            return False
        squares = SHARPEST / scale * self.count * (self.variance + (self.mean - value) ** 2)
        moved = SHARPEST / scale * (self.count * (self.mean - value)) ** 2
        return moved / (2 * (1 + squares)) - math.log1p(squares) / 2 >= -math.log(error)

    def end(self, side: int, error: float) -> float:
        """The nearest value below (-1) or above (1) the mean that is refuted, with all beyond it.

        Each side by itself: an interval as wide on both sides could hold a 0 that is refuted.
        """
        near, far = 0.0, math.sqrt(self.variance + self.first_variance)
        if far == 0:
            far = abs(self.mean) or 1.0
        for _ in range(STEPS):
            if self.refutes(self.mean + side * far, error):
                break
            near, far = far, far * 2
        else:
            return side * math.inf
        for _ in range(STEPS):
            middle = (near + far) / 2
            near, far = (near, middle) if self.refutes(self.mean + side * middle, error) else (middle, far)
        return self.mean + side * far


def _moments(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((value - mean) ** 2 for value in values) / len(values)
