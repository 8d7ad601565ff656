"""Which name means what. Long because it is one walk: a method for each kind of node, over one chain of scopes.

Block scopes with `:=`, closures, names that come with the context. Refuses what the original's compiler refuses.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import BUILTINS, MODULES, REFUSED_MODULES
from scripting.sandbox.languages.tengo.nodes import Symbol
from scripting.sandbox.languages.tengo.scanner import Places
from scripting.sandbox.policy.imports import HELPER_MODULE

_PYTHONS = {"True": "true", "False": "false", "None": "undefined"}
"""Names that a Tengo text may define and use, but that no run can bring: in Python they are none."""


@dataclass(slots=True, eq=False)
class PlacedWarning:
    """Warnings of the check."""

    message: str
    start: int
    end: int
    hint: str = ""
    is_final: bool = False
    """The run gives nothing."""


@dataclass(eq=False)
class Meaning:
    """A text whose names are resolved."""

    statements: list[nodes.Stmt]
    result: Symbol | None
    free: dict[str, Symbol]
    locals: list[Symbol]
    functions: list[nodes.Function]
    helpers: dict[str, nodes.Import]
    warnings: list[PlacedWarning]
    mentions_splice: bool
    draws: bool
    first_use: dict[str, nodes.Ident]
    is_helper: bool


class _Scope:
    __slots__ = ("function", "names", "outer")

    def __init__(self, outer: _Scope | None, function: nodes.Function | None) -> None:
        self.outer = outer
        self.function = function
        self.names: dict[str, Symbol] = {}


def resolve(statements: list[nodes.Stmt], places: Places, *, is_helper: bool) -> Meaning:
    """Resolve every name. Raises Refusal (`compilation`) for what may not be."""
    resolver = _Resolver(places, is_helper)
    resolver.statements(statements)
    return resolver.meaning(statements)


class _Resolver:
    def __init__(self, places: Places, is_helper: bool) -> None:
        self.places = places
        self.is_helper = is_helper
        self.top = self.scope = _Scope(None, None)
        self.loops = [0]
        """Loops around the current statement, for each function around it."""
        self.free: dict[str, Symbol] = {}
        self.first_use: dict[str, nodes.Ident] = {}
        self.functions: list[nodes.Function] = []
        self.locals: list[Symbol] = []
        self.helpers: dict[str, nodes.Import] = {}
        self.lost: list[nodes.Define] = []
        self.labels: dict[str, int] = {}
        self.mentions_splice = False
        self.draws = False
        self.outcomes: list[nodes.Return] = []
        """`return` outside a function."""

    def meaning(self, statements: list[nodes.Stmt]) -> Meaning:
        result = self.top.names.get("result") or self.free.get("result")
        return Meaning(
            statements, result, self.free, self.locals, self.functions, self.helpers, self._warnings(result),
            self.mentions_splice, self.draws, self.first_use, self.is_helper,
        )  # fmt: skip

    def _warnings(self, result: Symbol | None) -> list[PlacedWarning]:
        warnings: list[PlacedWarning] = []
        if self.is_helper:
            return warnings
        for define in self.lost:
            message = "this `result` is lost: `:=` defines a new one that ends with the block"
            hint = "write `result := undefined` above the block, and here `result = …`"
            warnings.append(PlacedWarning(message, define.start, define.target.end, hint))
        for leaving in self.outcomes:
            message = "`return` outside a function ends the script with this result; the original refuses it"
            end = leaving.start + len("return")
            warnings.append(PlacedWarning(message, leaving.start, end, "write `result = …`, with the rest in an else"))
        if result is None and not self.lost and not self.outcomes:
            hint = "write `result := …`"
            warnings.append(
                PlacedWarning("`result` is never assigned: the run gives nothing", -1, -1, hint, is_final=True)
            )
        return warnings

    def _refuse(self, message: str, node: nodes.Node, hint: str = "") -> None:
        self.places.refuse(message, node.start, node.end, kind="compilation", hint=hint)

    # Names

    def _define(self, name: str, *, is_parameter: bool = False) -> Symbol:
        number = self.labels[name] = self.labels.get(name, 0) + 1
        label = f"$.{name}" if number == 1 else f"$.{name}.{number}"
        function = self.scope.function
        in_loop = self.loops[-1] > 0 and (function is not None or self.is_helper) and not is_parameter
        symbol = Symbol(name, label, function, in_loop=in_loop, is_parameter=is_parameter)
        self.scope.names[name] = symbol
        (function.locals if function else self.locals).append(symbol)
        return symbol

    def _lookup(self, name: str) -> Symbol | None:
        scope: _Scope | None = self.scope
        while scope is not None:
            symbol = scope.names.get(name)
            if symbol is not None:
                return symbol
            scope = scope.outer
        return None

    def _use(self, ident: nodes.Ident, *, called: bool = False) -> None:
        symbol = self._lookup(ident.name)
        if symbol is None:
            if ident.name in BUILTINS:
                self.mentions_splice |= ident.name == "splice"
                return
            symbol = self._free(ident)
        self._capture(symbol)
        symbol.used_as_value |= not called
        ident.symbol = symbol

    def _free(self, ident: nodes.Ident) -> Symbol:
        name = ident.name
        symbol = self.free.get(name)
        if symbol is None:
            if name in _PYTHONS:
                self._refuse(f"unresolved reference '{name}'", ident, f"in Tengo it is written {_PYTHONS[name]}")
            symbol = self.free[name] = Symbol(name, f"$.{name}.0", None, is_free=True, opaque=True)
            self.first_use[name] = ident
        return symbol

    def _capture(self, symbol: Symbol) -> None:
        """Note that the functions between the use and the definition capture the symbol."""
        function = self.scope.function
        if symbol.owner is function:
            return
        symbol.captured = True
        scope: _Scope | None = self.scope
        while scope is not None and scope.function is not symbol.owner:
            inner = scope.function
            if inner is not None and symbol not in inner.captured:
                inner.captured.append(symbol)
            scope = scope.outer

    # Statements

    def statements(self, body: list[nodes.Stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _in_scope(self, function: nodes.Function | None = None) -> _Scope:
        self.scope = _Scope(self.scope, function or self.scope.function)
        return self.scope

    def _leave(self) -> None:
        assert self.scope.outer is not None
        self.scope = self.scope.outer

    def _block(self, block: nodes.Block) -> None:
        self._in_scope()
        self.statements(block.body)
        self._leave()

    def _statement(self, statement: nodes.Stmt) -> None:
        match statement:
            case nodes.ExprStmt(value=value):
                self._expression(value)
            case nodes.Define():
                self._define_statement(statement)
            case nodes.Assign():
                self._assign(statement)
            case nodes.If():
                self._if(statement)
            case nodes.For():
                self._for(statement)
            case nodes.ForIn():
                self._for_in(statement)
            case nodes.Block():
                self._block(statement)
            case nodes.Branch(word=word):
                if not self.loops[-1]:
                    self._refuse(f"{word} not allowed outside loop", statement)
            case nodes.Return(value=value):
                self._return(statement, value)
            case nodes.Export(value=value):
                if self.scope.function is not None:
                    self._refuse("export not allowed inside function", statement)
                if self.is_helper:
                    self._expression(value)

    def _return(self, statement: nodes.Return, value: nodes.Expr | None) -> None:
        if self.scope.function is None:
            if self.is_helper:
                self._refuse("return not allowed outside function", statement, "write export instead of return")
            self.outcomes.append(statement)
        if value is not None:
            self._expression(value)

    def _define_statement(self, statement: nodes.Define) -> None:
        name, value = statement.target.name, statement.value
        if name in self.scope.names or (self.scope is self.top and name in BUILTINS):
            self._refuse(
                f"'{name}' redeclared in this block", statement, "write = instead of :=, or choose another name"
            )
        if isinstance(value, nodes.Function):
            symbol = self._define(name)
            symbol.function = value
            value.symbol = symbol
            value.name = name
            self._expression(value)
        else:
            self._expression(value)
            symbol = self._define(name)
            if isinstance(value, nodes.Import) and value.name in MODULES:
                symbol.module = value.name
        symbol.values.append(value)
        statement.target.symbol = symbol
        if name == "result" and self.scope.function is None and self.scope is not self.top:
            self.lost.append(statement)

    def _assign(self, statement: nodes.Assign) -> None:
        target = statement.target
        if isinstance(target, nodes.Ident):
            self._assign_name(statement, target)
            self._expression(statement.value)
            return
        root: nodes.Expr = target
        while isinstance(root, (nodes.Selector, nodes.Index)):
            root = root.value
        if not isinstance(root, nodes.Ident):
            self._refuse("unresolved reference ''", statement, "only a variable or a part of one can be assigned to")
        self._expression(target)
        self._expression(statement.value)

    def _assign_name(self, statement: nodes.Assign, target: nodes.Ident) -> None:
        symbol = self._lookup(target.name)
        if symbol is None:
            if target.name in BUILTINS:
                self._refuse(f"the builtin '{target.name}' cannot be assigned to", target, "choose another name")
            symbol = self._free(target)  # one that does not come with the context is found out at run
        self._capture(symbol)
        function = self.scope.function
        if function is not None and symbol.owner is not function and symbol not in function.assigned:
            function.assigned.append(symbol)
        target.symbol = symbol
        symbol.writes += 1
        symbol.function = None
        symbol.module = ""
        if statement.operator == "":
            symbol.values.append(statement.value)
        elif statement.operator in {"+", "-"}:
            symbol.steps.append(statement.value)
            symbol.only_grows &= statement.operator == "+"
        else:
            symbol.opaque = True

    def _if(self, statement: nodes.If) -> None:
        self._in_scope()
        if statement.init is not None:
            self._statement(statement.init)
        self._expression(statement.condition)
        self._block(statement.body)
        if statement.orelse is not None:
            self._statement(statement.orelse)
        self._leave()

    def _for(self, statement: nodes.For) -> None:
        self._in_scope()
        if statement.init is not None:
            self._statement(statement.init)
        self.loops[-1] += 1
        if statement.condition is not None:
            self._expression(statement.condition)
        self._block(statement.body)
        if statement.post is not None:
            self._statement(statement.post)
        self.loops[-1] -= 1
        self._leave()

    def _for_in(self, statement: nodes.ForIn) -> None:
        self._in_scope()
        self._expression(statement.iterable)
        self.loops[-1] += 1
        for ident in (statement.key, statement.value):
            if ident is not None:
                ident.symbol = self._define(ident.name)
                ident.symbol.opaque = True
        self._block(statement.body)
        self.loops[-1] -= 1
        self._leave()

    # Expressions

    def _expression(self, node: nodes.Expr) -> None:
        match node:
            case nodes.Literal() | nodes.CharLiteral():
                pass
            case nodes.Ident():
                self._use(node)
            case nodes.Binary(left=left, right=right):
                self._expression(left)
                self._expression(right)
            case nodes.Selector(value=value):
                self._callee(value)
            case nodes.Call(function=function, arguments=arguments):
                self._callee(function)
                for argument in arguments:
                    self._expression(argument)
            case nodes.Index(value=value, index=index):
                self._expression(value)
                self._expression(index)
            case nodes.Unary(operand=value) | nodes.ErrorValue(value=value) | nodes.Immutable(value=value):
                self._expression(value)
            case nodes.Conditional(condition=condition, first=first, second=second):
                for part in (condition, first, second):
                    self._expression(part)
            case nodes.ArrayLiteral(items=items) | nodes.MapLiteral(values=items):
                for item in items:
                    self._expression(item)
            case nodes.Slice(value=value, low=low, high=high):
                for part_or_none in (value, low, high):
                    if part_or_none is not None:
                        self._expression(part_or_none)
            case nodes.Function():
                self._function(node)
            case nodes.Import():
                self._import(node)

    def _callee(self, node: nodes.Expr) -> None:
        """Resolve something called or selected from: a function or module stays known if nothing else happens to it."""
        if isinstance(node, nodes.Ident):
            self._use(node, called=True)
        else:
            self._expression(node)

    def _function(self, node: nodes.Function) -> None:
        self.functions.append(node)
        self._in_scope(node)
        self.scope.function = node
        self.loops.append(0)
        for parameter in node.parameters:
            parameter.symbol = self._define(parameter.name, is_parameter=True)
        self._block(node.body)
        self.loops.pop()
        self._leave()

    def _import(self, node: nodes.Import) -> None:
        name = node.name
        if name == "":
            self._refuse("empty module name", node)
        if name in MODULES:
            self.draws |= name == "rand"
            return
        if name in REFUSED_MODULES:
            self.places.refuse(
                f'the module "{name}" may not be imported', node.start, node.end,
                kind="security_violation", hint=REFUSED_MODULES[name],
            )  # fmt: skip
        root, slash, helper = name.partition("/")
        if root == HELPER_MODULE and slash and helper.isidentifier():
            self.helpers.setdefault(helper, node)
            return
        offered = ", ".join(sorted(MODULES))
        self._refuse(
            f"module '{name[:60]}' not found", node, f'modules: {offered}; helper scripts: import("shared/name")'
        )
