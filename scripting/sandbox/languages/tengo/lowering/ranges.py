"""Between which numbers an int lies: what cannot leave 64 bits needs no test, and what is not negative is divided as Python does.

Conditions tell: after `if n < 2 { return n }` n is 2 at least. They tell of variables that keep their value, in the function
that asks; what a function finds in variables of another may be of a later call.
"""

from __future__ import annotations

from collections.abc import Mapping

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import INT
from scripting.sandbox.languages.tengo.kinds import Kinds, never_negative
from scripting.sandbox.languages.tengo.nodes import Symbol

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1

Range = tuple[int, int]
"""The lowest and the highest that it can be."""

_ANY_INT = LOWEST, HIGHEST
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class Ranges:
    """Knowledge of variables at the expression that is being lowered."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._known: Mapping[Symbol, Range] = {}

    def of(self, node: nodes.Expr) -> Range | None:
        """The range of an int, + - * in it not wrapped; None for what may be something else."""
        if self._kinds.of(node) != INT:
            return None
        match node:
            case nodes.Literal(value=int() as value):
                return value, value
            case nodes.Unary(operator="-", operand=operand):
                found = self.of(operand)
                return None if found is None else (-found[1], -found[0])
            case nodes.Binary(operator="+" | "-" | "*" as operator, left=left, right=right):
                first, second = self.of(left), self.of(right)
                return None if first is None or second is None else _combined(operator, first, second)
            case nodes.Ident(symbol=symbol) if symbol is not None:
                found = self._known.get(symbol, _ANY_INT)
                bound = self._kinds.bound(node)
                if bound is not None:
                    found = max(found[0], 0 if never_negative(symbol) else -bound), min(found[1], bound)
                return found
        bound = self._kinds.bound(node)
        return _ANY_INT if bound is None else (0 if _is_length(node) else -bound, bound)

    def is_never_negative(self, node: nodes.Expr) -> bool:
        """Whether it is an int of nought or above."""
        found = self.of(node)
        return found is not None and found[0] >= 0 and is_within(found)

    # What conditions tell

    def known(self) -> Mapping[Symbol, Range]:
        """All that is known here, for `back_to`: what a block learns ends with it."""
        return self._known

    def back_to(self, known: Mapping[Symbol, Range]) -> None:
        self._known = known

    def tell(self, condition: nodes.Expr, *, holds: bool) -> Mapping[Symbol, Range]:
        """From here on the condition was found true, or false. Gives what was known before."""
        before = self._known
        self._learn(condition, holds=holds)
        return before

    def _learn(self, condition: nodes.Expr, *, holds: bool) -> None:
        match condition:
            case nodes.Unary(operator="!", operand=operand):
                self._learn(operand, holds=not holds)
            case nodes.Binary(operator="&&" | "||" as operator, left=left, right=right):
                if holds == (operator == "&&"):
                    self._learn(left, holds=holds)
                    self._learn(right, holds=holds)
            case nodes.Binary(operator=operator, left=nodes.Ident() as name, right=limit) if operator in _OPPOSITE:
                self._compared(operator if holds else _OPPOSITE[operator], name, limit)
            case nodes.Binary(operator=operator, left=limit, right=nodes.Ident() as name) if operator in _OPPOSITE:
                operator = _MIRRORED[operator]
                self._compared(operator if holds else _OPPOSITE[operator], name, limit)

    def _compared(self, operator: str, name: nodes.Ident, limit: nodes.Expr) -> None:
        symbol, found = name.symbol, self.of(limit)
        if symbol is None or symbol.is_free or symbol.writes or symbol.captured:
            return
        if found is None or not is_within(found):
            return
        lowest, highest = self._known.get(symbol, _ANY_INT)
        match operator:
            case "<":
                highest = min(highest, found[1] - 1)
            case "<=":
                highest = min(highest, found[1])
            case ">":
                lowest = max(lowest, found[0] + 1)
            case ">=":
                lowest = max(lowest, found[0])
            case "==":
                lowest, highest = max(lowest, found[0]), min(highest, found[1])
        self._known = {**self._known, symbol: (lowest, highest)}


def is_within(found: Range) -> bool:
    """Whether every number of the range is one of 64 bits."""
    return found[0] >= LOWEST and found[1] <= HIGHEST


def _is_length(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Call) and isinstance(node.function, nodes.Ident) and node.function.name == "len"


def _combined(operator: str, first: Range, second: Range) -> Range:
    if operator == "+":
        return first[0] + second[0], first[1] + second[1]
    if operator == "-":
        return first[0] - second[1], first[1] - second[0]
    products = [one * other for one in first for other in second]
    return min(products), max(products)
