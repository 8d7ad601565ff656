"""A mergeable histogram of durations whose quantiles are within 1 % of the exact ones.

Buckets grow by a constant factor, as in DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019): with factor g = (1 + a) / (1 - a), the value reported for a bucket differs from any
value in it by at most a. Merging adds counts, so it loses nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

ACCURACY = 0.01
_FACTOR = (1 + ACCURACY) / (1 - ACCURACY)
_LOG = math.log(_FACTOR)
_decoder = msgspec.msgpack.Decoder(dict[int, int])


class Histogram:
    """Counts of durations (µs, whole numbers from 0) by bucket."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]  # it changes

    @classmethod
    def of(cls, durations_us: Iterable[int]) -> Histogram:
        return cls(Counter(bucket(duration) for duration in durations_us))

    @classmethod
    def decode(cls, data: bytes) -> Histogram:
        return cls(_decoder.decode(data) if data else None)

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(dict(self.counts)) if self.counts else b""

    def add(self, duration_us: int) -> None:
        self.counts[bucket(duration_us)] += 1

    def merge(self, other: Histogram) -> None:
        self._add(other.counts)

    def merge_encoded(self, data: bytes) -> None:
        """`merge` of what `encode` gave."""
        if data:
            self._add(_decoder.decode(data))

    def _add(self, more: Mapping[int, int]) -> None:
        counts, known = self.counts, self.counts.get
        for index, count in more.items():  # quicker than Counter.update, and pages merge thousands
            counts[index] = known(index, 0) + count

    @property
    def total(self) -> int:
        return self.counts.total()

    def quantile(self, q: float) -> float | None:
        """The duration (µs) that a part `q` of all does not exceed, within ACCURACY of the exact one; None when empty."""
        return self.quantiles(q)[0]

    def quantiles(self, *parts: float) -> list[float | None]:
        """`quantile` of several parts, given in ascending order, for the price of one."""
        last = self.total - 1
        if last < 0:
            return [None] * len(parts)
        found: list[float | None] = []
        indexes = iter(sorted(self.counts))
        index, seen = -1, 0
        for q in parts:
            while seen <= q * last:
                index = next(indexes)
                seen += self.counts[index]
            found.append(value(index))
        return found


def bucket(duration_us: int) -> int:
    """The bucket of a duration: 0 holds nothing but 0."""
    return 0 if duration_us < 1 else math.ceil(math.log(duration_us) / _LOG) + 1


def value(index: int) -> float:
    """The duration (µs) that stands for a bucket."""
    return 0.0 if index == 0 else 2 * _FACTOR ** (index - 1) / (_FACTOR + 1)
