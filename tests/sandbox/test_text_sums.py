"""Sums of texts that are made in one step: whatever the parts are, they come out as step by step, in values, errors and order."""

from __future__ import annotations

import ast
import traceback
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripting.sandbox.library.builtins import make_builtins
from scripting.sandbox.policy.imports import ImportRules
from scripting.sandbox.policy.transformer import ScriptPolicy, bound_names
from scripting.sandbox.policy.tree import complete_places
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import outcome_of

PRELUDE = """
seen = []
def f(): pass
def text_in(value): return value if isinstance(value, str) else None
class Sly(str):
    def __contains__(self, part): seen.append(["contains", part]); return False
    def __str__(self): seen.append("str"); return Sly("sly")
    def __add__(self, other): seen.append(["add", text_in(other)]); return Sly("added")
    def __radd__(self, other): seen.append(["radd", text_in(other)]); return Sly("added")
    def __format__(self, spec): seen.append("format"); return "formatted"
class Own:
    def __init__(self, text): self.text = text
    def __str__(self): seen.append("own str"); return self.text
    def __repr__(self): seen.append("own repr"); return "Own"
    def __add__(self, other): seen.append(["own add", text_in(other)]); return other
    def __radd__(self, other): seen.append(["own radd", text_in(other)]); return self
class Raises:
    @property
    def text(self): seen.append("read"); raise ValueError("no text")
    def __getitem__(self, key): seen.append(["item", key]); raise KeyError(key)
    def __str__(self): raise ValueError("no str")
class Renames:
    def __str__(self): change(); return "renames"
a, b, number, nothing, raw = "a", "from 0x1 at 0x2", 7, None, b"raw"
sly, own, odd, shown, raises, renames = Sly("s"), Own("own"), Own(Sly("odd")), Own("at"), Raises(), Renames()
record = {"id": "u1", "points": 3, "f": f, "sly": sly}
def change():
    global a
    a = "changed"
"""
LEAVES = [
    "a", "b", "number", "nothing", "raw", "f", "sly", "own", "odd", "raises", "renames", 'record["id"]', 'record["points"]',
    'record["f"]', 'record["no"]', "own.text", "raises.text", "raises[a]", "absent", "local",
]  # fmt: skip
LEAF = st.sampled_from(LEAVES)
TEXTS = st.sampled_from(['": "', '" at "', '""', '" at 0x1"', '"x"'])
PART = st.one_of(
    LEAF,
    TEXTS,
    TEXTS,
    st.builds("str({})".format, LEAF),
    st.builds("f'{{{}}} {{{}!r:>4}}'".format, LEAF, LEAF),
    st.builds("f' at {{{}}}'".format, LEAF),
    st.builds("f'({{{}:.1f}})'".format, LEAF),
)


def run(total: str, *, plainly: bool = False) -> tuple[Any, ...]:
    """The value or error of a function that returns the sum, what happened on the way, the names it needed, and where in its line it failed."""
    text = f"{PRELUDE}def go(local):\n  while True:\n    return ({total})\n"
    tree = ast.parse(text)
    namespace: dict[str, Any] = {"__name__": "m"}
    if not plainly:
        policy = ScriptPolicy(ImportRules({}, {}, set()), bound_names(tree))
        policy.visit(tree)
        assert not policy.findings
        complete_places(tree)
        namespace["__builtins__"] = make_builtins({}, types.SimpleNamespace, print)
    exec(compile(tree, "script", "exec"), namespace)
    value: Any
    column = None
    try:
        value = namespace["go"]("local")
        value = [type(value).__name__, str.__str__(value) if isinstance(value, str) else type(value).__name__]
    except Exception as error:
        value = [type(error).__name__, str(error)]
        column = traceback.extract_tb(error.__traceback__)[1].colno
    return (
        value,
        [str(each) for each in namespace["seen"]],
        namespace["a"],
        namespace["go"].__code__.co_varnames,
        column,
    )


