"""Scopes of a Python tree: which names each one binds, by what, and which scope a name that is read belongs to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from scripting.sandbox.policy.transformer import bound_by
from scripting.sandbox.policy.tree import children, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Place = tuple[int, int]
"""A 1-based line and an offset in bytes."""


@dataclass(eq=False)
class Binding:
    """One place that binds a name."""

    by: Literal["value", "item", "step", "function", "class", "import", "parameter", "other"]
    """A value, an item of a value, an augmented assignment, …"""
    node: ast.AST
    scope: Scope
    """Where the binding stands: of a `global` name another scope than the one it belongs to."""
    value: ast.expr | None = None
    after: Place = (0, 0)
    """The name is bound from here on."""


@dataclass(eq=False)
class Scope:
    """The text itself, a function, a class or a comprehension."""

    kind: Literal["module", "function", "class", "comprehension"]
    outer: Scope | None
    node: ast.AST
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    outside: dict[str, bool] = field(default_factory=dict)
    """Names declared `global` (True) or `nonlocal` (False)."""

    def find(self, name: str) -> Scope | None:
        """The scope that a name read here belongs to; None where nothing in the text binds it."""
        scope: Scope | None = self
        if name in self.outside:
            scope = self._declared(name)
        while scope is not None:
            if name in scope.bindings and (scope is self or scope.kind != "class"):
                return scope
            scope = scope.outer
        return None

    def _declared(self, name: str) -> Scope | None:
        scope = self.outer
        while scope is not None and self.outside[name] and scope.outer is not None:
            scope = scope.outer
        return scope


class Scopes:
    """The scopes of one tree with everything that is read in them."""

    def __init__(self, tree: ast.Module) -> None:
        self.top = Scope("module", None, tree)
        self.of: dict[ast.AST, Scope] = {tree: self.top}
        """Function, class or comprehension to its scope."""
        self.reads: list[tuple[ast.Name, Scope]] = []
        self.calls: list[tuple[ast.Call, Scope]] = []
        self.items: list[tuple[ast.Subscript, Scope]] = []
        self.has_star = False
        """Names come from where nobody sees them."""
        self._lazy = any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__"
            and any(alias.name == "annotations" for alias in node.names)
            for node in tree.body
        )  # fmt: skip
        for statement in tree.body:
            self._visit(statement, self.top)
        self._settle()

    def sole(self, name: str, scope: Scope) -> Binding | None:
        """Return the one place that binds a name; None where there are several, or none."""
        found = scope.find(name)
        if found is None or len(found.bindings[name]) != 1:
            return None
        return found.bindings[name][0]

    def function(self, name: str, scope: Scope) -> Function | ast.Lambda | None:
        """The function of the text that a name always stands for."""
        binding = self.sole(name, scope)
        if binding is None:
            return None
        if isinstance(binding.node, ast.FunctionDef) and not binding.node.decorator_list:
            return binding.node
        return binding.value if binding.by == "value" and isinstance(binding.value, ast.Lambda) else None

    def _settle(self) -> None:
        """Give what is bound by way of `global` and `nonlocal` to the scope that it belongs to."""
        for scope in list(self.of.values()):
            for name in scope.outside:
                bindings = scope.bindings.pop(name, [])
                owner = scope._declared(name)
                while owner is not None and not scope.outside[name] and owner.outer is not None:
                    if owner.kind == "function" and name in owner.bindings:
                        break
                    owner = owner.outer
                if owner is not None and bindings:
                    owner.bindings.setdefault(name, []).extend(bindings)

    # One node

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        _VISITS.get(type(node), Scopes._other)(self, node, scope)

    def _nothing(self, node: ast.AST, scope: Scope) -> None:
        """Of a constant."""

    def _other(self, node: ast.AST, scope: Scope) -> None:
        """Of a kind that is no more than its parts, and perhaps a name."""
        for name in bound_by(node):
            if name:
                self._bind(name, Binding("other", node, scope, None, _start(node)))
        self._parts(node, scope)

    def _parts(self, node: ast.AST, scope: Scope) -> None:
        for child in children(node):
            _VISITS.get(type(child), Scopes._other)(self, child, scope)

    def _name(self, node: ast.Name, scope: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            self.reads.append((node, scope))
        else:
            self._bind(node.id, Binding("other", node, scope, None, _end(node)))

    def _call(self, node: ast.Call, scope: Scope) -> None:
        self.calls.append((node, scope))
        self._parts(node, scope)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> None:
        self.items.append((node, scope))
        self._parts(node, scope)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> None:
        self._parameters(node, self._defaults(node.args, scope))
        self._visit(node.body, self.of[node])

    def _outside(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        scope.outside.update(dict.fromkeys(node.names, isinstance(node, ast.Global)))

    def _step(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        if not isinstance(target, ast.Name):
            self._parts(node, scope)
            return
        self.reads.append((target, scope))
        self._bind(target.id, Binding("step", node, scope, node.value, _end(node)))
        self._visit(node.value, scope)

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        self._visit(node.value, scope)
        for one in node.targets:
            self._target(one, scope, "value", node.value, _end(node))

    def _named(self, node: ast.NamedExpr, scope: Scope) -> None:
        self._visit(node.value, scope)
        owner = scope
        while owner.kind == "comprehension" and owner.outer is not None:
            owner = owner.outer
        self._bind(node.target.id, Binding("value", node, owner, node.value, _end(node)))

    def _for(self, node: ast.For, scope: Scope) -> None:
        self._visit(node.iter, scope)
        self._target(node.target, scope, "item", node.iter, _end(node.iter))
        self._all((*node.body, *node.orelse), scope)

    def _all(self, nodes: Iterator[ast.AST] | tuple[ast.AST, ...], scope: Scope) -> None:
        for node in nodes:
            self._visit(node, scope)

    def _bind(self, name: str, binding: Binding) -> None:
        binding.scope.bindings.setdefault(name, []).append(binding)

    def _target(
        self, target: ast.expr, scope: Scope, by: Literal["value", "item"], value: ast.expr, after: Place
    ) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, Binding(by, target, scope, value, after))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for one in walk(target):
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                    self._bind(one.id, Binding("other", one, scope, None, after))
                elif isinstance(one, (ast.Attribute, ast.Subscript)) and isinstance(one.ctx, ast.Store):
                    self._visit(one, scope)
        else:
            self._visit(target, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if scope.kind != "function" and not self._lazy:
            self._visit(node.annotation, scope)
        if node.value is not None:
            self._visit(node.value, scope)
            self._target(node.target, scope, "value", node.value, _end(node))
        elif isinstance(node.target, ast.Name):
            self._bind(node.target.id, Binding("other", node, scope, None, _end(node)))

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            self.has_star |= alias.name == "*"
            name = alias.asname or alias.name.partition(".")[0]
            self._bind(name, Binding("import", node, scope, None, _start(node)))

    # Scopes of their own

    def _enter(self, node: ast.AST, outer: Scope, kind: Literal["function", "class", "comprehension"]) -> Scope:
        scope = self.of[node] = Scope(kind, outer, node)
        return scope

    def _defaults(self, arguments: ast.arguments, scope: Scope) -> Scope:
        self._all((*arguments.defaults, *filter(None, arguments.kw_defaults)), scope)
        return scope

    def _parameters(self, node: Function | ast.Lambda, outer: Scope) -> None:
        scope = self._enter(node, outer, "function")
        for parameter in every_parameter(node.args):
            scope.bindings[parameter.arg] = [Binding("parameter", parameter, scope, None, _start(node))]

    def _function(self, node: Function, scope: Scope) -> None:
        self._all(tuple(node.decorator_list), scope)
        self._defaults(node.args, scope)
        self._bind(node.name, Binding("function", node, scope, None, _end(node)))
        outer = self._type_parameters(node, scope)
        if not self._lazy:
            annotations = [parameter.annotation for parameter in every_parameter(node.args)]
            self._all(tuple(filter(None, (*annotations, node.returns))), outer)
        self._parameters(node, outer)
        self._all(tuple(node.body), self.of[node])

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        self._all(tuple(node.decorator_list), scope)
        self._bind(node.name, Binding("class", node, scope, None, _end(node)))
        outer = self._type_parameters(node, scope)
        self._all((*node.bases, *node.keywords), outer)
        self._all(tuple(node.body), self._enter(node, outer, "class"))

    def _type_parameters(self, node: ast.AST, scope: Scope) -> Scope:
        """`def first[T](…)`: a scope between, which has the names in the brackets."""
        given = getattr(node, "type_params", ())
        if not given:
            return scope
        between = Scope("function", scope, node)
        for one in given:
            between.bindings[one.name] = [Binding("other", one, between)]
        return between

    def _comprehension(self, node: Comprehension, scope: Scope) -> None:
        inner = self._enter(node, scope, "comprehension")
        for number, turn in enumerate(node.generators):
            self._visit(turn.iter, inner if number else scope)
            self._target(turn.target, inner, "item", turn.iter, _start(node))
            self._all(tuple(turn.ifs), inner)
        self._all((node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,), inner)


_VISITS: dict[type[ast.AST], Callable[[Scopes, Any, Scope], None]] = {
    ast.Constant: Scopes._nothing,
    ast.Name: Scopes._name,
    ast.Call: Scopes._call,
    ast.Subscript: Scopes._subscript,
    ast.Lambda: Scopes._lambda,
    ast.ClassDef: Scopes._class,
    ast.AugAssign: Scopes._step,
    ast.Assign: Scopes._assign,
    ast.AnnAssign: Scopes._annotated,
    ast.NamedExpr: Scopes._named,
    ast.For: Scopes._for,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), Scopes._function),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), Scopes._comprehension),
    **dict.fromkeys((ast.Global, ast.Nonlocal), Scopes._outside),
    **dict.fromkeys((ast.Import, ast.ImportFrom), Scopes._import),
}
"""How kinds of nodes are visited that are more than their parts."""


def every_parameter(arguments: ast.arguments) -> list[ast.arg]:
    """Parameters of a function, `*rest` and `**named` too."""
    given = (*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg)
    return [parameter for parameter in given if parameter is not None]


def _start(node: ast.AST) -> Place:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _end(node: ast.AST) -> Place:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0
