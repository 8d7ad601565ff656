"""A traced run tells line by line what the script did, decides the same as any other run, and cannot be disturbed by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from scripting.sandbox.protocol import (
    TRACE_BYTES,
    TRACE_STEPS,
    TRACE_VALUE,
    RemoteProtocolError,
    Step,
    Trace,
    TracedText,
)
from scripting.supervisor.pool import RunOutcome, SandboxPool
from scripting.supervisor.traces import checked_trace
from scripting.types import SecurityLimits
from tests.support.sandboxes import bundle_of, new_pool, outcome_of


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    made = new_pool(max_sandboxes=4)
    yield made
    made.close()


def traced(pool: SandboxPool, text: str, language: str = "python", **options: Any) -> RunOutcome:
    return outcome_of(pool, text, language=language, traces=True, **options)


def beside(outcome: RunOutcome, text: int = 0) -> dict[int, str]:
    """The kind and values beside each line at the end."""
    assert outcome.trace is not None
    return {step.line: _words(step) for step in outcome.trace.last if step.text == text}


def _words(step: Step) -> str:
    values = ", ".join(f"{name} = {value}" if name else value for name, value in step.values)
    return f"{step.kind} {values}".strip()


def test_each_line_shows_what_it_gave_decided_returned_or_caught(pool: SandboxPool) -> None:
    text = """\
CRITICAL = 0.2
units = [{"hp": 10}, {"hp": 3}]
def damage(base, factor=2):
    if base > 4:
        base = base * factor
    elif base < 0:
        base = 0
    return base
for unit in units:
    unit["hp"] = damage(
        unit["hp"],
    )
try:
    ratio = 1 / 0
except ZeroDivisionError as error:
    ratio = -1
a, b = 1, "two"
log = []
log.append(a)
while a < 3:
    a += 1
match b:
    case "two":
        b = 2
result = {"hp": [unit["hp"] for unit in units]}
"""
    outcome = traced(pool, text)
    assert outcome.error is None
    assert beside(outcome) == {
        1: "CRITICAL = 0.2",
        2: "units = [{'hp': 10}, {'hp': 3}]",
        3: "call base = 3, factor = 2",
        4: "false",
        5: "base = 20",
        6: "false",
        8: "return 3",
        9: "turn unit = {'hp': 3}",
        10: "unit['hp'] = 3",
        15: "caught ZeroDivisionError: division by zero",
        16: "ratio = -1",
        17: "a = 1, b = 'two'",
        18: "log = []",
        19: "log = [1]",
        20: "false",
        21: "a = 3",
        23: "true",
        24: "b = 2",
        25: "result = {'hp': [20, 3]}",
    }
    assert outcome.trace is not None
    lines = outcome.trace.texts[0]
    assert lines.idle == (7,)  # of statements over several lines, all of them
    assert {line: count for line, count in lines.counts if count > 1} == {3: 2, 4: 2, 8: 2, 9: 2, 10: 2, 20: 3, 21: 2}
    assert lines.blocks == ((3, 8), (9, 12), (20, 21))
    assert [_words(step) for step in outcome.trace.first if step.line == 9] == [
        "turn unit = {'hp': 10}",
        "turn unit = {'hp': 3}",
    ]


def test_tengo_and_zygomys_are_shown_in_their_own_names(pool: SandboxPool) -> None:
    tengo = """\
