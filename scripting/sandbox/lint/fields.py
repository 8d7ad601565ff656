"""Warnings of a check: fields that a payload does not have. Reads a Python tree for what `shapes` has to know."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scripting.sandbox.lint import shapes
from scripting.sandbox.lint.finding import LanguageWarning, warning_at
from scripting.sandbox.lint.scopes import Binding, Scope, Scopes
from scripting.sandbox.lint.shapes import NOTHING, UNKNOWN, Either, Expr, Facts, Field, Item, Known, Listed, Made, Use
from scripting.sandbox.lint.sure import Sure
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.tree import children, walk

_SAME_ITEMS = frozenset({"list", "sorted", "reversed", "tuple", "dict"})
_ONE_ITEM = frozenset({"max", "min"})


def fields(scopes: Scopes, sure: Sure, around: Surroundings) -> Iterator[LanguageWarning]:
    """A warning for each field that is read and never there."""
    if not around.knows_context:
        return
    reader = _Reader(scopes, around)
    for lack in shapes.lacking(reader.facts):
        place = lack.use.place
        assert isinstance(place, ast.expr)
        if lack.how != "sometimes" or place in sure.always:
            yield warning_at(place, lack.message, lack.hint, certain=lack.is_certain)


class _Reader:
    def __init__(self, scopes: Scopes, around: Surroundings) -> None:
        self.scopes = scopes
        self.around = around
        self.facts = Facts()
        self._called = {call.func for call, _ in scopes.calls}
        self._escaped = self._functions_used_as_values()
        for scope in (scopes.top, *scopes.of.values()):
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    self.facts.bind((scope, name), self._bound(binding))
        for name in around.context & scopes.top.bindings.keys():
            self.facts.bind((scopes.top, name), Known(around.shapes(name)))
        self._results()
        for call, scope in scopes.calls:
            self._call(call, scope)
        for item, scope in scopes.items:
            self._item(item, scope)
        self._stores(scopes.top.node)
        for tree in around.helpers.values():
            self._stores_of_helper(tree)

    # Bindings

    def _functions_used_as_values(self) -> set[ast.AST]:
        found: set[ast.AST] = set()
        for node, scope in self.scopes.reads:
            function = self.scopes.function(node.id, scope)
            if function is not None and node not in self._called:
                found.add(function)
        return found

    def _bound(self, binding: Binding) -> Expr:
        if binding.by == "value" and binding.value is not None:
            return self.expression(binding.value, binding.scope)
        if binding.by == "item" and binding.value is not None:
            outer = binding.scope.outer if binding.scope.kind == "comprehension" else binding.scope
            return Item(self.expression(binding.value, outer or binding.scope))
        if binding.by == "parameter":
            return shapes.NOTHING if self._is_followed(binding.scope.node) else UNKNOWN
        return UNKNOWN

    def _is_followed(self, function: ast.AST) -> bool:
        """Whether every call of the function is known: then its parameters are what the calls give."""
        name = getattr(function, "name", None)
        outer = self.scopes.of[function].outer
        if name is None or outer is None or outer.kind == "class":
            return False
        return self.scopes.function(name, outer) is function and function not in self._escaped

    def _results(self) -> None:
        """Record the values that functions return."""
        for function, scope in self.scopes.of.items():
            if not isinstance(function, ast.FunctionDef):
                continue
            self.facts.bind(function, NOTHING)
            waiting: list[ast.AST] = list(function.body)
            while waiting:
                node = waiting.pop()
                if isinstance(node, (ast.Yield, ast.YieldFrom)):
                    self.facts.bind(function, UNKNOWN)
                elif isinstance(node, ast.Return) and node.value is not None:
                    self.facts.bind(function, self.expression(node.value, scope))
                if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
                    waiting += children(node)

    # Expressions

    def expression(self, node: ast.expr, scope: Scope) -> Expr:
        match node:
            case ast.Name():
                return self._name(node.id, scope)
            case ast.Constant() | ast.JoinedStr() | ast.Compare() | ast.UnaryOp():
                return NOTHING
            case ast.BinOp(op=ast.Sub() | ast.Div() | ast.FloorDiv() | ast.Mod() | ast.Pow()):
                return NOTHING
            case ast.BoolOp(values=values):
                return Either(tuple(self.expression(value, scope) for value in values))
            case ast.IfExp(body=first, orelse=second):
                return Either((self.expression(first, scope), self.expression(second, scope)))
            case ast.NamedExpr(value=value):
                return self.expression(value, scope)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(self.expression(value, scope), index)
            case ast.Dict(keys=keys, values=values):
                names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
                if len(names) < len(keys):
                    return UNKNOWN
                return Made({name: self.expression(value, scope) for name, value in zip(names, values, strict=True)})
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return Listed(Either(tuple(self.expression(part, scope) for part in parts)))
            case ast.ListComp() | ast.GeneratorExp():
                return Listed(self.expression(node.elt, self.scopes.of[node]))
            case ast.Call():
                return self._result_of(node, scope)
        return UNKNOWN

    def _name(self, name: str, scope: Scope) -> Expr:
        owner = scope.find(name)
        if owner is not None:
            return shapes.Variable((owner, name))
        return Known(self.around.shapes(name))

    def _subscript(self, value: Expr, index: ast.expr) -> Expr:
        match index:
            case ast.Constant(value=str() as name):
                return Field(value, name)
            case ast.Slice():
                return value
        return Item(value)

    def _result_of(self, node: ast.Call, scope: Scope) -> Expr:
        match node:
            case ast.Call(
                func=ast.Attribute(attr="get", value=value), args=[ast.Constant(value=str() as name), *default]
            ):
                found = Field(self.expression(value, scope), name)
                return Either((found, *(self.expression(one, scope) for one in default))) if default else found
            case ast.Call(func=ast.Attribute(attr="copy", value=value), args=[]):
                return self.expression(value, scope)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                function = self.scopes.function(name, scope)
                if isinstance(function, ast.FunctionDef):
                    return shapes.Variable(function)
                if scope.find(name) is not None:
                    return UNKNOWN
                if name == "get_context":
                    return Known(self.around.whole)
                if name in _SAME_ITEMS and len(arguments) == 1 and (name == "sorted" or not node.keywords):
                    return self.expression(arguments[0], scope)
                if name in _ONE_ITEM and len(arguments) == 1:
                    return Item(self.expression(arguments[0], scope))
        return UNKNOWN

    # What is read and stored

    def _call(self, node: ast.Call, scope: Scope) -> None:
        match node.func:
            case ast.Attribute(attr="get", value=value) if node.args:
                self._use(node.args[0], value, scope, must_exist=False)
            case ast.Attribute(attr="update", value=value):
                self._update(node, value, scope)
            case ast.Attribute(attr="setdefault" | "pop", value=value) if node.args:
                self._store(node.args[0], value, scope)
            case ast.Name(id=name):
                function = self.scopes.function(name, scope)
                if isinstance(function, ast.FunctionDef) and self._is_followed(function):
                    self._arguments(node, function, scope)

    def _item(self, node: ast.Subscript, scope: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.slice, node.value, scope, must_exist=True)
        else:
            self._store(node.slice, node.value, scope)

    def _use(self, key: ast.expr, value: ast.expr, scope: Scope, *, must_exist: bool) -> None:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.facts.uses.append(Use(self.expression(value, scope), key.value, key, must_exist))

    def _store(self, key: ast.expr, value: ast.expr, scope: Scope) -> None:
        if not isinstance(key, ast.Constant):
            self.facts.stores.append(self.expression(value, scope))
        elif isinstance(key.value, str):
            self.facts.stored.names.add(key.value)

    def _update(self, node: ast.Call, value: ast.expr, scope: Scope) -> None:
        self.facts.stored.names |= {keyword.arg for keyword in node.keywords if keyword.arg}
        for given in node.args:
            made = self.expression(given, scope)
            if isinstance(made, Made):
                self.facts.stored.names |= made.fields.keys()
            else:
                self.facts.stores.append(self.expression(value, scope))
        if any(keyword.arg is None for keyword in node.keywords):
            self.facts.stores.append(self.expression(value, scope))

    def _arguments(self, node: ast.Call, function: ast.FunctionDef, scope: Scope) -> None:
        inner = self.scopes.of[function]
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        is_open = any(isinstance(given, ast.Starred) for given in node.args) or any(
            k.arg is None for k in node.keywords
        )
        for parameter in (*positional, *arguments.kwonlyargs):
            value = UNKNOWN if is_open else None
            if value is None:
                given = self._given(node, positional, parameter)
                value = NOTHING if given is None else self.expression(given, scope)
            self.facts.bind((inner, parameter.arg), value)
        defaults = zip(reversed(positional), reversed(arguments.defaults), strict=False)
        named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for parameter, default in (*defaults, *named):
            if default is not None and inner.outer is not None:
                self.facts.bind((inner, parameter.arg), self.expression(default, inner.outer))
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                self.facts.bind((inner, rest.arg), UNKNOWN)

    def _given(self, node: ast.Call, positional: list[ast.arg], parameter: ast.arg) -> ast.expr | None:
        if parameter in positional and positional.index(parameter) < len(node.args):
            return node.args[positional.index(parameter)]
        return next((keyword.value for keyword in node.keywords if keyword.arg == parameter.arg), None)

    def _stores(self, tree: ast.AST) -> None:
        """Fields that the text itself asks for or merges in: `"armour" in unit`, `unit |= more`."""
        for node in walk(tree):
            match node:
                case ast.Compare(left=ast.Constant(value=str() as name), ops=[ast.In() | ast.NotIn(), *_]):
                    self.facts.stored.names.add(name)
                case ast.AugAssign(op=ast.BitOr()):
                    self.facts.stored.may_be_any = True

    def _stores_of_helper(self, tree: ast.Module) -> None:
        """A helper may be given a payload, and store into it."""
        for node in walk(tree):
            match node:
                case ast.Subscript(ctx=ast.Store(), slice=ast.Constant(value=str() as name)):
                    self.facts.stored.names.add(name)
                case ast.Subscript(ctx=ast.Store(), slice=ast.Constant()):
                    pass
                case ast.Call(func=ast.Attribute(attr="update" | "setdefault")):
                    self.facts.stored.may_be_any = True
                case ast.Subscript(ctx=ast.Store()):
                    self.facts.stored.may_be_any = True
