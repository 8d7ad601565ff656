"""Numbers and comparisons: written out where the operands are numbers, asked of the runtime where they may be anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from scripting.sandbox.languages.zygomys.catalog import BOOL, FLOAT, INT, STRING
from scripting.sandbox.languages.zygomys.lowering.base import Lowering
from scripting.sandbox.languages.zygomys.nodes import Builtin, Const, Node

_SMALL = (1 << 30) - 1
"""Python compares ints below this quickest; others go through `wrap`."""
_OPERATORS: dict[str, tuple[ast.operator, str]] = {
    "+": (ast.Add(), "add"),
    "-": (ast.Sub(), "sub"),
    "*": (ast.Mult(), "mul"),
}
_COMPARED: dict[str, tuple[ast.cmpop, str]] = {
    "<": (ast.Lt(), "lt"),
    ">": (ast.Gt(), "gt"),
    "<=": (ast.LtE(), "le"),
    ">=": (ast.GtE(), "ge"),
    "==": (ast.Eq(), "eq"),
    "!=": (ast.NotEq(), "ne"),
}
ARITHMETIC = frozenset({"+", "-", "*"})
COMPARISONS = frozenset(_COMPARED)
_NUMBERS = INT | FLOAT


def _is_sum(node: Node) -> TypeGuard[Builtin]:
    return isinstance(node, Builtin) and node.name in ARITHMETIC and len(node.arguments) >= 2


def _only_grows(node: Node) -> bool:
    """Whether it has + and * alone, and no constant below 1."""
    if _is_sum(node):
        return node.name != "-" and all(map(_only_grows, node.arguments))
    return not isinstance(node, Const) or (type(node.value) in {int, float} and node.value >= 1)


class Arithmetic(Lowering):
    """Arithmetic and comparison."""

    def arithmetic(self, node: Builtin) -> ast.expr:
        """(+ a b …) with what is computed inside it: sums and products wrap once, at the end, and before they meet a float."""
        leaves: list[Node] = []
        self._leaves(node, leaves)
        values = self.parts(leaves)
        build = self.build
        build.at(node)
        kinds = [self.kinds.of(leaf) for leaf in leaves]
        questions: list[ast.expr] = []
        names = values
        if any(kind & BOOL for kind in kinds):
            # A bool is caught after the sum is made: the operands must be asked for once and in turn.
            kept = [self.kept(value) for value in values]
            values, names = [first for first, _ in kept], [named for _, named in kept]
            for named, kind in zip(names, kinds, strict=True):
                questions += self._is_no_bool(named) if kind & BOOL else []
        fast = self._computed(node, iter(values))
        if all(kind & ~_NUMBERS == 0 for kind in kinds) and self.kinds.of(node) == FLOAT:
            return fast
        result = self.temporary()
        after = build.name(result)
        if not questions:
            inside = self._inside(node, kinds, build.keep(result, fast), after)
            return build.choose(build.all_of(inside), after, build.call("wrap", after))
        slow = self._computed(node, iter(names), how="called")
        if len(leaves) < 3 or not _only_grows(node):
            inside = self._inside(node, kinds, build.keep(result, fast), after)
            return build.choose(build.all_of([*inside, *questions]), after, slow)
        # Where each number is above 1, none is a bool, and no part of the sum is above its value: nothing has left 64 bits.
        unbounded = build.keep(result, self._computed(node, iter(values), how="unbounded"))
        above = [build.compare(unbounded, (ast.Lt(), build.constant(_SMALL)))]
        for leaf, named in zip(leaves, names, strict=True):
            above += [] if isinstance(leaf, Const) else [build.compare(named, (ast.Gt(), build.constant(1)))]
        again = build.keep(result, self._computed(node, iter(names)))
        inside = self._inside(node, kinds, again, after)
        other = build.choose(build.all_of([*inside, *questions]), after, slow)
        return build.choose(build.all_of(above), after, other)

    def _same_text(self, sign: str, left: ast.expr, text: ast.expr) -> ast.expr:
        """(== x "red"): only a text is equal to one; whether what differs may be compared at all is asked after that."""
        build = self.build
        first, named = self.kept(left)
        is_text = build.type_is(named, "str")
        if sign == "==":
            slow = build.all_of([build.not_(is_text), build.call("eq", named, text)])
            return build.any_of(build.compare(first, (ast.Eq(), text)), slow)
        return build.all_of(
            [build.compare(first, (ast.NotEq(), text)), build.any_of(is_text, build.call("ne", named, text))]
        )

    def _leaves(self, node: Node, found: list[Node]) -> None:
        """Collect the operands, in the order of their evaluation."""
        if _is_sum(node):
            for argument in node.arguments:
                self._leaves(argument, found)
        else:
            found.append(node)

    def _computed(self, node: Node, values: Iterator[ast.expr], *, how: str = "settled") -> ast.expr:
        """By Python's operators, "settled" before an int meets a float or "unbounded"; or "called", the slow way."""
        if not _is_sum(node):
            return next(values)
        operator, word = _OPERATORS[node.name]
        first, *others = node.arguments
        made, kind, may_leave = self._computed(first, values, how=how), self.kinds.of(first), _is_sum(first)
        for argument in others:
            other, beside = self._computed(argument, values, how=how), self.kinds.of(argument)
            self.build.at(node)
            if how == "called":
                made = self.build.call(word, made, other)
                continue
            if how == "settled" and may_leave and kind & INT and beside & FLOAT:
                made = self._within_64_bits(made)
            if how == "settled" and _is_sum(argument) and beside & INT and kind & FLOAT:
                other = self._within_64_bits(other)
            made = self.build.binary(operator, made, other)
            kind, may_leave = kind & beside & INT | (kind | beside) & FLOAT, True
        return made

    def _within_64_bits(self, value: ast.expr) -> ast.expr:
        """An int is wrapped before it meets a float: it is rounded then."""
        build = self.build
        first, named = self.kept(value)
        small, low = build.constant(_SMALL), build.constant(-_SMALL)
        inside = build.all_of([build.compare(first, (ast.Lt(), small)), build.compare(named, (ast.Gt(), low))])
        return build.choose(inside, named, build.call("wrap", named))

    def _inside(self, node: Builtin, kinds: list[int], value: ast.expr, after: ast.expr) -> list[ast.expr]:
        """Whether the result is small, so that nothing has to wrap."""
        build = self.build
        small, low = build.constant(_SMALL), build.constant(-_SMALL)
        last = node.arguments[-1]
        step = last.value if isinstance(last, Const) and len(node.arguments) == len(kinds) == 2 else None
        if type(step) is int and 0 <= step < _SMALL and not kinds[0] & ~INT:
            if node.name == "-":
                return [build.compare(value, (ast.Gt(), low))]
            if node.name == "+":
                return [build.compare(value, (ast.Lt(), small))]
        return [build.compare(value, (ast.Lt(), small)), build.compare(after, (ast.Gt(), low))]

    def _is_no_bool(self, value: ast.expr) -> list[ast.expr]:
        build = self.build
        return [build.is_not(value, build.constant(True)), build.is_not(value, build.constant(False))]

    def comparison(self, node: Builtin) -> ast.expr:
        """(< a b)"""
        build = self.build
        left, right = self.parts(node.arguments)
        kind, other = (self.kinds.of(argument) for argument in node.arguments)
        build.at(node)
        operator, word = _COMPARED[node.name]
        for same in (_NUMBERS, STRING):
            if kind and other and not (kind | other) & ~same:
                return build.compare(left, (operator, right))
        if kind == other == BOOL and node.name in {"==", "!="}:
            return build.compare(left, (operator, right))
        known = {INT: "int", STRING: "str"}
        if other == STRING and self.is_simple(right) and node.name in {"==", "!="}:
            return self._same_text(node.name, left, right)
        if other in known:
            first, named = self.kept(left)
            if self.is_simple(right):
                quick = build.compare(named, (operator, right))
                return build.choose(build.type_is(first, known[other]), quick, build.call(word, named, right))
        elif kind in known and self.is_simple(left):
            second, named = self.kept(right)
            quick = build.compare(left, (operator, named))
            return build.choose(build.type_is(second, known[kind]), quick, build.call(word, left, named))
        if kind & other & INT:
            first, one = self.kept(left)
            second, two = self.kept(right)
            alike = build.compare(
                build.call("type", first), (ast.Is(), build.call("type", second)), (ast.Is(), build.name("$int"))
            )
            return build.choose(alike, build.compare(one, (operator, two)), build.call(word, one, two))
        return build.call(word, left, right)
