"""Nodes of a syntax tree, in the order of `ast.iter_child_nodes` and `ast.walk`, without operators and contexts: quicker than those."""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain, compress
from typing import Any

_NONE: tuple[ast.AST, ...] = ()
_PARTS = "parts of this node"
_BELOW = "all below this node"
"""No names that a field of a node could have."""
_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_LEAVES = frozenset({ast.Name, ast.Constant})
"""Nodes with nothing below them that has a place: most of all nodes."""
_PLACELESS = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
_NO_NODES = frozenset(
    {
        "ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment", "level", "module", "conversion", "simple", "is_async",
        "asname", "rest", "kwd_attrs", "tag",
    }
)  # fmt: skip
"""Fields that hold operators, contexts or plain values in whatever kind of node has them."""
_fields: dict[type[ast.AST], tuple[str, ...]] = {}
"""Of a kind of node, the fields that can hold nodes."""
_COMMON: dict[type[ast.AST], Callable[[dict[str, Any]], list[ast.AST]]] = {
    ast.Assign: lambda of: [*of["targets"], of["value"]],
    ast.Attribute: lambda of: [of["value"]],
    ast.AugAssign: lambda of: [of["target"], of["value"]],
    ast.BinOp: lambda of: [of["left"], of["right"]],
    ast.BoolOp: lambda of: of["values"].copy(),
    ast.Call: lambda of: [of["func"], *of["args"], *of["keywords"]],
    ast.Compare: lambda of: [of["left"], *of["comparators"]],
    ast.Expr: lambda of: [of["value"]],
    ast.For: lambda of: [of["target"], of["iter"], *of["body"], *of["orelse"]],
    ast.If: lambda of: [of["test"], *of["body"], *of["orelse"]],
    ast.IfExp: lambda of: [of["test"], of["body"], of["orelse"]],
    ast.JoinedStr: lambda of: of["values"].copy(),
    ast.Subscript: lambda of: [of["value"], of["slice"]],
    ast.Tuple: lambda of: of["elts"].copy(),
    ast.UnaryOp: lambda of: [of["operand"]],
}
"""Of the commonest kinds of node those right below, of which there is none that may be missing."""


def children(node: ast.AST) -> Iterable[ast.AST]:
    """The nodes right below this one, as they were when first asked for: every look at a tree is before the policy changes it."""
    kind = type(node)
    if kind in _LEAVES:
        return _NONE
    known = node.__dict__
    found: Iterable[ast.AST] | None = known.get(_PARTS)
    if found is not None:
        return found
    if (parts_of := _COMMON.get(kind)) is not None:
        found = known[_PARTS] = parts_of(known)
        return found
    fields = _fields.get(kind)
    if fields is None:
        fields = _fields[kind] = tuple(name for name in kind._fields if name not in _NO_NODES)
    if not fields:
        return _NONE
    parts: list[ast.AST] = []
    for name in fields:
        value = known.get(name)
        if type(value) is list:
            if value:
                parts += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            parts.append(value)
    found = known[_PARTS] = parts or _NONE
    return found


def levels(tree: ast.Module) -> Iterable[list[ast.AST]]:
    """All nodes below the module, level by level. Gone through to the end, they are at hand for `below`."""
    every: list[ast.AST] = []
    level = list(children(tree))
    while level:
        yield level
        every += level
        level = list(chain.from_iterable(map(children, level)))
    tree.__dict__[_BELOW] = every


def below(tree: ast.Module) -> list[ast.AST]:
    """All nodes below the module, level by level."""
    found: list[ast.AST] | None = tree.__dict__.get(_BELOW)
    if found is None:
        for _ in levels(tree):
            pass
        found = tree.__dict__[_BELOW]
    return found


def of_kinds(tree: ast.Module, kinds: Container[type]) -> Iterator[ast.AST]:
    """Those of all nodes below the module that are of these kinds themselves, told apart without a step of Python for each."""
    nodes = below(tree)
    return compress(nodes, map(kinds.__contains__, map(type, nodes)))


def walk(tree: ast.AST) -> list[ast.AST]:
    """This node and all below it, level by level."""
    if type(tree) is ast.Module:
        return [tree, *below(tree)]
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
