"""Expressions to Python's, in one of three ways.

FAST is plain Python that may miss (a key is not there, an operand is no number): it stands in a `try` whose handler has the same
expression COLD, which is calls of the runtime all through. So FAST is for what may be evaluated twice. WARM never misses: what is
not known to be plain is tested on the spot, or called.
"""

from __future__ import annotations

import ast

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import (
    ARRAY,
    FLOAT,
    INT,
    MAP,
    SLICE,
    STRING,
    UNDEFINED,
)
from scripting.sandbox.languages.tengo.lowering import arithmetic, comparison
from scripting.sandbox.languages.tengo.lowering.base import Lowering, Mode, module_of


class Expressions(Lowering):
    """Lower expressions of every kind."""

    def lower(self, node: nodes.Expr, mode: Mode) -> ast.expr:
        self.build.at(node)
        build = self.build
        match node:
            case nodes.Literal(value=value):
                return build.constant(value)
            case nodes.Ident(name=name, symbol=symbol):
                return build.name(f"$builtin.{name}") if symbol is None else self.read(symbol)
            case nodes.Binary():
                return self._binary(node, mode)
            case nodes.Unary():
                return arithmetic.unary(self, node, mode)
            case nodes.Call():
                return self._call(node, mode)
            case nodes.Selector() | nodes.Index():
                return self._element(node, mode)
            case nodes.Conditional(condition=condition, first=first, second=second):
                test = self.test(condition, mode)
                known = self.ranges.tell(condition, holds=True)
                one = self.lower(first, mode)
                self.ranges.back_to(known)
                self.ranges.tell(condition, holds=False)
                other = self.lower(second, mode)
                self.ranges.back_to(known)
                build.at(node)
                return build.choose(test, one, other)
            case nodes.ArrayLiteral(items=items):
                lowered = [self.lower(item, mode) for item in items]
                build.at(node)
                return build.list_(lowered)
            case nodes.MapLiteral(keys=keys, values=items):
                lowered = [self.lower(item, mode) for item in items]
                build.at(node)
                return build.dict_(keys, lowered)
        return self._rarer(node, mode)

    def _rarer(self, node: nodes.Expr, mode: Mode) -> ast.expr:
        build = self.build
        match node:
            case nodes.CharLiteral(code=code):
                return build.call("Char", build.constant(code))
            case nodes.Function():
                return self.function(node)
            case nodes.Slice(value=value, low=low, high=high):
                parts = [self.lower(part, mode) if part else build.constant(None) for part in (value, low, high)]
                build.at(node)
                return build.call("share" if self.kinds.slices_share else "cut", *parts)
            case nodes.Import(name=name):
                return build.name(f"$import.{name}")
            case nodes.ErrorValue(value=value):
                inner = self.lower(value, mode)
                build.at(node)
                return build.call("Error", inner)
            case nodes.Immutable(value=value):
                inner = self.lower(value, mode)
                build.at(node)
                return build.call("immutable", inner)
        raise AssertionError(type(node).__name__)

    def _binary(self, node: nodes.Binary, mode: Mode) -> ast.expr:
        match node.operator:
            case "&&":
                return self._logical(node, mode, both=True)
            case "||":
                return self._logical(node, mode, both=False)
            case "==" | "!=":
                return comparison.equality(self, node, mode)
            case "<" | "<=" | ">" | ">=":
                return comparison.order(self, node, mode)
        return arithmetic.binary(self, node, mode)

    def _logical(self, node: nodes.Binary, mode: Mode, *, both: bool) -> ast.expr:
        build = self.build
        if not self.kinds.of(node.left) & FLOAT:
            left = self.lower(node.left, mode)
            known = self.ranges.tell(node.left, holds=both)
            right = self.lower(node.right, mode)
            self.ranges.back_to(known)
            build.at(node)
            return build.all_of([left, right]) if both else build.any_of(left, right)
        first, again = self.kept(node.left, mode)
        test = self._truth(node.left, first, again)
        right = self.lower(node.right, mode)
        build.at(node)
        return build.choose(test, right, again) if both else build.choose(test, again, right)

    # Truth

    def test(self, node: nodes.Expr, mode: Mode) -> ast.expr:
        """The expression as a condition."""
        build = self.build
        if isinstance(node, nodes.Unary) and node.operator == "!":
            inner = self.test(node.operand, mode)
            build.at(node)
            return build.not_(inner)
        if isinstance(node, nodes.Binary) and node.operator in {"&&", "||"}:
            left = self.test(node.left, mode)
            known = self.ranges.tell(node.left, holds=node.operator == "&&")
            right = self.test(node.right, mode)
            self.ranges.back_to(known)
            build.at(node)
            return build.all_of([left, right]) if node.operator == "&&" else build.any_of(left, right)
        if not self.kinds.of(node) & FLOAT:
            return self.lower(node, mode)
        first, again = self.kept(node, mode)
        return self._truth(node, first, again)

    def _truth(self, node: nodes.Expr, first: ast.expr, again: ast.expr) -> ast.expr:
        """Python's truth is Tengo's for all but floats."""
        build = self.build
        build.at(node)
        if self.kinds.of(node) == FLOAT:
            return build.compare(first, (ast.Eq(), again))
        true, false = build.constant(True), build.constant(False)
        doubtful = build.all_of([build.is_not(again, false), build.call("truth", again)])
        return build.any_of(build.is_(first, true), doubtful)

    # Parts of values

    def _element(self, node: nodes.Selector | nodes.Index, mode: Mode) -> ast.expr:
        module = module_of(node)
        if module is not None:
            return self._member(node, *module)
        build = self.build
        value = node.value
        key: nodes.Expr = (
            node.index if isinstance(node, nodes.Index) else nodes.Literal(node.start, node.end, node.name)
        )
        if mode is Mode.COLD:
            return self._general_element(node, value, key, mode)
        if self.kinds.of(key) == STRING:
            return self._by_key(node, value, key, mode)
        if mode is Mode.FAST and self.kinds.of(key) == INT:
            return self._by_index(node, value, key, mode)
        if mode is Mode.FAST and self.kinds.of(key) & STRING and self.is_simple(key):
            whole = self.lower(value, mode)
            lowered = self.lower(key, mode)
            build.at(node)
            self.risky = True
            label = self.temporary()
            test = build.type_is(lowered, "str")
            return build.choose(test, build.item(build.keep(label, whole), lowered), build.call("get", whole, lowered))
        return self._general_element(node, value, key, mode)

    def _general_element(self, node: nodes.Expr, value: nodes.Expr, key: nodes.Expr, mode: Mode) -> ast.expr:
        whole, lowered = self.lower(value, mode), self.lower(key, mode)
        self.build.at(node)
        return self.build.call("get", whole, lowered)

    def _by_key(self, node: nodes.Expr, value: nodes.Expr, key: nodes.Expr, mode: Mode) -> ast.expr:
        build = self.build
        if mode is Mode.FAST:
            whole, lowered = self.lower(value, mode), self.lower(key, mode)
            build.at(node)
            self.risky = True
            return build.item(whole, lowered)
        first, again = self.kept(value, mode)
        lowered = self.lower(key, mode)
        build.at(node)
        if not isinstance(key, nodes.Literal):
            return build.call("get", first, lowered)
        is_there = [build.type_is(first, "dict"), build.compare(lowered, (ast.In(), again))]
        return build.choose(build.all_of(is_there), build.item(again, lowered), build.call("get", again, lowered))

    def _by_index(self, node: nodes.Expr, value: nodes.Expr, key: nodes.Expr, mode: Mode) -> ast.expr:
        build = self.build
        first, again = self.kept(value, mode)
        index, index_again = self.kept(key, mode)
        build.at(node)
        tests: list[ast.expr] = []
        if self.kinds.of(value) != ARRAY:
            tests.append(build.type_is(first, "list"))
            first = again
        if not self.ranges.is_never_negative(key):
            tests.append(build.compare(index, (ast.GtE(), build.constant(0))))
            index = index_again
        self.risky = True
        if not tests:
            return build.item(first, index)
        return build.choose(build.all_of(tests), build.item(first, index), build.call("miss"))

    def _member(self, node: nodes.Expr, module: str, name: str) -> ast.expr:
        self.build.at(node)
        return self.build.name(f"$import.{module}.{name}")

    # Calls

    def _call(self, node: nodes.Call, mode: Mode) -> ast.expr:
        build = self.build
        function = node.function
        if isinstance(function, nodes.Ident) and function.symbol is None:
            quick = self._quick_builtin(node, function.name, mode)
            if quick is not None:
                return quick
        callee = self.lower(function, mode)
        arguments = [self.lower(argument, mode) for argument in node.arguments]
        build.at(node)
        if node.spread:
            arguments[-1] = build.starred(build.call("spread", arguments[-1]))
        return build.call_value(callee, arguments)

    def _quick_builtin(self, node: nodes.Call, name: str, mode: Mode) -> ast.expr | None:
        """A builtin that plain Python has, for arguments known to be of the fitting kinds."""
        if len(node.arguments) != 1 or node.spread:
            return None
        kinds = self.kinds.of(node.arguments[0])
        build = self.build
        if name == "len" and not kinds & ~(ARRAY | MAP):
            argument = self.lower(node.arguments[0], mode)
            build.at(node)
            return build.call("len", argument)
        if name == "string" and kinds == INT:
            argument = self.lower(node.arguments[0], mode)
            build.at(node)
            return build.call("str", argument)
        test = {
            "is_undefined": UNDEFINED,
            "is_int": INT,
            "is_string": STRING,
            "is_float": FLOAT,
            "is_array": ARRAY,
            "is_map": MAP,
        }.get(name)
        if test is None:
            return None
        if test == ARRAY and kinds & SLICE:
            return None
        argument = self.lower(node.arguments[0], mode)
        build.at(node)
        if test == UNDEFINED:
            return build.is_(argument, build.constant(None))
        return build.type_is(argument, {INT: "int", STRING: "str", FLOAT: "float", ARRAY: "list", MAP: "dict"}[test])
