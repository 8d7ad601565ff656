"""Differences that are looked at after every pair: how often they err, and that they find what there is."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from scripting.evidence import anytime
from scripting.evidence.play_process import Played
from scripting.evidence.play_tally import PlayTally

REPETITIONS = 500
PAIRS = 100


def play(dice: random.Random, strength: float = 0.5) -> Played:
    """A made-up play with measures of several kinds: a win, counts, heavy tails, and something rare."""
    won = dice.random() < strength
    losses = sum(dice.random() < 0.3 for _ in range(10))
    measures = {
        "win": float(won),
        "losses": losses,
        "score": (strength * 200 + dice.expovariate(0.02)) * (1.5 if won else 1),
        "upsets": float(dice.random() < 0.02),
    }
    return Played(measures, "ada" if won else "bo", "", {})


def pairs_until_clear(repetition: int, strength: float, pairs: int = PAIRS) -> int:
    """0 where nothing is claimed, looking after every fifth pair."""
    dice, tally = random.Random(repetition), PlayTally()
    for seed in range(pairs):
        tally.add(seed, play(dice), play(dice, strength))
        if seed % 5 == 4 and tally.clear():
            return seed + 1
    return 0


@pytest.mark.slow
def test_without_a_difference_at_most_five_of_a_hundred_comparisons_claim_one_although_they_may_stop_early() -> None:
    claims = sum(pairs_until_clear(repetition, 0.5) > 0 for repetition in range(REPETITIONS))
    assert claims / REPETITIONS <= anytime.ERROR


def test_a_stronger_side_is_found_and_the_sooner_the_stronger_it_is() -> None:
    weak = [pairs_until_clear(repetition, 0.75, 200) for repetition in range(20)]
    strong = [pairs_until_clear(repetition, 0.95, 200) for repetition in range(20)]
    assert min(weak) > 0
    assert sum(strong) < sum(weak)


@pytest.mark.parametrize(
    "draw",
    [
        lambda dice: dice.gauss(1, 2),
        lambda dice: float(dice.choice((-1, 0, 0, 1, 1, 1, 1, 1))) * 2,
        lambda dice: dice.expovariate(1),
    ],
    ids=["normal", "whole", "skewed"],
)
def test_the_interval_covers_the_difference_at_every_look(draw: Callable[[random.Random], float]) -> None:
    """The mean of each is 1."""
    missed = 0
    for repetition in range(100):
        dice = random.Random(repetition)
        seen = [draw(dice) for _ in range(80)]
        looks = [anytime.difference(seen[:count], 1) for count in range(20, 81, 10)]
        missed += any(not look.low <= 1 <= look.high for look in looks)
    assert missed / 100 <= 0.05


def test_the_interval_and_the_claim_agree() -> None:
    dice = random.Random(3)
    for mean in (0.0, 0.2, 0.4, 0.6):
        seen = [dice.gauss(mean, 1) for _ in range(60)]
        for measures in (1, 8):
            assert anytime.difference(seen, measures).is_clear == anytime.is_clear(seen, measures)


def test_before_the_first_looks_nothing_is_claimed() -> None:
    assert not anytime.is_clear([5.0] * (anytime.FIRST - 1), 1)
    assert anytime.is_clear([5.0] * anytime.FIRST, 1)
    assert anytime.difference([5.0], 1) == anytime.Difference(5.0, float("-inf"), float("inf"))
    assert anytime.difference([0.0], 1) == anytime.Difference(0.0, float("-inf"), float("inf"))
    assert anytime.difference([0.0] * 30, 1) == anytime.Difference(0.0, 0.0, 0.0)


def test_the_interval_of_a_clear_measure_leaves_out_0() -> None:
    dice = random.Random(7)
    for _ in range(400):
        found = [dice.gauss(-2.4, 2.5) for _ in range(dice.randrange(20, 40))]
        interval = anytime.difference(found, 13)
        assert anytime.is_clear(found, 13) == interval.is_clear, (found, interval)
