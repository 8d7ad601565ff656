"""The policy refuses syntax that RestrictedPython lets pass, and what is left out for most texts changes none."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripting.sandbox.languages.python import engine
from scripting.sandbox.languages.python.engine import PythonEngine
from scripting.sandbox.library.builtins import make_builtins
from scripting.sandbox.policy import transformer
from scripting.sandbox.policy.imports import ImportRules
from scripting.sandbox.policy.refusal import Refusal
from scripting.sandbox.policy.transformer import ScriptPolicy, bound_names
from scripting.sandbox.policy.tree import complete_places
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import outcome_of

BUILTINS = make_builtins({}, types.SimpleNamespace, print)


@pytest.mark.parametrize("name", transformer._SYNTAX)
def test_syntax_that_is_refused_by_name_is_refused_on_a_python_that_does_not_have_it_yet(name: str) -> None:
    node = type(name, (ast.AST,), {"_fields": ()})()
    policy = ScriptPolicy(ImportRules({}, {}), frozenset())
    policy.visit(node)
    assert [finding.message for finding in policy.findings] == [transformer._SYNTAX[name][0]]


_PARTS = [*"(){}[]\"'x #\n\\", "((", "))", '"""', "'''", 'f"', "f'", '("x")', '("', '")', '"a"', "'b'", '" "']


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(_PARTS), min_size=4, max_size=40).map("".join), st.integers(3, 6))
@example('("""a")"""+' * 4 + "(", 4)
@example(r"('\')'+" * 4 + "(", 4)
@example(r'("\")"+' * 4 + "(", 4)
def test_a_text_that_is_passed_before_its_tokens_are_read_nests_no_deeper(text: str, most: int) -> None:
    if engine._is_surely_flat(text, most):
        PythonEngine()._check_brackets(text, most)


def test_brackets_with_short_texts_in_them_need_no_reading_of_tokens() -> None:
    text = "\n".join(f'points = units["{number}"]["attack"] * round(rules[\'x\'], 1)' for number in range(100))
    assert engine._is_surely_flat(text, 60)
    assert not engine._is_surely_flat("(" * 61, 60)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="this Python has no template strings")
def test_a_template_string_is_refused_with_what_to_write_instead(pool: SandboxPool) -> None:
    outcome = outcome_of(pool, 'x = 1\nresult = t"a{x}"\n')
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.hint) == ("template strings are not allowed", "use an f-string")
    assert (outcome.error.line, outcome.error.column) == (2, 10)


def test_a_text_that_the_policy_changed_has_all_its_places_unless_the_policy_says_that_it_lacks_some() -> None:
    folder = Path(__file__).parents[1] / "conformance" / "python"
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py"))]
    texts.append('x.y = "%s" % x\nclass A:\n    def f(self):\n        return f"{self}".format(1)\n')
    whole = 0
    for text in texts:
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        policy = ScriptPolicy(ImportRules({}, {}), bound_names(tree))
        policy.visit(tree)
        lacking = [n for n in ast.walk(tree) if n._attributes and getattr(n, "end_col_offset", None) is None]
        assert policy.lacks_places or not lacking, text
        whole += not policy.lacks_places
    assert whole > len(texts) / 2


@pytest.mark.parametrize(
    "text",
    [
        'result = f"{n} of {name}" + str(n) + str(name)',
        'def f(n, name):\n    return f"{n} of {name}" + str(n) + str(name)\nresult = f(n, name)',
        "def f(a, b):\n    return a % b\nresult = f(n, 2)",
        "class Unit:\n    def __init__(self):\n        self.health = 1\nunit = Unit()\nunit.health += 4\nresult = unit.health",
        "class Unit:\n    def __init__(self):\n        self.health = 1\nunits = [Unit()]\nunits[0].health = 4\nresult = units[0].health",
        "class Unit:\n    def __init__(self):\n        self.health = 1\nclass Tank(Unit):\n    def __init__(self):\n        super().__init__()\nresult = Tank().health",
    ],
)
def test_a_guard_is_not_called_for_what_is_plainly_harmless(text: str) -> None:
    tree = ast.parse(text)
    ScriptPolicy(ImportRules({}, {}, set()), bound_names(tree)).visit(tree)
    complete_places(tree)

    def asked(*_: object) -> None:
        raise AssertionError("a guard was called")

    harmless = {name: BUILTINS["$" + name] for name in ("class", "int", "made", "str", "type")}
    offered = {
        **BUILTINS,
        **{name: asked for name in BUILTINS if name.startswith("$")},
        **{f"${name}": value for name, value in harmless.items()},
    }
    found = [{"n": 7, "name": "at"}, {"n": 7, "name": "at", "__builtins__": offered}]
    exec(text, found[0])
    exec(compile(tree, "script", "exec"), found[1])
    assert found[0]["result"] == found[1]["result"]


@pytest.mark.parametrize(
    "text",
    [
        "x = ((((1))))",
        "x = [[[\n[1]]]]",
        "x = ')' + f(f(f(f(1))))",
        "x = '(((('",
        "# ((((\nx = 1",
        "x = f'{f(g(h(1)))}'",
        "x = ('\\(', (((1))))",
        "x = f(1)'((((' + f(f(f(f(1))))",
        "x = 1)\ny = ((((1))))",
        "# (\n)\nx = ((((1))))",
        "if a:\n if b:\n  if c:\n   if d:\n    x = 1",
        "if a:\n\tif b:\n\t\tif c:\n\t\t\tif d:\n\t\t\t\tx = 1",
        "if a:\n        x = 1",
    ],
)
def test_a_look_at_the_whole_text_passes_no_nesting_that_reading_it_token_by_token_refuses(text: str) -> None:
    def problem(most: int, *checks: Callable[[str, int], None]) -> str:
        try:
            for check in checks:
                check(text, most)
        except Refusal as refusal:
            return f"{refusal.message} {refusal.line} {refusal.column}"
        return ""

    engine = PythonEngine()
    for most in range(1, 7):
        assert problem(most, engine.check_bounds) == problem(most, engine._check_brackets, engine._check_blocks)
