"""A mergeable histogram of durations whose quantiles are within 1 % of the exact ones.

Buckets grow by a constant factor, as in DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019): with factor g = (1 + a) / (1 - a), the value reported for a bucket differs from any
value in it by at most a. Merging adds counts, so it loses nothing.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

ACCURACY = 0.01
_FACTOR = (1 + ACCURACY) / (1 - ACCURACY)
_LOG = math.log(_FACTOR)
FEW = 32
"""Buckets; fewer are kept as a map."""
_FULL = 1 << 32
"""The first count that a lane cannot hold."""
_PACKED = 0x01
"""The first byte of what is packed: a map begins with another."""
_HEAD = struct.Struct("<BHQ")
"""_PACKED, the first lane's bucket, the sum of all lanes."""
_decoder = msgspec.msgpack.Decoder(dict[int, int])
_encode = msgspec.msgpack.Encoder().encode


class Histogram:
    """Counts of durations (µs, whole numbers from 0) by bucket."""

    __slots__ = ("_held", "_lanes", "_sparse")

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._sparse: Counter[int] = Counter(counts or {})
        # What was merged from packed ones, packed as they are: pages merge thousands, and adding two numbers adds all
        # buckets at once. No bucket can outgrow its lane while the sum of all, `_held`, could not.
        self._lanes = self._held = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]  # it changes

    @classmethod
    def of(cls, durations_us: Iterable[int]) -> Histogram:
        return cls(Counter(map(bucket, durations_us)))

    @classmethod
    def decode(cls, data: bytes) -> Histogram:
        made = cls()
        made.merge_encoded(data)
        return made

    def encode(self) -> bytes:
        """Few buckets as a map, many as lanes: the first is small, the second is quick to merge."""
        counts = self.counts
        if not counts:
            return b""
        low, high = min(counts), max(counts)
        if len(counts) < FEW or high - low > 4 * len(counts) or self.total >= _FULL:
            return _encode(dict(counts))
        return _HEAD.pack(_PACKED, low, self.total) + _packed(counts, low, high)

    @property
    def counts(self) -> Counter[int]:
        """By bucket."""
        if self._lanes:
            self._unpack()
        return self._sparse

    def add(self, duration_us: int) -> None:
        self._sparse[bucket(duration_us)] += 1

    def merge(self, other: Histogram) -> None:
        if len(other._sparse) > FEW:
            other._pack()  # what is merged once will be merged again: into its script's, and into the whole
        self._add(other._sparse)
        self._take(other._lanes, other._held)

    def merge_encoded(self, data: bytes) -> None:
        """`merge` of what `encode` gave."""
        if not data:
            return
        if data[0] != _PACKED:
            self._add(_decoder.decode(data))
            return
        _, low, held = _HEAD.unpack_from(data)
        self._take(int.from_bytes(data[_HEAD.size :], "little") << (32 * low), held)

    def merge_all(self, encoded: Iterable[bytes]) -> None:
        """`merge_encoded` of each: of short runs many are alike, and each kind is decoded once."""
        for data, times in Counter(encoded).items():
            if data and data[0] != _PACKED:
                self._add({index: times * count for index, count in _decoder.decode(data).items()})
            else:
                for _ in range(times):
                    self.merge_encoded(data)

    def _take(self, lanes: int, held: int) -> None:
        if self._held + held >= _FULL:
            self._unpack()
        self._lanes += lanes
        self._held += held

    def _pack(self) -> None:
        """Make lanes of all counts, unless one could outgrow its lane."""
        counts, held = self._sparse, self.total
        if not counts or held >= _FULL:
            return
        low = min(counts)
        self._lanes += int.from_bytes(_packed(counts, low, max(counts)), "little") << (32 * low)
        self._held, self._sparse = held, Counter()

    def _unpack(self) -> None:
        packed = self._each_lane()
        self._lanes = self._held = 0
        self._add({index: count for index, count in enumerate(packed) if count})

    def _each_lane(self) -> array[int]:
        """Counts of the lanes, by bucket."""
        found = array("I", self._lanes.to_bytes(-(-self._lanes.bit_length() // 32) * 4, "little"))
        if sys.byteorder == "big":
            found.byteswap()
        return found

    def _add(self, more: Mapping[int, int]) -> None:
        counts, known = self._sparse, self._sparse.get
        if not counts:
            dict.update(counts, more)
            return
        for index, count in more.items():  # quicker than Counter.update
            counts[index] = known(index, 0) + count

    @property
    def total(self) -> int:
        return self._sparse.total() + self._held

    def upto(self, most_us: float) -> int:
        """How many are at the most that long, each taken for what stands for its bucket."""
        return sum(count for index, count in self.counts.items() if value(index) <= most_us)

    def quantiles(self, *parts: float) -> list[float | None]:
        """The duration (µs) that each part of all does not exceed, within ACCURACY of the exact one; None when empty.

        Several parts cost little more than one.
        """
        last = self.total - 1
        if last < 0:
            return [None] * len(parts)
        if self._lanes:
            self._pack()
        if not self._sparse:
            upto = list(itertools.accumulate(self._each_lane()))
            return [value(bisect.bisect_right(upto, q * last)) for q in parts]
        indexes = sorted(self.counts)
        upto = list(itertools.accumulate(self._sparse[index] for index in indexes))
        return [value(indexes[bisect.bisect_right(upto, q * last)]) for q in parts]


def _packed(counts: Mapping[int, int], low: int, high: int) -> bytes:
    """Lanes of four bytes for the buckets from `low` to `high`, lowest first."""
    lanes = array("I", bytes(4 * (high - low + 1)))
    for index, count in counts.items():
        lanes[index - low] = count
    if sys.byteorder == "big":
        lanes.byteswap()
    return lanes.tobytes()


def alone(duration_us: int) -> bytes:
    """`Histogram.of([duration_us]).encode()`, for commits that hold one execution."""
    return _alone(bucket(duration_us))


@functools.lru_cache(maxsize=1024)
def _alone(index: int) -> bytes:
    return _encode({index: 1})


@functools.lru_cache(maxsize=4096)
def bucket(duration_us: int) -> int:
    """The bucket of a duration: 0 holds nothing but 0. Remembered, since short runs take the same few hundred µs again and again."""
    return 0 if duration_us < 1 else math.ceil(math.log(duration_us) / _LOG) + 1


def value(index: int) -> float:
    """The duration (µs) that stands for a bucket."""
    return 0.0 if index == 0 else 2 * _FACTOR ** (index - 1) / (_FACTOR + 1)
