"""Makes nodes of Python's tree, each placed where its form stands: Tengo's builder with what a Lisp needs besides."""

from __future__ import annotations

import ast
from typing import Any

from scripting.sandbox.languages.tengo.lowering.build import STORE, Placed
from scripting.sandbox.languages.tengo.lowering.build import Builder as _Builder


class Builder(_Builder):
    """Builds at a place: `at(node)` moves it, everything made after that stands there."""

    _last: Placed | None = None

    def at(self, node: Placed) -> None:
        if node is not self._last:
            self._last = node
            super().at(node)

    @property
    def place(self) -> dict[str, Any]:
        return self._place

    def if_(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> ast.stmt:
        """An empty body may still be filled: it stays the list that it is."""
        if not body:
            body.append(self.pass_())
        return ast.If(test, body, orelse, **self._place)

    def lambda_(self, value: ast.expr) -> ast.expr:
        nothing = ast.arguments(
            posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
        )
        return ast.Lambda(nothing, value, **self._place)

    def mapping(self, keys: list[ast.expr], values: list[ast.expr]) -> ast.expr:
        return ast.Dict(list(keys), values, **self._place)

    def pair(self, first: ast.expr, second: ast.expr) -> ast.expr:
        """Two targets of a loop."""
        return ast.Tuple([first, second], STORE, **self._place)

    def add_to(self, label: str, value: ast.expr) -> ast.stmt:
        return ast.AugAssign(self.target(label), ast.Add(), value, **self._place)

    def try_named(self, body: list[ast.stmt], caught: str, label: str, handler: list[ast.stmt]) -> ast.stmt:
        clause = ast.ExceptHandler(self.name(caught), label, handler, **self._place)
        return ast.Try(body, [clause], [], [], **self._place)
