"""Which expressions of a Python tree every run evaluates: nothing under a condition, a loop or a `try`, nor after a way out."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

from scripting.sandbox.lint.scopes import Function, Scope, Scopes
from scripting.sandbox.policy.tree import children


class Sure:
    """The expressions that surely run. They are looked for once somebody asks: most texts give no cause to."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    @property
    def always(self) -> Collection[ast.AST]:
        """In every run of the text."""
        return self._walked.always

    @property
    def straight(self) -> Collection[ast.AST]:
        """In every run of their function, or of the text."""
        return self._walked.straight

    @cached_property
    def _walked(self) -> _Walk:
        return _Walk(self._scopes)


class _Walk:
    """Through a whole text, then through each of its functions."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.always: set[ast.AST] = set()
        self.straight: set[ast.AST] = set()
        self._entered: set[ast.AST] = set()
        self._found = self.always
        self._follows = True
        self._body(self._tree.body, scopes.top)
        self._found, self._follows = self.straight, False
        for node, scope in scopes.of.items():
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
                self._body(node.body, scope)

    @property
    def _tree(self) -> ast.Module:
        assert isinstance(self.scopes.top.node, ast.Module)
        return self.scopes.top.node

    def _body(self, body: Sequence[ast.stmt], scope: Scope) -> bool:
        """Whether the end of the body is surely reached."""
        return all(self._statement(statement, scope) and not _may_leave(statement) for statement in body)

    def _statement(self, node: ast.stmt, scope: Scope) -> bool:
        match node:
            case ast.If(test=first) | ast.While(test=first) | ast.Assert(test=first):
                self._expression(first, scope)
            case ast.For(iter=first) | ast.Match(subject=first):
                self._expression(first, scope)
            case ast.With():
                self._expression(node.items[0].context_expr, scope)
            case ast.Try(handlers=[], body=body, finalbody=last):
                return self._body(body, scope) and self._body(last, scope)
            case ast.Try():
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._each((*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)), scope)
            case ast.ClassDef():
                self._each((*node.decorator_list, *node.bases), scope)
                self._body(node.body, self.scopes.of[node])
            case ast.AnnAssign():
                self._each((node.value,) if node.value is not None else (), scope)
            case ast.Raise() | ast.Return():
                self._children(node, scope)
                return False
            case _:
                self._children(node, scope)
        return True

    def _each(self, nodes: Iterable[ast.expr], scope: Scope) -> None:
        for node in nodes:
            self._expression(node, scope)

    def _children(self, node: ast.AST, scope: Scope) -> None:
        for child in children(node):
            if isinstance(child, (ast.expr, ast.keyword)):
                self._expression(child, scope)

    def _expression(self, node: ast.AST, scope: Scope) -> None:
        self._found.add(node)
        kind = type(node)
        if kind in _PARTLY:
            self._partly(node, scope)
            return
        for child in children(node):
            if isinstance(child, (ast.expr, ast.keyword)):
                self._expression(child, scope)
        if kind is ast.Call:
            assert isinstance(node, ast.Call)
            self._called(node, scope)

    def _partly(self, node: ast.AST, scope: Scope) -> None:
        """Of what is evaluated in parts only, the part that surely is."""
        match node:
            case ast.BoolOp(values=[first, *_]) | ast.IfExp(test=first):
                self._expression(first, scope)
            case ast.Compare():
                self._each((node.left, node.comparators[0]), scope)
            case ast.Lambda():
                self._each((*node.args.defaults, *filter(None, node.args.kw_defaults)), scope)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._expression(node.generators[0].iter, scope)

    def _called(self, node: ast.Call, scope: Scope) -> None:
        """A function that is surely called surely runs."""
        if not self._follows or not isinstance(node.func, ast.Name):
            return
        function = self.scopes.function(node.func.id, scope)
        if function is None or function in self._entered:
            return
        self._entered.add(function)
        inner = self.scopes.of[function]
        if isinstance(function, ast.Lambda):
            self._expression(function.body, inner)
        elif not _suspends(function):
            self._body(function.body, inner)


_PARTLY = frozenset(
    {ast.BoolOp, ast.IfExp, ast.Compare, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp}
)
_OTHER_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def _may_leave(statement: ast.stmt) -> bool:
    """Whether the statements after this one may be skipped."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            return True
        if not isinstance(node, _OTHER_CODE):  # nor is there a return inside an expression
            waiting += [child for child in children(node) if not isinstance(child, ast.expr)]
    return False


def _suspends(function: Function) -> bool:
    """A generator: a call of it runs nothing yet."""
    if isinstance(function, ast.AsyncFunctionDef):
        return True
    waiting: list[ast.AST] = list(function.body)
    for node in waiting:  # every one but those inside functions and classes
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, _OTHER_CODE):
            waiting += children(node)
    return False
