"""Makes nodes of Python's tree, each placed where its Tengo node is. Generated names begin with `$`, which no script can write."""

from __future__ import annotations

import ast
from typing import Any, Protocol

from scripting.sandbox.languages.tengo.scanner import Places

# One of each, as the parser has them: to make one takes twice as long as the node that it belongs to.
_LOAD = ast.Load()
STORE = ast.Store()
_IS = ast.Is()
_ISNOT = ast.IsNot()
_AND = ast.And()
_OR = ast.Or()
_NOT = ast.Not()
_USUB = ast.USub()


class Placed(Protocol):
    """Stands somewhere in the text, from offset to offset."""

    start: int
    end: int


class Builder:
    """Builds at a place: `at(node)` moves it, everything made after that stands there."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._place: dict[str, Any] = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
        self._known: dict[int, tuple[int, int]] = {}

    def at(self, node: Placed) -> None:
        line, column = self._position(node.start)
        end_line, end_column = self._position(node.end)
        self._place = {"lineno": line, "col_offset": column, "end_lineno": end_line, "end_col_offset": end_column}

    def _position(self, offset: int) -> tuple[int, int]:
        position = self._known.get(offset)
        if position is None:
            position = self._known[offset] = self.places.position(offset)
        return position

    # Expressions

    def name(self, label: str) -> ast.Name:
        return ast.Name(label, _LOAD, **self._place)

    def target(self, label: str) -> ast.Name:
        return ast.Name(label, STORE, **self._place)

    def constant(self, value: Any) -> ast.expr:
        if type(value) in {int, float} and value < 0:
            return ast.UnaryOp(_USUB, ast.Constant(-value, **self._place), **self._place)
        return ast.Constant(value, **self._place)

    def call(self, helper: str, *arguments: ast.expr) -> ast.Call:
        """A call of one of the runtime's own functions."""
        return ast.Call(self.name("$" + helper), list(arguments), [], **self._place)

    def call_value(self, function: ast.expr, arguments: list[ast.expr]) -> ast.Call:
        return ast.Call(function, arguments, [], **self._place)

    def binary(self, operator: ast.operator, left: ast.expr, right: ast.expr) -> ast.expr:
        return ast.BinOp(left, operator, right, **self._place)

    def compare(self, left: ast.expr, *rest: tuple[ast.cmpop, ast.expr]) -> ast.expr:
        return ast.Compare(left, [operator for operator, _ in rest], [right for _, right in rest], **self._place)

    def is_(self, left: ast.expr, right: ast.expr) -> ast.expr:
        return self.compare(left, (_IS, right))

    def is_not(self, left: ast.expr, right: ast.expr) -> ast.expr:
        return self.compare(left, (_ISNOT, right))

    def all_of(self, tests: list[ast.expr]) -> ast.expr:
        return tests[0] if len(tests) == 1 else ast.BoolOp(_AND, tests, **self._place)

    def any_of(self, *tests: ast.expr) -> ast.expr:
        return ast.BoolOp(_OR, list(tests), **self._place)

    def not_(self, test: ast.expr) -> ast.expr:
        return ast.UnaryOp(_NOT, test, **self._place)

    def unary(self, operator: ast.unaryop, operand: ast.expr) -> ast.expr:
        return ast.UnaryOp(operator, operand, **self._place)

    def choose(self, test: ast.expr, first: ast.expr, second: ast.expr) -> ast.expr:
        return ast.IfExp(test, first, second, **self._place)

    def guarded(self, guards: list[ast.expr], value: ast.expr) -> ast.expr:
        """The value if the guards hold; else the quick way misses."""
        return self.choose(self.all_of(guards), value, self.call("miss")) if guards else value

    def keep(self, label: str, value: ast.expr) -> ast.expr:
        """(label := value)"""
        return ast.NamedExpr(self.target(label), value, **self._place)

    def item(self, value: ast.expr, key: ast.expr, context: ast.expr_context | None = None) -> ast.Subscript:
        return ast.Subscript(value, key, context or _LOAD, **self._place)

    def list_(self, items: list[ast.expr]) -> ast.expr:
        return ast.List(items, _LOAD, **self._place)

    def dict_(self, keys: list[str], values: list[ast.expr]) -> ast.expr:
        return ast.Dict([self.constant(key) for key in keys], values, **self._place)

    def starred(self, value: ast.expr) -> ast.expr:
        return ast.Starred(value, _LOAD, **self._place)

    def type_is(self, value: ast.expr, kind: str) -> ast.expr:
        """$type(value) is $kind"""
        return self.is_(self.call("type", value), self.name("$" + kind))

    # Statements

    def assign(self, target: ast.expr, value: ast.expr) -> ast.stmt:
        return ast.Assign([target], value, **self._place)

    def expression(self, value: ast.expr) -> ast.stmt:
        return ast.Expr(value, **self._place)

    def if_(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> ast.stmt:
        return ast.If(test, body or [self.pass_()], orelse, **self._place)

    def while_(self, test: ast.expr, body: list[ast.stmt]) -> ast.stmt:
        return ast.While(test, body or [self.pass_()], [], **self._place)

    def for_(self, target: ast.expr, iterable: ast.expr, body: list[ast.stmt]) -> ast.stmt:
        return ast.For(target, iterable, body or [self.pass_()], [], **self._place)

    def try_(self, body: list[ast.stmt], caught: str, handler: list[ast.stmt]) -> ast.stmt:
        clause = ast.ExceptHandler(self.name(caught), None, handler, **self._place)
        return ast.Try(body, [clause], [], [], **self._place)

    def pass_(self) -> ast.stmt:
        return ast.Pass(**self._place)

    def break_(self) -> ast.stmt:
        return ast.Break(**self._place)

    def continue_(self) -> ast.stmt:
        return ast.Continue(**self._place)

    def return_(self, value: ast.expr) -> ast.stmt:
        return ast.Return(value, **self._place)

    def nonlocal_(self, labels: list[str]) -> ast.stmt:
        return ast.Nonlocal(labels, **self._place)

    def function(self, name: str, parameters: list[str], vararg: str | None, body: list[ast.stmt]) -> ast.FunctionDef:
        arguments = ast.arguments(
            posonlyargs=[ast.arg(label, None, **self._place) for label in parameters],
            args=[],
            vararg=ast.arg(vararg, None, **self._place) if vararg else None,
            kwonlyargs=[],
            kw_defaults=[],
            kwarg=None,
            defaults=[],
        )
        made = ast.FunctionDef(name, arguments, body or [self.pass_()], [], None, None, **self._place)
        if "type_params" in ast.FunctionDef._fields:
            made.type_params = []  # type: ignore[attr-defined]
        return made

    def import_(self, module: str, name: str, label: str) -> ast.stmt:
        return ast.ImportFrom(module, [ast.alias(name, label, **self._place)], 0, **self._place)
