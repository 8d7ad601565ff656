"""The histogram of durations: quantiles within the promised error, and merging that loses nothing."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripting.metrics.histogram import ACCURACY, Histogram

alike = st.lists(st.integers(min_value=300, max_value=900), min_size=50, max_size=300)
"""Of so many in so narrow a range, all are packed."""
durations = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=300)


@pytest.mark.slow
@given(durations, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_the_accuracy_of_the_exact_one(values: list[int], q: float) -> None:
    exact = sorted(values)[int(q * (len(values) - 1))]
    found = Histogram.of(values).quantiles(q)[0]
    assert found is not None
    assert abs(found - exact) <= ACCURACY * exact + 1e-6


@given(durations, durations)
def test_merging_two_histograms_is_the_histogram_of_both(left: list[int], right: list[int]) -> None:
    merged = Histogram.of(left)
    merged.merge(Histogram.decode(Histogram.of(right).encode()))
    assert merged.counts == Histogram.of(left + right).counts


@given(st.lists(st.sampled_from([[], [5], [5, 700], list(range(300, 900, 5)), list(range(310, 900, 5))]), max_size=9))
def test_merging_many_that_are_alike_counts_each_of_them(parts: list[list[int]]) -> None:
    merged = Histogram()
    merged.merge_all(Histogram.of(part).encode() for part in parts)
    assert merged == Histogram.of(duration for part in parts for duration in part)


@pytest.mark.slow
@given(st.lists(durations | alike, min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_the_same_however_the_counts_came_together(parts: list[list[int]], q: float) -> None:
    read, whole = Histogram(), Histogram()
    for part in parts:
        read.merge_encoded(Histogram.of(part).encode())
        whole.merge(Histogram.of(part))
    together = Histogram.of(duration for part in parts for duration in part)
    assert read.quantiles(q) == whole.quantiles(q) == together.quantiles(q)
    assert read == whole == together


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram.decode(b"").quantiles(0.5) == [None]


def test_several_quantiles_at_once_are_those_asked_for_one_by_one() -> None:
    dice = random.Random(3)
    some = [dice.randrange(1, 10**6) for _ in range(500)]
    histogram = Histogram.of(some)
    parts = (0.0, 0.5, 0.5, 0.95, 0.99, 1.0)
    assert histogram.quantiles(*parts) == [histogram.quantiles(q)[0] for q in parts]
    assert Histogram().quantiles(0.5, 0.9) == [None, None]
    for q in parts:
        exact = sorted(some)[int(q * 499)]
        assert abs((histogram.quantiles(q)[0] or 0) - exact) <= 0.02 * exact


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.integers(0, 900), st.integers(1, 2**32 + 5), min_size=1), min_size=1, max_size=6))
def test_packed_or_not_and_however_large_no_count_is_lost(parts: list[dict[int, int]]) -> None:
    filled = [part | dict.fromkeys(range(300, 340), 1) for part in parts]
    merged = Histogram()
    for part in filled:
        merged.merge_encoded(Histogram(part).encode())
    whole = Histogram()
    whole.merge(merged)
    assert merged.total == sum(sum(part.values()) for part in filled)
    assert whole.counts == merged.counts == sum((Counter(part) for part in filled), Counter())


def test_many_buckets_are_packed_few_are_a_map_and_maps_of_earlier_releases_are_read() -> None:
    dice = random.Random(3)
    many = Histogram.of(int(dice.lognormvariate(6, 1)) for _ in range(2000))
    few = Histogram.of([10, 20, 10**6])
    assert len(few.encode()) < 20
    assert Histogram.decode(msgspec.msgpack.encode(dict(many.counts))) == many == Histogram.decode(many.encode())
    assert many.encode() != msgspec.msgpack.encode(dict(many.counts))
