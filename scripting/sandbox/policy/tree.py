"""Nodes of a syntax tree, in the order and number of `ast.iter_child_nodes` and `ast.walk`, quicker."""

from __future__ import annotations

import ast
from collections.abc import Iterable

_NONE: tuple[ast.AST, ...] = ()
_PARTS = "parts of this node"
"""No name that a field of a node could have."""
_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_LEAVES = frozenset({ast.Name, ast.Constant})
"""Nodes with nothing below them that has a place."""
_PLACELESS = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)


def children(node: ast.AST) -> Iterable[ast.AST]:
    """The nodes right below this one, as they were when first asked for: every look at a tree is before the policy changes it."""
    known = node.__dict__
    found: Iterable[ast.AST] | None = known.get(_PARTS)
    if found is not None:
        return found
    kind = type(node)
    if kind is ast.Constant:
        return _NONE
    if kind is ast.Name:  # every third node: none of them is to hold a list
        return (known["ctx"],) if "ctx" in known else _NONE
    parts: list[ast.AST] = []
    for name in node._fields:
        value = known.get(name)
        if isinstance(value, ast.AST):
            parts.append(value)
        elif type(value) is list:
            parts += [item for item in value if isinstance(item, ast.AST)]
    found = known[_PARTS] = parts or _NONE
    return found


def walk(tree: ast.AST) -> list[ast.AST]:
    """This node and all below it, level by level."""
    found = [tree]
    for node in found:
        found += children(node)
    return found


def complete_places(tree: ast.Module) -> None:
    """As `ast.fix_missing_locations`: a node without a place has that of the node above it."""
    waiting: list[tuple[ast.AST, tuple[int, int, int, int]]] = [(tree, (1, 0, 1, 0))]
    while waiting:
        node, place = waiting.pop()
        known = node.__dict__
        if node._attributes:
            if known.get("end_col_offset") is None or known.get("end_lineno") is None or "lineno" not in known:
                for attribute, default in zip(_PLACE, place, strict=True):
                    if known.get(attribute) is None:
                        setattr(node, attribute, default)
            place = known["lineno"], known["col_offset"], known["end_lineno"], known["end_col_offset"]
        if type(node) in _LEAVES:
            continue
        for name in node._fields:
            value = known.get(name)
            if type(value) is list:
                waiting += [(item, place) for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _PLACELESS):
                waiting.append((value, place))
