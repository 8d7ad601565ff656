"""Statistics of paired numbers: the difference of two outcomes of the same event, with how sure it is."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import NormalDist

BINS = 24
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Of one side's numbers."""

    mean: float
    p5: float
    median: float
    p95: float


@dataclass(frozen=True)
class PairedDifference:
    """Mean of `after - before` over the same events, with its 95 % confidence interval."""

    difference: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """At least one value."""
    ordered = sorted(values)
    return Spread(math.fsum(ordered) / len(ordered), *(quantile(ordered, share) for share in (0.05, 0.5, 0.95)))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values, interpolated linearly: type 7 of Hyndman & Fan, “Sample quantiles in statistical packages”, The
    American Statistician 50 (1996)."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def paired_difference(before: Sequence[float], after: Sequence[float]) -> PairedDifference:
    """The mean difference with Student's interval of paired samples, corrected for skewness; of one pair, the number alone.

    Where a change touches few events, nearly all differences are 0 and Student's interval alone (“The probable error of a mean”,
    Biometrika 6, 1908) misses the truth in one of ten reports. Hall's transformation (“On the removal of skewness by
    transformation”, Journal of the Royal Statistical Society B 54, 1992) keeps it at one of twenty.
    """
    differences = [two - one for one, two in zip(before, after, strict=True)]
    count = len(differences)
    mean = math.fsum(differences) / count
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in differences) / (count - 1)) if count > 1 else 0.0
    if deviation == 0:
        return PairedDifference(mean, mean, mean)
    skewness = math.fsum(((each - mean) / deviation) ** 3 for each in differences) / count
    margin = student_quantile((1 + CONFIDENCE) / 2, count - 1) / math.sqrt(count)
    low, high = (mean - deviation * _unskewed(side, skewness, count) for side in (margin, -margin))
    return PairedDifference(mean, low, high)


def _unskewed(margin: float, skewness: float, count: int) -> float:
    """The inverse of Hall's transformation: where a margin of a symmetric distribution lies in a skewed one."""
    if abs(skewness) < 1e-9:
        return margin
    return 3 / skewness * (math.cbrt(1 + skewness * (margin - skewness / (6 * count))) - 1)


@dataclass(frozen=True)
class Estimate:
    """A mean or a share with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def mean(values: Sequence[float]) -> Estimate:
    """The interval of `paired_difference`; of one value, the number alone."""
    found = paired_difference([0.0] * len(values), values)
    return Estimate(found.difference, found.low, found.high)


def share(values: Sequence[float]) -> Estimate:
    """The share of ones among zeros and ones, with Wilson's interval (“Probable inference, the law of succession, and statistical
    inference”, Journal of the American Statistical Association 22, 1927), which holds near 0 and 1 too."""
    count = len(values)
    part = math.fsum(values) / count
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    middle = (part + z * z / (2 * count)) / (1 + z * z / count)
    margin = z / (1 + z * z / count) * math.sqrt(part * (1 - part) / count + z * z / (4 * count * count))
    # Its ends at none and at all of them are 0 and 1, of which the sum leaves a rest of 10⁻¹⁷.
    return Estimate(part, middle - margin if part > 0 else 0.0, middle + margin if part < 1 else 1.0)


def student_quantile(share: float, freedom: int) -> float:
    """Of Student's distribution with so many degrees of freedom.

    Exact for 1 and 2; else Cornish and Fisher's expansion (Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5), whose
    error at 97.5 % is under 1 % from 3 degrees on.
    """
    if freedom == 1:
        return math.tan(math.pi * (share - 0.5))
    if freedom == 2:
        return (2 * share - 1) * math.sqrt(2 / (4 * share * (1 - share)))
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))


def histograms(before: Sequence[float], after: Sequence[float]) -> tuple[list[float], list[int], list[int]]:
    """Edges of the bins, and how many of each side lie in each. Bins of whole numbers hold equally many of them."""
    least, most = min(*before, *after), max(*before, *after)
    if all(float(value).is_integer() for value in (*before, *after)):
        width = float(math.ceil((most - least + 1) / BINS))
        edges = [least - 0.5 + width * step for step in range(math.ceil((most - least + 1) / width) + 1)]
    else:
        width = (most - least) / BINS or 1.0
        edges = [least + width * step for step in range(BINS + 1)]
    return edges, _counts(before, edges), _counts(after, edges)


def _counts(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    counts = [0] * (len(edges) - 1)
    width = edges[1] - edges[0]
    for value in values:
        counts[min(len(counts) - 1, int((value - edges[0]) / width))] += 1
    return counts


@dataclass(frozen=True)
class Weights:
    """Weights of all events with their sums, for the correlation of many groups with them."""

    each: Sequence[float]
    total: float
    variance: float
    """Sum of squared deviations from the mean."""

    @staticmethod
    def of(each: Sequence[float]) -> Weights:
        total = math.fsum(each)
        mean = total / len(each) if each else 0.0
        return Weights(each, total, math.fsum((weight - mean) ** 2 for weight in each))

    def correlation(self, members: Collection[int]) -> float:
        """Pearson's coefficient of belonging to a group of events, given by their places, with the weight; 0 where either never
        varies."""
        count, inside = len(self.each), len(members)
        if inside in (0, count) or self.variance == 0:
            return 0.0
        share = inside / count
        covariance = math.fsum(self.each[at] for at in members) - share * self.total
        return covariance / math.sqrt(self.variance * count * share * (1 - share))
