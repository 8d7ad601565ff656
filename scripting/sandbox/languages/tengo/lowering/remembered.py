"""Which parts of values the quick ways have read already: `unit.health` that a condition has looked at need not be looked up again.

A quick way keeps what it reads as a number under a temporary name. Where it has run through, that name holds a number; where it has
missed, its handler leaves undefined there, with which no number can be made: what relies on the name misses too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.nodes import Symbol

Part = tuple[Symbol, str]
"""A variable, and the name of one of its parts."""


class Remembered:
    """Temporary names by what they hold, at the statement that is being lowered."""

    def __init__(self) -> None:
        self._held: dict[Part, str] = {}
        self._noted: dict[Part, str] = {}

    def holding(self, node: nodes.Expr) -> str | None:
        """The name that holds what the node reads, if there is one."""
        part = _part(node)
        return self._held.get(part) if part is not None else None

    def note(self, node: nodes.Expr, label: str) -> None:
        """The expression that is being lowered keeps what the node reads under this name."""
        part = _part(node)
        if part is not None:
            self._noted[part] = label

    def start(self) -> None:
        """An expression is about to be lowered."""
        self._noted.clear()

    def taken(self, lowered: ast.expr, *, if_true: bool = False) -> dict[Part, str]:
        """Values known once this was evaluated, or was found true: without the parts that `&&` and the like may skip."""
        assigned = _assigned(lowered, if_true=if_true) if self._noted else frozenset()
        found = {part: label for part, label in self._noted.items() if label in assigned}
        self._noted.clear()
        return found

    def hold(self, found: dict[Part, str]) -> None:
        self._held |= found

    def forget(self, symbol: Symbol | None = None) -> None:
        """The variable is assigned to; or, without one, anything may have changed."""
        self._held = {part: label for part, label in self._held.items() if part[0] is not symbol} if symbol else {}

    def swap(self, held: dict[Part, str]) -> dict[Part, str]:
        """Hold this instead; gives what was held."""
        before, self._held = self._held, dict(held)
        return before


def _part(node: nodes.Expr) -> Part | None:
    match node:
        case nodes.Selector(value=nodes.Ident(symbol=symbol), name=name) if symbol is not None and not symbol.module:
            return symbol, name
    return None


def _assigned(node: ast.expr, *, if_true: bool = False) -> frozenset[str]:
    """The temporary names that are surely assigned when this has been evaluated (and found true)."""
    match node:
        case ast.NamedExpr(target=target, value=value):
            return _assigned(value) | {target.id}
        case ast.BoolOp(op=ast.And(), values=values) if if_true:
            return _all(values, if_true=True)
        case ast.BoolOp(values=values):
            return _assigned(values[0])
        case ast.IfExp(test=test, body=body, orelse=ast.Call(func=ast.Name(id="$miss"))):
            return _assigned(test, if_true=True) | _assigned(body, if_true=if_true)
        case ast.IfExp(test=test):
            return _assigned(test)
        case ast.Compare(left=left, comparators=comparators):
            return _assigned(left) | _assigned(comparators[0])
    return _all(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))


def _all(parts: Iterable[ast.expr], *, if_true: bool = False) -> frozenset[str]:
    return frozenset().union(*[_assigned(part, if_true=if_true) for part in parts])
