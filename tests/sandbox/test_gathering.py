"""The code of functions is gathered: it lies side by side, and they do what they did."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from scripting.sandbox import gathering

SPANS = """
from scripting.sandbox import gathering

made, between = [], []
for number in range(20):
    namespace = {}
    lines = "".join(f"    value += {each}\\n" for each in range(number % 9))
    exec(f"def add(value):\\n{lines}    return value + {number}\\n", namespace)
    made.append(namespace["add"])
    between.append([bytes(300 + 40 * each) for each in range(30)])

def span():
    places = [id(function.__code__) for function in made]
    return max(places) - min(places)

before = span(), [function(1) for function in made]
gathering.gather(made)
print(before[0] > 100_000, span() < 16_000, [function(1) for function in made] == before[1])
"""


@pytest.mark.skipif("PYTHONMALLOC" in os.environ, reason="another allocator than CPython's own")
def test_gathered_code_lies_on_few_pages_and_gives_the_same_results() -> None:
    """In an interpreter of its own: what tests before have left is memory of any shape."""
    done = subprocess.run([sys.executable, "-c", SPANS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]


def test_functions_are_told_in_the_order_of_their_first_calls() -> None:
    def first() -> None: ...
    def second() -> None: ...
    def third() -> None: ...

    def call() -> None:
        second()
        first()
        second()

    told = gathering.called(call)
    assert [function for function in told if function in {first, second, third}] == [second, first]


GATHER = """
import gc
from scripting.sandbox import gathering

def double(number): return 2 * number

for _ in range(3):
    gathering.gather([double])
gc.collect()
print(double(21), *(len(bytes(size)) for size in (30, 300)))
"""


@pytest.mark.parametrize("allocator", ["pymalloc", "malloc", "debug", "malloc_debug"])
def test_gathering_harms_nothing_whatever_allocator_there_is(allocator: str) -> None:
    environment = os.environ | {"PYTHONMALLOC": allocator}
    done = subprocess.run([sys.executable, "-c", GATHER], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.returncode) == (["42", "30", "300"], 0), done.stderr


def test_what_is_made_after_that_is_given_back_where_it_came_from() -> None:
    def double(number: int) -> int:
        return 2 * number

    for _ in range(50):
        gathering.gather([double])
    gc.collect()
    assert [len(each) for each in [bytes(size) for size in range(600)]] == list(range(600))
    assert double(21) == 42
