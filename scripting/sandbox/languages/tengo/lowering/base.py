"""The base of lowering any expression: names, temporaries, purity."""

from __future__ import annotations

import ast
from enum import IntEnum

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import (
    BUILTINS,
    CONSTANTS,
    MODULES,
    PURE_MODULES,
)
from scripting.sandbox.languages.tengo.kinds import Kinds
from scripting.sandbox.languages.tengo.lowering.build import Builder
from scripting.sandbox.languages.tengo.lowering.ranges import Ranges
from scripting.sandbox.languages.tengo.lowering.remembered import Remembered
from scripting.sandbox.languages.tengo.nodes import Symbol
from scripting.sandbox.languages.tengo.resolver import Meaning


class Mode(IntEnum):
    """How an expression is lowered."""

    COLD = 0
    WARM = 1
    FAST = 2


class Lowering:
    """State of lowering one function: `out` takes the statements that must come first; `risky` is set when FAST may miss."""

    def __init__(self, meaning: Meaning, kinds: Kinds, build: Builder) -> None:
        self.meaning = meaning
        self.kinds = kinds
        self.build = build
        self.out: list[ast.stmt] = []
        self.risky = False
        self.remembered = Remembered()
        self.ranges = Ranges(kinds)
        self._temporaries = 0
        self._pure: dict[nodes.Expr, bool] = {}

    def temporary(self) -> str:
        self._temporaries += 1
        return f"$t{self._temporaries}"

    def function(self, node: nodes.Function) -> ast.expr:
        """Defines the function in `out` and gives its name; see statements.py."""
        raise NotImplementedError

    # Purity

    def is_pure(self, node: nodes.Expr) -> bool:
        """Whether evaluating it twice cannot be told from once."""
        known = self._pure.get(node)
        if known is None:
            known = self._pure[node] = self._is_pure(node)
        return known

    def _is_pure(self, node: nodes.Expr) -> bool:
        match node:
            case nodes.Literal() | nodes.CharLiteral() | nodes.Ident():
                return True
            case nodes.Function() | nodes.Import():
                return False
            case nodes.Call(function=function, arguments=arguments):
                return self._is_pure_function(function) and all(map(self.is_pure, arguments))
            case nodes.Binary(left=left, right=right):
                return self.is_pure(left) and self.is_pure(right)
            case nodes.Index(value=left, index=right):
                return self.is_pure(left) and self.is_pure(right)
            case nodes.Conditional(condition=condition, first=left, second=right):
                return self.is_pure(condition) and self.is_pure(left) and self.is_pure(right)
            case nodes.ArrayLiteral(items=items) | nodes.MapLiteral(values=items):
                return all(map(self.is_pure, items))
            case nodes.Slice(value=value, low=low, high=high):
                return all(part is None or self.is_pure(part) for part in (value, low, high))
            case nodes.Unary(operand=value) | nodes.Selector(value=value):
                return self.is_pure(value)
            case nodes.ErrorValue(value=value) | nodes.Immutable(value=value):
                return self.is_pure(value)
        return False

    def _is_pure_function(self, node: nodes.Expr) -> bool:
        if isinstance(node, nodes.Ident):
            return node.symbol is None and BUILTINS[node.name][2]
        module = module_of(node)
        return module is not None and module[0] in PURE_MODULES

    # Names

    def read(self, symbol: Symbol) -> ast.expr:
        if symbol.is_free and not symbol.writes:
            return self.build.name(symbol.name)
        if symbol.module:
            return self.build.name(f"$import.{symbol.module}")
        name = self.build.name(symbol.label)
        return self.build.item(name, self.build.constant(0)) if symbol.is_boxed else name

    def is_simple(self, node: nodes.Expr) -> bool:
        """Whether it is a name or constant: cheap to evaluate again, and the same as long as nothing is called."""
        return isinstance(node, nodes.Literal) or (
            isinstance(node, nodes.Ident) and not (node.symbol and node.symbol.is_boxed)
        )

    def kept(self, node: nodes.Expr, mode: Mode) -> tuple[ast.expr, ast.expr]:
        """The expression as it is to be evaluated first, and as it is to be used again after that."""
        first = self.lower(node, mode)
        if isinstance(first, (ast.Name, ast.Constant)):
            return first, self.lower(node, mode)
        label = self.temporary()
        return self.build.keep(label, first), self.build.name(label)

    def lower(self, node: nodes.Expr, mode: Mode) -> ast.expr:
        """Lower an expression of any kind; see expressions.py."""
        raise NotImplementedError

    def test(self, node: nodes.Expr, mode: Mode) -> ast.expr:
        """Lower an expression to its truth; see expressions.py."""
        raise NotImplementedError


def module_of(node: nodes.Expr) -> tuple[str, str] | None:
    """Module and member, where a selector names a member of a known module."""
    if not isinstance(node, nodes.Selector):
        return None
    value = node.value
    module = value.name if isinstance(value, nodes.Import) else ""
    if isinstance(value, nodes.Ident) and value.symbol is not None:
        module = value.symbol.module
    is_member = node.name in MODULES.get(module, ()) or node.name in CONSTANTS.get(module, ())
    return (module, node.name) if is_member else None
