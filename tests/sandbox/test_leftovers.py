"""Requirement 8.1: what a run does to anything shared, or leaves behind, is not there for the next run of the same sandbox."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from scripting.supervisor.pool import SandboxPool
from scripting.types import ErrorType, SecurityLimits
from tests.support.sandboxes import outcome_of, value_of

TAMPERING: dict[str, tuple[str, str]] = {
    "a package made anew": (
        'import math\nif first:\n    math.__init__("math", {"sqrt": lambda x: -1})',
        "math.sqrt(4)",
    ),
    "a shared property made anew": (
        "import statistics\nif first:\n    mean = statistics.NormalDist.mean\n    mean.__init__(lambda self: -1)",
        "statistics.NormalDist(3).mean",
    ),
    "an attribute set by the __init__ of a library class": (
        "import json\nfrom collections import ChainMap\nif first:\n    ChainMap.__init__(json.dumps, {})",
        'getattr(json.dumps, "maps", None)',
    ),
    "an attribute written by a comprehension in a lambda whose argument bears the method's": (
        """import json
class Writer:
    def write(self):
        self.own = 1
        (lambda self: [0 for self.left in [1]])(json.dumps)
if first:
    Writer().write()""",
        'getattr(json.dumps, "left", None)',
    ),
    "a library function renamed": (
        "import json, functools\ndef other(): pass\nif first:\n    functools.wraps(other)(json.dumps)",
        "json.dumps.__name__",
    ),
    "a pattern kept under a key that claims to be another": (
        """import re
class Flags(int):
    def __hash__(self): return 0
    def __eq__(self, other): return True
if first:
    re.compile("left", Flags(2))""",
        'bool(re.match("left", "LEFT"))',
    ),
    "a replacement kept under a key that claims to be another": (
        r"""import re
class Text(str):
    def __hash__(self): return hashes[1]
    def __eq__(self, other): return True
pattern = re.compile("a")
if first:
    pattern.sub(Text(r"\n"), "a")""",
        r'pattern.sub(r"\t", "a")',
    ),
    "a date format kept under a key that claims to be another": (
        """from datetime import datetime
class Text(str):
    def __hash__(self): return hashes[0]
    def __eq__(self, other): return True
if first:
    datetime.strptime("2020-02-03", Text("%Y-%d-%m"))""",
        'str(datetime.strptime("2020-02-03", "%Y-%m-%d"))',
    ),
    "a generator of chance that has moved on": ("from random import random as chance", "chance()"),
    "a distribution's chance that has moved on": (
        "from statistics import NormalDist as Spread",
        "Spread().samples(2)",
    ),
}


@pytest.fixture(scope="module")
def hashes() -> list[int]:
    """The hashes of the texts in every sandbox, as anyone can find out."""
    program = r'print([hash("%Y-%m-%d"), hash(r"\t")])'
    told = subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True)
    found: list[int] = json.loads(told.stdout)
    return found


@pytest.mark.parametrize("name", TAMPERING)
def test_a_run_finds_nothing_changed_by_the_one_before(pool: SandboxPool, name: str, hashes: list[int]) -> None:
    before, looks = TAMPERING[name]
    text = f"{before}\nresult = {looks}"
    untouched = value_of(outcome_of(pool, text, {"first": False}, trial=True))
    outcome_of(pool, text, {"first": True, "hashes": hashes})
    assert value_of(outcome_of(pool, text, {"first": False})) == untouched


def test_memory_that_earlier_runs_left_is_not_held_against_a_run(pool: SandboxPool) -> None:
    text = "ring = [bytearray(20_000_000)]\nring.append(ring)\nresult = len(ring)"
    assert [value_of(outcome_of(pool, text)) for _ in range(5)] == [2] * 5


def test_a_run_that_takes_too_much_memory_by_itself_is_told_so_each_time(pool: SandboxPool) -> None:
    text = "result = len(bytearray(size))"
    limits = SecurityLimits(max_memory_bytes=16 << 20)
    assert value_of(outcome_of(pool, text, {"size": 10}, limits=limits)) == 10
    for _ in range(2):
        outcome = outcome_of(pool, text, {"size": 40_000_000}, limits=limits)
        assert outcome.error is not None
        assert outcome.error.type is ErrorType.MEMORY_LIMIT


def test_a_log_is_made_of_text_whatever_a_script_calls_text(pool: SandboxPool) -> None:
    text = """
class Odd(str):
    def __str__(self): return self
    def join(self, parts): return 5
    def __radd__(self, other): return 5
print("a", "b", sep=Odd("-"), end=Odd("!"))
log(Odd("c"))
result = 1
"""
    outcome = outcome_of(pool, text)
    assert value_of(outcome) == 1
    assert outcome.logs == ("a-b!", "c")
