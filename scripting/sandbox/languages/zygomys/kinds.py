"""Which kinds of value an expression can have, as bits: what is known to be a number needs no question at run.

A function that is only ever called has parameters of the kinds that its calls give.
"""

from __future__ import annotations

from collections.abc import Iterable

from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.catalog import (
    ANY,
    ARRAY,
    BOOL,
    BUILTINS,
    FLOAT,
    HASH,
    INT,
    NIL,
    OTHER,
    STRING,
)  # fmt: skip
from scripting.sandbox.languages.zygomys.nodes import Function, Node, Scope, Variable

_MOST_ROUNDS = 12
_ARITHMETIC = frozenset({"+", "-", "*"})


class Kinds:
    """Settles the kinds of every variable of a text."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        self.variables = [variable for scope in scopes for variable in scope.variables.values()]
        self.calls: dict[Function, list[nodes.Call | nodes.Again]] = {}
        self.escaped: set[Function] = set()
        self.results: dict[Function, int] = {}
        self._functions: dict[int, Function] = {}

    def settle(self, body: list[Node], *, is_helper: bool) -> None:
        for variable in self.variables:
            values = [value for value in variable.values if value is not None]
            if len(values) == 1 == len(variable.values) and isinstance(values[0], Function):
                variable.function = values[0]
        walk = _Walk(self)
        walk.all(body)
        if is_helper:
            self.escaped.update(walk.functions)
        self.escaped.update(function for function in walk.functions if function not in walk.named)
        parameters = self._parameters(walk)
        for _ in range(_MOST_ROUNDS):
            changed = False
            for variable in self.variables:
                given = parameters.get(variable)
                kinds = ANY if variable.from_context or (given is None and None in variable.values) else variable.kinds
                for value in variable.values:
                    kinds |= self.of(value) if value is not None else 0
                for value in given or ():
                    kinds |= self.of(value)
                if kinds != variable.kinds:
                    variable.kinds, changed = kinds, True
            for function in walk.functions:
                result = self.results.get(function, 0) | (self.of(function.body[-1]) if function.body else NIL)
                if result != self.results.get(function, 0):
                    self.results[function], changed = result, True
            if not changed:
                return
        for variable in self.variables:
            variable.kinds = ANY
        self.results = dict.fromkeys(walk.functions, ANY)

    def _parameters(self, walk: _Walk) -> dict[Variable, list[Node]]:
        """For each parameter of a function that is only called: what it is given. A wrong number of arguments is no call."""
        found: dict[Variable, list[Node]] = {}
        for function in walk.functions:
            if function in self.escaped or function.rest is not None or function.lazy or function.types:
                continue
            for index, parameter in enumerate(function.parameters):
                calls = self.calls.get(function, [])
                found[parameter] = [call.arguments[index] for call in calls if index < len(call.arguments)]
        return found

    def of(self, node: Node | None) -> int:
        """The kinds that may come of this node."""
        simple = _ALWAYS.get(type(node))
        if simple is not None:
            return simple
        match node:
            case nodes.Const(value=value):
                return _kind_of(value)
            case nodes.Read():
                return self._read(node)
            case nodes.Builtin(name=name, arguments=arguments):
                return self._builtin(name, arguments)
            case nodes.Call(function=nodes.Read(candidates=[variable], otherwise="")) if variable.function is not None:
                return self.results.get(variable.function, 0)
            case nodes.Begin(body=body) | nodes.Inner(body=body):
                return self.of(body[-1]) if body else NIL
            case nodes.Cond(branches=branches, default=default):
                return self._any_of([default, *[value for _, value in branches]])
            case nodes.Logic(parts=parts):
                return self._any_of(parts)
            case nodes.Assign(value=value, gives_nil=gives_nil):
                return NIL if gives_nil else self.of(value)
            case nodes.Put(value=value):
                return self.of(value)
        return ANY

    def _any_of(self, parts: Iterable[Node]) -> int:
        kinds = 0
        for part in parts:
            kinds |= self.of(part)
        return kinds

    def _read(self, node: nodes.Read) -> int:
        if node.otherwise == "context":
            return ANY
        kinds = 0
        for variable in node.candidates:
            kinds |= variable.kinds
        if node.otherwise == "builtin":
            kinds |= NIL if node.name in {"nil", "null"} else OTHER
        return kinds

    def _builtin(self, name: str, arguments: list[Node]) -> int:
        if name in _ARITHMETIC or name == "/" or name == "**":
            if name == "*" and len(arguments) < 2:
                return ANY
            kinds = 0
            for argument in arguments:
                kinds |= self.of(argument)
            if kinds & ~(INT | FLOAT):
                return INT | FLOAT | OTHER
            if name == "/":
                return INT | FLOAT
            return kinds
        if name in {"concat", "append"} and arguments:
            kinds = self.of(arguments[0])
            return kinds if not kinds & ~(STRING | ARRAY) else ANY
        if name == "mod" and all(self.of(argument) == INT for argument in arguments):
            return INT
        if name in BUILTINS:
            return BUILTINS[name][1]
        return ANY


_ALWAYS: dict[type, int] = {
    type(None): NIL,
    nodes.For: NIL,
    nodes.Range: NIL,
    nodes.Assert: NIL,
    nodes.Expect: NIL,
    nodes.Leave: 0,
    nodes.Again: 0,
    nodes.Array: ARRAY,
    nodes.Cut: ARRAY,
    nodes.Function: OTHER,
    nodes.StructDecl: OTHER,
    nodes.PackageDecl: OTHER,
    nodes.Delayed: OTHER,
}


def _kind_of(value: object) -> int:
    if value is None:
        return NIL
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT
    if isinstance(value, float):
        return FLOAT
    if isinstance(value, str):
        return STRING
    return ARRAY if isinstance(value, list) else HASH if isinstance(value, dict) else OTHER


class _Walk:
    """Finds every function and its calls; one that is used otherwise has escaped."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.functions: list[Function] = []
        self.named: set[Function] = set()

    def all(self, parts: Iterable[Node | None]) -> None:
        for part in parts:
            if part is not None:
                self.node(part)

    def node(self, node: Node) -> None:
        match node:
            case nodes.Function():
                self.functions.append(node)
            case nodes.Read(candidates=candidates):
                for variable in candidates:
                    self.kinds.escaped.update(value for value in variable.values if isinstance(value, Function))
            case nodes.Call(function=function, arguments=arguments):
                self._call(node, function)
                self.all(arguments)
                return
            case nodes.Again(function=function):
                self.kinds.calls.setdefault(function, []).append(node)
            case nodes.Assign(value=value, target=target, gives_nil=True):
                if isinstance(value, Function) and target is not None and target.function is value:
                    self.named.add(value)
            case nodes.Inner(bindings=bindings):
                for variable, source in bindings:
                    if isinstance(source, Function) and variable.function is source:
                        self.named.add(source)
            case nodes.PackageDecl(scope=scope):
                self.kinds.escaped.update(v.function for v in scope.variables.values() if v.function is not None)
        self.all(nodes.children(node))

    def _call(self, call: nodes.Call, function: Node) -> None:
        if isinstance(function, nodes.Read) and len(function.candidates) == 1:
            target = function.candidates[0].function
            if target is not None:
                self.kinds.calls.setdefault(target, []).append(call)
                return
        self.node(function)