def at_once_and_step_by_step(parts: list[str]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The second is told over two lines, which is never made at once."""
    ours, theirs = run(" + ".join(parts)), run(parts[0] + " +\n" + " + ".join(parts[1:]))
    assert not any(name.startswith("$part") for name in theirs[3])
    return ours, theirs


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(PART, min_size=4, max_size=7))
def test_a_sum_of_any_parts_comes_out_as_step_by_step(parts: list[str]) -> None:
    ours, theirs = at_once_and_step_by_step(parts)
    assert ours[:3] == theirs[:3]
    assert ours[4] == run(" + ".join(parts), plainly=True)[4]


@pytest.mark.parametrize(
    ("total", "value"),
    [
        ('a + ": " + str(number) + f" of {number}"', "a: 7 of 7"),
        ('a + ": " + str(f) + f" of {f}"', "a: <function f> of <function f>"),
        ('b + ": " + str(number) + f"{number}{b}"', "from 0x1 at 0x2: 77from 0x1"),
        ('"<" + str(own) + " at 0x1" + str(own.text) + ">"', "<own at 0x1own>"),
        ('record["id"] + "/" + record["id"] + "/" + str(record["points"]) + "!"', "u1/u1/3!"),
        ('local + " " + local + f"{a}{b}"', "local locala" + "from 0x1"),
    ],
)
def test_a_sum_of_plain_parts_is_made_at_once(total: str, value: str) -> None:
    found, seen, _, names, _ = run(total)
    assert any(name.startswith("$part") for name in names)
    assert (found, [each for each in seen if each != "own str"]) == (["str", value], [])


@pytest.mark.parametrize(
    "total",
    [
        'sly + ": " + str(number) + f"{f}{a}"',
        'a + ": " + str(odd) + f"{f}{a}" + "!"',
        'a + sly + ": " + str(f) + "!"',
        'a + own + ": " + str(f) + "!"',
        'str(f) + own + ": " + str(f)',
        'f"{f}{a}" + own + ": " + str(f)',
        'a + number + ": " + str(raises)',
        'a + ": " + str(f) + raises.text',
        'a + str(renames) + ": " + a + a',
        'a + ": " + str(nothing) + raw',
        'a + ": " + str(f) + absent',
    ],
)
def test_a_part_that_is_no_plain_text_is_added_as_it_is_written(total: str) -> None:
    ours, theirs = at_once_and_step_by_step(total.split(" + "))
    assert any(name.startswith("$part") for name in ours[3])
    assert ours[:3] == theirs[:3]
    assert ours[4] == run(total, plainly=True)[4]


@pytest.mark.parametrize(
    "total",
    [
        'a + ": " + b + "!"',
        'a + ": " + str(number)',
        'a + ": " + str(number) + str(len(a)) + "!"',
        'a + ": " + str(number) + f"{a}"',
        'a + 1 + str(number) + "!"',
        "a + a + a + a + a + str(number)",
        '[a + ": " + str(i) + "!" for i in record]',
    ],
)
def test_a_sum_that_spares_nothing_or_is_not_simple_goes_step_by_step(total: str) -> None:
    assert not any(name.startswith("$part") for name in run(total)[3])


@pytest.mark.parametrize(
    ("text", "at_once"),
    [
        ("for a in raw:\n    total = {}", False),
        ("def go(a):\n    total = {}", False),
        ("def go(a):\n    for b in a:\n        total = {}", True),
        ("def go(a):\n    while a:\n        def inner():\n            return {}", False),
        ("def go(a):\n    while a:\n        class Inner:\n            total = {}", False),
        ("def go(a):\n    while a:\n        return lambda: {}", True),
    ],
)
def test_sums_are_made_at_once_in_loops_of_functions(text: str, at_once: bool) -> None:
    """Elsewhere the names that parts are kept in are dear, or the code is not worth what it takes to compile."""
    tree = ast.parse(text.format('a + ": " + str(a) + "!"'))
    ScriptPolicy(ImportRules({}, {}, set()), frozenset()).visit(tree)
    kept = [name for name in ast.walk(tree) if isinstance(name, ast.Name) and name.id.startswith("$part")]
    assert bool(kept) is at_once


ENDS_AT_ONCE = """
class Adds:
    def __radd__(self, other):
        return "added"
class Makes:
    @property
    def steps(self):
        def made():
            try:
                yield 1
            finally:
                log("ended")
        steps = made()
        next(steps)
        return steps
def go(makes, adds):
    for number in [1, 2]:
        total = makes.steps + adds + str(number) + "!"
        log(total)
go(Makes(), Adds())
"""


def test_a_part_that_is_no_text_ends_when_it_has_been_added(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, ENDS_AT_ONCE)
    assert outcome.logs == ("ended", "added1!", "ended", "added2!")
