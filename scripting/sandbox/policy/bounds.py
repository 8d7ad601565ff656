"""Refuse valid syntax that would hurt the compiler: deep nesting of comprehensions, finally blocks and the tree itself."""

from __future__ import annotations

import ast

from scripting.sandbox.policy.refusal import Refusal
from scripting.sandbox.policy.tree import children, levels

MAX_COMPREHENSION_NESTING = 8
"""Twenty end the interpreter inside compile() on 3.12 and 3.13.0."""
MAX_FINALLY_NESTING = 5
"""Each finally inside a finally doubles the code: eighteen need a gigabyte."""
MAX_TREE_DEPTH = 1500
"""Depth that the compiler's own recursion limit still takes, with room to spare."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NESTING = frozenset({*_COMPREHENSIONS, ast.Try})


def check_tree(tree: ast.Module) -> None:
    """Raise Refusal (`compilation`) for a node beyond a bound. Walks without recursion."""
    nests = False
    for depth, level in enumerate(levels(tree), 1):
        if depth > MAX_TREE_DEPTH and (deep := [node for node in level if node._fields]):
            message = f"the expression is nested deeper than {MAX_TREE_DEPTH}"
            raise _beyond(deep[0], message, "split it over several statements")
        nests = nests or not _NESTING.isdisjoint(map(type, level))
    if nests:
        _check_nesting(tree)


def _check_nesting(tree: ast.Module) -> None:
    stack: list[tuple[ast.AST, int, int]] = [(tree, 0, 0)]
    while stack:
        node, comprehensions, finals = stack.pop()
        if isinstance(node, _COMPREHENSIONS):
            comprehensions += 1
            if comprehensions > MAX_COMPREHENSION_NESTING:
                problem = f"comprehensions are nested deeper than {MAX_COMPREHENSION_NESTING}"
                raise _beyond(node, problem, "write the inner ones as loops or functions")
        if isinstance(node, ast.Try) and node.finalbody:
            finals += 1
            if finals > MAX_FINALLY_NESTING:
                problem = f"finally blocks are nested deeper than {MAX_FINALLY_NESTING}"
                raise _beyond(node, problem, "move the inner ones into functions")
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            finals = 0
        stack += [(child, comprehensions, finals) for child in children(node)]


def _beyond(node: ast.AST, message: str, hint: str) -> Refusal:
    return Refusal(
        "compilation",
        message,
        getattr(node, "lineno", None),
        getattr(node, "col_offset", -1) + 1 or None,
        hint=hint,
    )
