"""Looking at syntax trees: what is quicker than `ast.iter_child_nodes` and `ast.walk` finds the same nodes in the same order."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripting.sandbox.policy.transformer import bound_names
from scripting.sandbox.policy.tree import below, children, of_kinds

ROOT = Path(__file__).parent.parent.parent
TEXTS = [Path(__file__), *sorted(ROOT.glob("wargame/scripts/*.py")), *sorted(ROOT.glob("scripting/sandbox/**/*.py"))]
OF_EVERY_KIND = """
import math as m, json
from random import *
@decorated(1)
def f(a, /, b=2, *rest, c: int = 3, d, **more) -> str:
    global g
    x[1:2, ::3] = y = (*a, {**b, "k": 1}, {1, 2}, [i for i in b if i if not i], {k: v for k, v in d}, (j async for j in q))
    x @= -1 if a and b or not c else a < b <= c
    del x, y[0]
    for i, j in z: continue
    else: pass
    while a: break
    try: raise E from e
    except (A, B) as e: ...
    except: pass
    else: assert a, "no"
    finally: return lambda p, *q, r=1: (yield p)
class C(Base, metaclass=M):
    n: int
    t: int = 1
with open(a) as b, c: (w := f"{a!r:>{b}.2f} {c}")
match s:
    case {"a": 1, **rest} | [1, *others] | P(1, k=2) if a: pass
    case None | -1 | m.pi as whole: pass
    case _: await g()
"""
WITHOUT = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)


@pytest.mark.parametrize(
    "text",
    [OF_EVERY_KIND, *(path.read_text(encoding="utf-8") for path in TEXTS)],
    ids=["every kind of node", *(str(path.relative_to(ROOT)) for path in TEXTS)],
)
def test_a_tree_is_walked_in_the_order_of_the_library(text: str) -> None:
    tree = ast.parse(text)
    every = [node for node in ast.walk(tree) if not isinstance(node, WITHOUT)]
    assert [id(node) for node in [tree, *below(tree)]] == [id(node) for node in every]
    for node in every:
        parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, WITHOUT)]
        assert [id(part) for part in children(node)] == [id(part) for part in parts], ast.dump(node)
    for kinds in ({ast.Name}, {ast.Tuple, ast.For}, {ast.Starred: 1}):
        assert list(of_kinds(tree, kinds)) == [node for node in every if type(node) in kinds]


def test_every_way_to_bind_a_name_is_known() -> None:
    found = bound_names(ast.parse(OF_EVERY_KIND))
    assert found == frozenset("f a b c d rest more x y i j k v e p q r C n t w m json * others whole".split())
