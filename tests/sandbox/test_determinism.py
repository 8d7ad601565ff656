"""Rule 7: the same bundle, inputs, seed, clock and answers give the same bytes, in whatever process they run."""

from __future__ import annotations

from scripting.supervisor.pool import PoolConfig, SandboxPool
from tests.support.sandboxes import outcome_of, value_of

TEXT = """
import datetime, random, statistics
class Unit:
    pass
words = {"tank", "jeep", "gun", "medic", "plane", "ship", None, 3.5, (1, "a")}
units = {Unit() for _ in range(5)}
numbered = [Unit() for _ in range(20)]
order = {unit: n for n, unit in enumerate(numbered)}
shuffled = list(range(20))
random.shuffle(shuffled)
result = [
    [str(word) for word in words], shuffled, random.random(), rand(), random.choice("abc"),
    statistics.NormalDist(0, 1).samples(2), [order[unit] for unit in set(numbered)],
    datetime.datetime.now().isoformat(), timestamp(), str(now()), str(units), random.Random(3).random(), random.Random().random(),
    random.sample(range(100), 3), list(frozenset("abcdef")), {}, str(lambda: 1), f"{Unit}{Unit()}",
]
log(words)
"""


def test_the_same_run_gives_the_same_bytes_in_any_process() -> None:
    outcomes = []
    for _ in range(2):
        pool = SandboxPool(PoolConfig())
        try:
            outcomes += [outcome_of(pool, TEXT) for _ in range(3)]
            outcomes += [outcome_of(pool, TEXT, trial=True)]
        finally:
            pool.close()
    value_of(outcomes[0])
    assert len({outcome.result for outcome in outcomes}) == 1
    assert len({outcome.logs for outcome in outcomes}) == 1


def test_another_seed_gives_other_numbers(pool: SandboxPool) -> None:
    one, other = (outcome_of(pool, "result = rand()", seed=seed) for seed in (1, 2))
    assert value_of(one) != value_of(other)
    assert 0 <= value_of(one) < 1


def test_rand_and_random_are_one_generator(pool: SandboxPool) -> None:
    drawn = value_of(outcome_of(pool, "import random\nresult = [rand(), random.random()]"))
    assert drawn == value_of(outcome_of(pool, "import random\nresult = [random.random(), rand()]"))