critical := 0.1
f := func(a) {
  total := a
  for i := 0; i < 3; i++ {
    total += i
    if total > 4 {
      total = 0
    }
  }
  g := func() { total += 1; return total }
  return g()
}
unit := {hp: 3}
unit.hp = f(1)
result = {damage: unit.hp}
"""
    outcome = traced(pool, tengo, "tengo")
    assert outcome.error is None
    shown = beside(outcome)
    assert shown[1] == "critical = 0.1"
    assert shown[2] == "call a = 1"
    assert shown[5] == "total = 4"
    assert shown[6] == "false"
    assert shown[11] == "return 5"
    assert shown[14] == "unit['hp'] = 5"
    assert shown[15] == "result = {'damage': 5}"
    assert outcome.trace is not None
    assert outcome.trace.texts[0].idle == (7,)
    zygomys = "(def critical 0.1)\n(defn f [a]\n  (def total (+ a 1))\n  total)\n(def result (f 1))\n"
    outcome = traced(pool, zygomys, "zygomys")
    assert outcome.error is None
    assert beside(outcome) == {
        1: "critical = 0.1",
        2: "call a = 1",
        3: "total = 2",
        4: "return 2",
        5: "result = 2",
    }


def test_a_helpers_lines_are_those_of_its_own_text(pool: SandboxPool) -> None:
    helper = "def double(n):\n    twice = n * 2\n    return twice\n\ndef never(n):\n    return n\n"
    outcome = traced(
        pool, "from shared import maths\nresult = maths.double(4)\n", helpers={"maths": helper, "unused": "x = 1\n"}
    )
    assert outcome.error is None
    assert outcome.trace is not None
    names = [text.name for text in outcome.trace.texts]
    number = names.index("shared/maths")
    assert beside(outcome, number) == {1: "call n = 4", 2: "twice = 8", 3: "return 8"}
    assert outcome.trace.texts[number].idle == (6,)


@pytest.mark.parametrize(
    "text",
    [
        # How deep a script comes before Python stops it is the same to the call.
        "def f(n):\n    try:\n        return f(n + 1)\n    except RecursionError:\n        return n\nresult = f(0)\n",
        # The order in which generators end, and what they see.
        "seen = []\ndef g():\n    try:\n        yield 1\n    finally:\n        seen.append('end')\nfor x in g():\n    break\nresult = seen\n",
        "def f():\n    return sum(n for n in range(5) if [m for m in range(n)])\nresult = [f(), (lambda q: q + 1)(2), {k: v for k, v in [(1, 2)]} == {1: 2}]\n",
        "import json\nresult = json.loads(json.dumps({'a': [1, 2, {'b': None}]}))\n",
        "result = rand() + sum(rand() for _ in range(10))\n",
        "class A:\n    def __init__(self):\n        self.n = 0\n    def __repr__(self):\n        self.n += 1\n        return 'A'\n    def __eq__(self, other):\n        self.n += 100\n        return True\n    def __hash__(self):\n        self.n += 1000\n        return 1\na = A()\nb = [a]\nc = {'a': a}\nresult = a.n\n",
        "x = 'y'\nwhile len(x) < 100_000_000:\n    x = x + x\nresult = 1\n",
        "import missing\nresult = 1\n",
        "def f():\n    raise ValueError('no')\nf()\n",
    ],
)  # fmt: skip
def test_a_script_comes_to_the_same_end_whether_it_is_watched_or_not(pool: SandboxPool, text: str) -> None:
    plain, watched = (outcome_of(pool, text, trial=True, traces=traces) for traces in (False, True))
    assert (plain.result, plain.error, plain.logs) == (watched.result, watched.error, watched.logs)


def test_values_are_those_of_their_moment_and_are_cut_before_they_are_written(pool: SandboxPool) -> None:
    text = """\
items = [1]
later = items
items.append("x" * 1_000_000)
number = 7 ** 50_000
nested = [[[[[[1]]]]]]
itself = []
itself.append(itself)
wide = {n: n for n in range(100_000)}
class Own(dict):
    pass
own = Own(a=1)
point = (1,)
nothing = set()
data = b"\\x00\\xff" * 500
text = "\\u202e\\ud800 and so on"
from decimal import Decimal
from fractions import Fraction
small, half = Decimal("1.50"), Fraction(1, 2)
large, odd = Decimal("1" * 100_000), Fraction(7 ** 50_000, 3)
class Sly:
    __slots__ = ("a",)
    def __str__(self):
        raise ValueError("seen")
    __repr__ = __str__
    def __len__(self):
        raise ValueError("seen")
