"""Warnings of a check about a Zygomys text: fields that no payload has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.nodes import Node, Read, children
from scripting.sandbox.languages.zygomys.runtime.values import Symbol
from scripting.sandbox.lint import shapes
from scripting.sandbox.lint.shapes import (
    NOTHING,
    UNKNOWN,
    Either,
    Expr,
    Facts,
    Field,
    Item,
    Known,
    Lack,
    Listed,
    Made,
    Use,
)
from scripting.sandbox.lint.surroundings import Surroundings

_STORING = frozenset({"hset", "hdel"})


def lacking_fields(body: Sequence[Node], around: Surroundings, *, has_helpers: bool) -> Iterator[Lack]:
    """The fields that are read and not there; the place of each is a Node."""
    if around.knows_context and not has_helpers:  # a helper may store into what it is given
        yield from shapes.lacking(_Reader(body, around).facts)


class _Reader:
    def __init__(self, body: Sequence[Node], around: Surroundings) -> None:
        self.around = around
        self.facts = Facts()
        self._called: set[Read] = set()
        self._reads: list[Read] = []
        for node in body:
            self._survey(node)
        self._escaped = {one for read in self._reads if read not in self._called for one in read.candidates}
        for node in body:
            self.expression(node)

    def _survey(self, node: Node) -> None:
        """Note which names are read, and which of those are only called."""
        if isinstance(node, Read):
            self._reads.append(node)
        elif isinstance(node, nodes.Call) and isinstance(node.function, Read):
            self._called.add(node.function)
        elif isinstance(node, (nodes.Evaluate, nodes.Delayed)):
            self.facts.stored.may_be_any = True
        for child in children(node):
            self._survey(child)

    def _all(self, parts: Sequence[Node | None]) -> list[Expr]:
        return [self.expression(part) for part in parts if part is not None]

    def _last(self, parts: Sequence[Node]) -> Expr:
        found = self._all(parts)
        return found[-1] if found else NOTHING

    def expression(self, node: Node) -> Expr:
        match node:
            case nodes.Const():
                return NOTHING
            case Read():
                return self._name(node)
            case nodes.Colon():
                return self._colon(node)
            case nodes.Field(container=container, name=name):
                return self._field(self.expression(container), name, node)
            case nodes.Cond(branches=branches, default=default):
                self._all([test for test, _ in branches])
                return Either(tuple(self._all([*(value for _, value in branches), default])))
            case nodes.Logic(parts=parts):
                return Either(tuple(self._all(parts)))
            case nodes.Begin(body=body):
                return self._last(body)
            case nodes.Array(items=items):
                return Listed(Either(tuple(self._all(items))))
            case nodes.Inner(bindings=bindings, body=body):
                for variable, value in bindings:
                    self.facts.bind(variable, self.expression(value))
                return self._last(body)
            case nodes.Assign():
                return self._assign(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Builtin(name=name, arguments=arguments):
                return self._builtin(node, name, arguments)
        self._other(node)
        return UNKNOWN

    def _other(self, node: Node) -> None:
        """Record an expression whose value is not known."""
        match node:
            case nodes.MultiAssign(targets=targets, value=value):
                self.expression(value)
                for target in targets:
                    self._give(target, UNKNOWN)
            case nodes.Range(source=source, targets=targets, body=body):
                of = self.expression(source)
                for number, target in enumerate(targets):
                    self._give(target, Item(of) if number else NOTHING)
                self._all(body)
            case nodes.Function():
                self._function(node)
            case nodes.Put(target=target, value=value):
                self.expression(value)
                self._put(target)
            case _:
                self._all(list(children(node)))

    def _name(self, node: Read) -> Expr:
        found: list[Expr] = [shapes.Variable(variable) for variable in node.candidates]
        if node.otherwise == "context" and node.name in self.around.context:
            found.append(Known(self.around.shapes(node.name)))
        elif node.otherwise == "builtin":
            found.append(UNKNOWN)
        return Either(tuple(found)) if found else UNKNOWN

    def _colon(self, node: nodes.Colon) -> Expr:
        value = self.expression(node.container)
        default = [] if node.default is None else [self.expression(node.default)]
        if not isinstance(node.key, Symbol):
            return UNKNOWN
        return Either((self._field(value, node.key.name, node), *default))

    def _field(self, value: Expr, name: str, place: Node) -> Expr:
        self.facts.uses.append(Use(value, name, place))
        return Field(value, name)

    def _give(self, target: nodes.Assign, value: Expr) -> None:
        for variable in (*target.candidates, target.target):
            if variable is not None:
                self.facts.bind(variable, value)

    def _assign(self, node: nodes.Assign) -> Expr:
        value = UNKNOWN if node.value is None else self.expression(node.value)
        self._give(node, value)
        return value

    def _put(self, target: Node) -> None:
        match target:
            case nodes.Field(container=container, name=name):
                self.expression(container)
                self.facts.stored.names.add(name)
            case nodes.Select(container=container):
                self.facts.stores.append(self.expression(container))
            case _:
                self.facts.stored.may_be_any = True

    # Functions

    def _is_followed(self, function: nodes.Function) -> bool:
        """Whether every call of it is known."""
        return any(one.function is function and one not in self._escaped for one in self._holders(function))

    def _holders(self, function: nodes.Function) -> list[nodes.Variable]:
        scope = function.scope.outer
        found = scope.variables.get(function.name) if scope is not None else None
        return [found] if found is not None else []

    def _function(self, node: nodes.Function) -> None:
        for parameter in node.parameters:
            self.facts.bind(parameter, NOTHING if self._is_followed(node) and not node.repeats else UNKNOWN)
        if node.rest is not None:
            self.facts.bind(node.rest, UNKNOWN)
        self.facts.bind(node, self._last(node.body))

    def _call(self, node: nodes.Call) -> Expr:
        given = self._all(node.arguments)
        called = node.function
        if not isinstance(called, Read):
            self.expression(called)
            return UNKNOWN
        if not called.candidates:
            return Known(self.around.whole) if called.name == "get_context" else UNKNOWN
        function = called.candidates[0].function
        if len(called.candidates) > 1 or function is None:
            return UNKNOWN
        for number, parameter in enumerate(function.parameters):
            self.facts.bind(parameter, given[number] if number < len(given) else UNKNOWN)
        return shapes.Variable(function)

    def _builtin(self, node: Node, name: str, arguments: list[Node]) -> Expr:
        given = self._all(arguments)
        text = _key(arguments[1]) if len(arguments) > 1 else None
        if name == "hash":
            keys = [_key(argument) for argument in arguments[::2]]
            return (
                Made({key: value for key, value in zip(keys, given[1::2], strict=False) if key})
                if all(keys)
                else UNKNOWN
            )
        if name in _STORING:
            if text is None:
                self.facts.stores.append(given[0] if given else UNKNOWN)
            else:
                self.facts.stored.names.add(text)
        elif name == "hget" and text is not None:
            return Either((self._field(given[0], text, node), *given[2:]))
        return UNKNOWN


def _key(node: Node) -> str | None:
    """The name that a key is written as."""
    value = node.value if isinstance(node, nodes.Const) else None
    return value.name if isinstance(value, Symbol) else value if isinstance(value, str) else None
