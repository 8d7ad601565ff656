"""Whether a text can read a variable of its run by name: if not, none needs to be brought under its name. get_context() has them all.

Scripts have no way to a variable but its name in their text: nothing that is offered to them evaluates text, or shows a module's names.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from scripting.sandbox.policy.transformer import bound_by
from scripting.sandbox.policy.tree import children, of_kinds, walk


def names_read(tree: ast.Module) -> set[str]:
    """Names of the module that the text may read before it has bound them; also some that it cannot.

    To be asked before the policy changes the tree: what that puts in bears names that no variable has.
    """
    module = _Module(has_globals=next(of_kinds(tree, {ast.Global}), None) is not None)
    module.go_through(tree.body, module.bound)
    return module.read


class _Module:
    """The statements of the module in their order."""

    def __init__(self, *, has_globals: bool) -> None:
        self.read: set[str] = set()
        self.bound: set[str] = set()
        """Names that are bound whatever way was taken so far: whoever calls a function finds these alone."""
        self._by_functions: dict[str, set[str]] = {}
        """Names that functions read, who are not heard of again so far: they are called by their own names alone."""
        self._heard: set[str] = set()
        """Names that were read so far, bound or not."""
        self._has_globals = has_globals

    def go_through(self, statements: Iterable[ast.stmt], bound: set[str]) -> set[str]:
        """Take note of what these read; put the names that have had a value of the text's behind them to those of `bound`, which have before.

        Whoever reads such a name finds what the text has put there, or has deleted.
        """
        for statement in statements:
            if type(statement) is ast.Assign:
                self._note(bound, statement)
                for target in statement.targets:
                    bound |= _names(target)
                continue
            match statement:
                case ast.If(test=test, body=body, orelse=others):
                    self._note(bound, test)
                    bound |= self.go_through(body, bound.copy()) & self.go_through(others, bound.copy())
                case ast.For(target=target, iter=items, body=body, orelse=others):
                    self._note(bound, items, target)
                    self.go_through(body, bound | _names(target))
                    self.go_through(others, bound.copy())
                case ast.While(test=test, body=body, orelse=others):
                    self._note(bound, test)
                    self.go_through(body, bound.copy())
                    self.go_through(others, bound.copy())
                case ast.FunctionDef(name=name, decorator_list=[]) if name not in self._heard:
                    self._note(bound, *_outside(statement.args), *([statement.returns] if statement.returns else []))
                    self._by_functions.setdefault(name, set()).update(self._read_by(statement))
                    bound.add(name)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    self._note(bound, statement)
                    bound.add(name)
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    if getattr(statement, "module", "") != "__future__":  # of which the policy leaves nothing
                        bound |= {name for alias in aliases for name in bound_by(alias) if name}
                case _:
                    self._note(bound, statement)
        return bound

    def _note(self, bound: set[str], *nodes: ast.AST) -> None:
        names = self._read_by(*nodes)
        self.read |= names - bound
        while names:
            self._heard |= names
            called = [self._by_functions.pop(name) for name in names & self._by_functions.keys()]
            names = set().union(*called)
            self.read |= names - self.bound  # another way may lead to the same function, past what this one has bound

    def _read_by(self, *nodes: ast.AST) -> set[str]:
        return _Scope(nodes, has_globals=self._has_globals).read


def _names(target: ast.expr) -> set[str]:
    """The names that an assignment to this target binds, as far as they are simple."""
    return {part.id for part in getattr(target, "elts", (target,)) if isinstance(part, ast.Name)}


class _Scope:
    """What stands in a function, a class, a comprehension or a statement of the module: names it reads from around it, names it binds."""

    def __init__(self, nodes: Iterable[ast.AST], *, has_globals: bool) -> None:
        self.read: set[str] = set()
        self.read_here: set[str] = set()
        """Those of `read` that no function or comprehension inside reads."""
        self.read_past: set[str] = set()
        """Those of `read` that are the module's, whatever functions around it bind."""
        self.bound: set[str] = set()
        self._has_globals = has_globals
        """`global` may make any name mean the module's, so that none is taken for a local one."""
        waiting: list[Any] = list(nodes)
        while waiting:
            node = waiting.pop()
            kind = type(node)
            if kind is ast.Name:
                if type(node.ctx) is not ast.Load:
                    self.bound.add(node.id)
                if type(node.ctx) is not ast.Store:
                    self.read_here.add(node.id)
            elif kind is not ast.Constant:
                if kind in _SCOPES:
                    waiting += _SCOPES[kind](self, node)
                    continue
                if kind is ast.AugAssign and type(node.target) is ast.Name:
                    self.read_here.add(node.target.id)
                elif kind not in _COMMON:
                    self.bound.update(name for name in bound_by(node) if name)
                waiting += children(node)
        self.read |= self.read_here

    # Each of these takes note of a node with a scope of its own, and gives what of it belongs to this one.

    def _definition(self, node: ast.FunctionDef) -> list[ast.AST]:
        self.bound.add(node.name)
        self._function(node.args, node.body)
        return [*node.decorator_list, *_outside(node.args), *([node.returns] if node.returns else [])]

    def _lambda(self, node: ast.Lambda) -> list[ast.AST]:
        self._function(node.args, [node.body])
        return _outside(node.args)

    def _class(self, node: ast.ClassDef) -> list[ast.AST]:
        inner = self._inside(node.body)
        # A name that the class binds itself is looked for in the class and then in the module, past a function around it.
        past = inner.read_past | (inner.read_here & inner.bound)
        self.read |= inner.read
        self.read_past |= past
        self.bound.add(node.name)
        return [*node.decorator_list, *node.bases, *node.keywords]

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> list[ast.AST]:
        first, *others = node.generators
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        targets = [part for each in node.generators for part in walk(each.target)]
        inner = self._inside([*parts, first.target, *first.ifs, *others])
        self._take(inner, {part.id for part in targets if type(part) is ast.Name and type(part.ctx) is ast.Store})
        return [first.iter]

    def _function(self, arguments: ast.arguments, body: Iterable[ast.AST]) -> None:
        inner = self._inside(body)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        self._take(inner, inner.bound | {argument.arg for argument in every if argument is not None})

    def _inside(self, nodes: Iterable[ast.AST]) -> _Scope:
        return _Scope(nodes, has_globals=self._has_globals)

    def _take(self, inner: _Scope, local: set[str]) -> None:
        """What a function or comprehension reads that is not its own."""
        self.read |= inner.read if self._has_globals else (inner.read - local) | inner.read_past
        self.read_past |= inner.read_past


_COMMON = frozenset(
    {
        ast.Assign,
        ast.Attribute,
        ast.BinOp,
        ast.BoolOp,
        ast.Call,
        ast.Compare,
        ast.Expr,
        ast.IfExp,
        ast.Return,
        ast.Subscript,
    }
)
"""Kinds of node that bind no name."""
_SCOPES: dict[type[ast.AST], Callable[[_Scope, Any], list[ast.AST]]] = {
    ast.FunctionDef: _Scope._definition,
    ast.Lambda: _Scope._lambda,
    ast.ClassDef: _Scope._class,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _Scope._comprehension),
}


def _outside(arguments: ast.arguments) -> list[ast.AST]:
    """Defaults and annotations, which belong to the scope around the function."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    notes = [argument.annotation for argument in every if argument is not None and argument.annotation is not None]
    return [*notes, *arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]