sly = Sly()
result = 1
"""
    outcome = traced(pool, text)
    assert outcome.error is None, outcome.error
    shown = beside(outcome)
    assert shown[1] == "items = [1]"
    assert shown[3].startswith("items = [1, 'xxx")
    assert shown[4] == "number = a whole number of 140368 bits"
    assert shown[5] == "nested = [[[[…]]]]" or shown[5] == "nested = [[[[…]]]"
    assert shown[6] == "itself = []"
    assert shown[11] == "own = {'a': 1}"
    assert shown[12] == "point = (1,)"
    assert shown[13] == "nothing = set()"
    assert shown[15] == "text = '\\u202e\\ud800 and so on'"
    assert shown[18] == "small = 1.50, half = 1/2"
    assert shown[19] == "large = a decimal number of many digits, odd = <Fraction>"
    assert shown[27] == "sly = <Sly>"
    assert outcome.trace is not None
    assert outcome.trace.stopped == ""
    assert all(len(value) <= TRACE_VALUE for step in outcome.trace.last for _, value in step.values)


@pytest.mark.slow
def test_a_long_run_is_told_from_both_ends_and_every_line_with_its_last_value(pool: SandboxPool) -> None:
    text = "total = 0\nfor n in range(5000):\n    total += n\n    if n == 2500:\n        middle = 'here ' * 30\nresult = total\n"
    outcome = traced(pool, text)
    trace = outcome.trace
    assert trace is not None
    assert len(trace.first) + len(trace.latest) <= TRACE_STEPS
    assert trace.dropped + len(trace.first) + len(trace.latest) == 15_003
    assert [_words(step) for step in trace.first[:3]] == ["total = 0", "turn n = 0", "total = 0"]
    assert _words(trace.latest[-1]) == "result = 12497500"
    assert beside(outcome)[5].startswith("middle = 'here here")
    assert dict(trace.texts[0].counts)[3] == 5000
    endless = traced(pool, "n = 0\nwhile True:\n    n += 1\n", limits=SecurityLimits(max_execution_time=1.0))
    assert endless.error is not None
    assert endless.error.type == "timeout"
    assert endless.error.line in {2, 3}
    assert endless.trace is not None
    assert endless.trace.stopped in {"steps", "time"}  # a busy machine does not come so far
    wide = traced(pool, "\n".join(f"v{n} = '\\u4e2d' * 200" for n in range(3000)) + "\nresult = 1\n")
    assert wide.error is None
    assert wide.trace is not None
    size = sum(len(v.encode()) for s in (*wide.trace.first, *wide.trace.latest, *wide.trace.last) for _, v in s.values)
    assert size < TRACE_BYTES


def test_a_trace_that_no_run_can_have_is_refused(pool: SandboxPool) -> None:
    bundle = bundle_of("a = 1\nresult = a\n")
    good = Trace((TracedText("test/script", ((1, 1), (2, 1)), (), ()),), (), 0, (), (Step(0, 1, 1, "", (("a", "1"),)),))
    assert checked_trace(good, bundle) is good
    text, step = good.texts[0], good.last[0]
    change = msgspec.structs.replace
    for bad in (
        change(good, texts=(change(text, name="other/script"),)),
        change(good, texts=(text, text)),
        change(good, texts=(change(text, counts=((9, 1),)),)),
        change(good, texts=(change(text, counts=((2, 1), (1, 1))),)),
        change(good, texts=(change(text, counts=((1, -1),)),)),
        change(good, texts=(change(text, blocks=((2, 9),)),)),
        change(good, texts=(change(text, idle=(0,)),)),
        change(good, last=(change(step, text=1),)),
        change(good, last=(change(step, line=4),)),
        change(good, last=(change(step, kind="evil"),)),
        change(good, last=(change(step, values=(("a", "x" * 101),)),)),
        change(good, last=(change(step, values=(("a", "1"),) * 9),)),
        change(good, first=(step,) * 1001),
        change(good, dropped=-1),
        change(good, stopped="<b>"),
        change(good, last=(change(step, values=(("a", "x" * 100),)),) * 3000),
    ):
        with pytest.raises(RemoteProtocolError):
            checked_trace(bad, bundle)
