"""Nodes of a syntax tree, in the order and number of `ast.iter_child_nodes` and `ast.walk`, quicker."""

from __future__ import annotations

import ast


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below this one."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(tree: ast.AST) -> list[ast.AST]:
    """This node and all below it, level by level."""
    found = [tree]
    for node in found:
        found += children(node)
    return found
