"""Expressions at random in every place of a text: its guards show no memory address, and change nothing else of what CPython gives."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scripting.sandbox.library.builtins import make_builtins
from scripting.sandbox.policy.imports import ImportRules
from scripting.sandbox.policy.transformer import ScriptPolicy, bound_names
from scripting.sandbox.policy.tree import complete_places

PRELUDE = """
def f(): pass
class Sly(str):
    def __contains__(self, part): return False
    def __str__(self): return Sly("sly")
class Shy:
    def __init__(self): self.text = "shy"
    def __str__(self): return Sly("shown")
    def __format__(self, spec): return Sly("formatted")
    def __repr__(self): return "Shy"
    def __mod__(self, other): return other
    def __rmod__(self, other): return str(f)
def kept(target, value):
    target.text = value
    [target][0].text = f"{value}{target.text}"
    return target.text
a, form, raw, shy, out = "a", "%s", b"%r", Shy(), []
"""
LEAVES = ["f", "1", "-3", "2.5", "a", "form", "raw", "shy", "Sly(a)", "None", "[f]", "len"]
FORMS = [
    "str({0})", 'f"{{{0}}}{{{1}}}"', "f'{{{0}}}, {{{1}!r:>4}}'", 'f"{{{0}}}"', "({0} % {1})", "(form % ({0},))",
    "[{0} for i in [{1}]]", "list({0} for i in [{1}])", "(lambda x={0}: [x, {1}])()", "{{str({0}): {1}}}", "kept(shy, {0})",
    "({0} if {1} else f)", "'{{}}, {{}}'.format({0}, {1})",
]  # fmt: skip
PLACES = [
    "out.append({0})",
    "def go(x={0}):\n    return [x, {0}, [{0} for i in [1]]]\nout.append(go())",
    "class Made:\n    x = {0}\n    def go(self, x={0}): return [self.x, x, {0}]\nout.append(Made().go())",
    "def go():\n    yield {0}\n    yield list({0} for i in [{0}])\nout.append(list(go()))",
]
EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda parts: st.builds(lambda form, *of: form.format(*of), st.sampled_from(FORMS), parts, parts),
    max_leaves=8,
)
_ADDRESS = re.compile(" at 0x[0-9A-Fa-f]+")


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.sampled_from(PLACES))
def test_guards_show_no_address_and_change_nothing_else(expression: str, place: str) -> None:
    body = place.format(expression).replace("\n", "\n    ")
    text = f"{PRELUDE}try:\n    {body}\nexcept Exception as error:\n    out.append(str(error))\n"
    try:
        tree = ast.parse(text)
    except SyntaxError:  # before Python 3.12 the same quotes cannot stand inside one another
        assume(False)
    policy = ScriptPolicy(ImportRules({}, {}, set()), bound_names(tree))
    policy.visit(tree)
    assume(not policy.findings)
    complete_places(tree)
    ours: dict[str, Any] = {"__builtins__": make_builtins({}, types.SimpleNamespace, print), "__name__": "__main__"}
    plain: dict[str, Any] = {}
    exec(compile(tree, "script", "exec"), ours)
    exec(compile(text, "script", "exec"), plain)
    told = list(_texts(ours["out"]))
    assert not [each for each in told if " at 0x" in each]
    assert told == [_ADDRESS.sub("", each) for each in _texts(plain["out"])]
    assert not [each for each in _texts(ours.get("$kept")) if " at 0x" in each], (
        "kept, where a dynamic name might find it"
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield str.__str__(value)
        case bytes():
            yield value.decode("latin-1")
        case dict():
            for key, item in value.items():
                yield from (*_texts(key), *_texts(item))
        case list() | tuple():
            for item in value:
                yield from _texts(item)
        case _:
            yield repr(value) if isinstance(value, int | float) else type(value).__name__
