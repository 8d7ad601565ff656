"""The figures of a report against known values, and its intervals against differences that are known."""

from __future__ import annotations

import itertools
import random

import pytest

from scripting.evidence.facets import Facets, facets_of, is_nested, where
from scripting.evidence.members import Members
from scripting.evidence.statistics import Weights, histograms, paired_difference, quantile, share, student_quantile
from tests.evidence.recorded import hits


@pytest.mark.parametrize(
    ("freedom", "table"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962)]
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, table: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(table, rel=0.01)


@pytest.mark.parametrize(("ones", "of", "low", "high"), [(1, 10, 0.0179, 0.4042), (9, 10, 0.5958, 0.9821)])
def test_a_share_has_wilsons_interval(ones: int, of: int, low: float, high: float) -> None:
    found = share([1.0] * ones + [0.0] * (of - ones))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("of", [3, 375, 1000])
def test_none_and_all_of_many_are_nought_and_one_to_the_last_digit(of: int) -> None:
    assert share([0.0] * of).low == 0
    assert share([1.0] * of).high == 1


@pytest.mark.parametrize("pairs", [8, 60])
def test_ninety_five_of_a_hundred_intervals_cover_the_true_difference(pairs: int) -> None:
    dice, covered = random.Random(pairs), 0
    for _ in range(1000):
        before = [dice.uniform(0, 100) for _ in range(pairs)]
        after = [value + dice.gauss(3, 10) for value in before]
        found = paired_difference(before, after)
        covered += found.low <= 3 <= found.high
    assert covered / 1000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("share", "events"), [(1 / 36, 1000), (1 / 6, 200), (1.0, 200)])
def test_they_do_where_a_change_touches_few_events_by_much(share: float, events: int) -> None:
    """As an anti-tank gun on armour is one of 36 pairs of kinds: nearly all differences are 0, the rest lies on one side."""
    dice, covered = random.Random(2), 0
    for _ in range(1000):
        after = [dice.uniform(5, 25) if dice.random() < share else 0.0 for _ in range(events)]
        found = paired_difference([0.0] * events, after)
        covered += found.low <= 15 * share <= found.high
    assert covered / 1000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
def test_the_planted_group_is_the_first_row_of_every_draw() -> None:
    """Only anti-tank against armour, in 40 seeded draws of 400 events, with dice that change some others too."""
    for seed in range(40):
        dice = random.Random(seed)
        gathered, changed, befores, differences = Facets(), [], [], []
        for payload in hits(400, seed):
            planted = (payload["attacker"]["kind"], payload["target"]["kind"]) == ("anti_tank", "armour")
            gathered.add(facets_of({"message": {"payload": payload}}))
            changed.append(planted or dice.random() < 0.02)
            befores.append(dice.uniform(5, 40))
            differences.append(dice.uniform(5, 15) if changed[-1] else 0.0)
        first = where(gathered.groups(), changed, befores, differences)[0]
        assert first.fields == {"attacker.kind": "anti_tank", "target.kind": "armour"}, seed


def test_a_quantile_lies_between_its_neighbours() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0, 0.5, 1)] == [1, 2.5, 4]
    assert quantile([7], 0.95) == 7


@pytest.mark.parametrize(("low", "high"), [(0, 5), (0, 1000), (-3, 300)])
def test_each_bin_of_whole_numbers_holds_equally_many_of_them(low: int, high: int) -> None:
    edges, before, after = histograms([float(low), float(high)], [float(low)])
    widths = {round(right - left, 9) for left, right in itertools.pairwise(edges)}
    assert len(widths) == 1
    assert widths.pop().is_integer()
    assert (sum(before), sum(after)) == (2, 1)
    assert edges[0] <= low
    assert edges[-1] >= high


def test_numbers_that_are_all_alike_have_a_histogram_too() -> None:
    edges, before, after = histograms([0.5, 0.5], [0.5])
    assert (sum(before), sum(after), len(edges) - 1) == (2, 1, len(before))


def test_a_group_that_is_the_change_correlates_fully_with_it() -> None:
    weights = Weights.of([1.0, 1.0, 0.0, 0.0])
    assert weights.correlation({0, 1}) == pytest.approx(1)
    assert weights.correlation({2, 3}) == pytest.approx(-1)
    assert weights.correlation({0, 2}) == pytest.approx(0)
    assert weights.correlation(set()) == 0
    assert Weights.of([1.0, 1.0]).correlation({0}) == 0


def test_a_field_that_another_determines_adds_nothing_to_it() -> None:
    kinds = {"scouts": {0, 1}, "artillery": {2}, "armour": {3}}
    assert is_nested(kinds, {"1": {0, 1, 2}, "10": {3}})
    assert is_nested({"1": {0, 1, 2}, "10": {3}}, kinds)
    assert not is_nested(kinds, {"plain": {0, 2}, "hill": {1, 3}})


def test_members_behave_as_a_set_of_places() -> None:
    dice = random.Random(1)
    column = bytearray(dice.randrange(4) for _ in range(300))
    plain = {code: {at for at, each in enumerate(column) if each == code} for code in range(5)}
    found = {code: Members.having(column, code) for code in range(5)}
    for code, members in found.items():
        assert list(members) == sorted(plain[code])
        assert (len(members), bool(members), 7 in members) == (len(plain[code]), bool(plain[code]), 7 in plain[code])
        assert list(members & found[1]) == sorted(plain[code] & plain[1])
        assert (members <= found[2], members == found[2]) == (plain[code] <= plain[2], plain[code] == plain[2])
