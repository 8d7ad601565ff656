"""Values: calls, the language's own functions, selections, quotes and hashes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.catalog import ARRAY, BOOL, BUILTINS, HASH, INT, STRING
from scripting.sandbox.languages.zygomys.lowering.arithmetic import ARITHMETIC, COMPARISONS, Arithmetic
from scripting.sandbox.languages.zygomys.nodes import Node
from scripting.sandbox.languages.zygomys.runtime.values import (
    Char,
    Mark,
    Pair,
    Scientific,
    Symbol,
    Uint64,
    Verbatim,
    iterate,
)  # fmt: skip

_PLAIN = frozenset({int, float, bool, str, type(None)})


class Expressions(Arithmetic):
    """Expressions that need no statements of their own."""

    # Literals and quotes

    def constant(self, value: Any) -> ast.expr:
        """The value made at run: what is quoted is a value of its own each time it is asked for."""
        build = self.build
        kind = type(value)
        if kind in _PLAIN:
            if kind is float and not -1e308 < value < 1e308:
                return build.call("float", build.constant(repr(value)))
            return build.constant(value)
        if kind is Symbol:
            return build.call("Symbol", build.constant(value.name))
        if kind is Pair:
            items = [self.constant(item) for item in iterate(value)]
            tail = value
            while type(tail) is Pair:
                tail = tail.tail
            return build.call("make_list", build.list_(items), *([] if tail is None else [self.constant(tail)]))
        if isinstance(value, list):
            return build.list_([self.constant(item) for item in value])
        if kind is Char:
            return build.call("Char", build.constant(value.code))
        if kind is Uint64:
            return build.call("Uint64", build.constant(value.number))
        if kind is Scientific:
            return build.call("Scientific", self.constant(float(value)))
        if kind is Verbatim:
            return build.call("Verbatim", build.constant(str(value)))
        if kind is Mark:
            return build.call("Mark", build.constant(value.sign))
        raise AssertionError(kind)

    def template(self, node: nodes.Template) -> ast.expr:
        values = self.parts([part for _, part in node.parts])
        build = self.build
        build.at(node)
        items = [
            build.starred(build.call("spliced", value)) if splices else value
            for (splices, _), value in zip(node.parts, values, strict=True)
        ]
        made = build.list_(items)
        return made if node.is_array else build.call("make_list", made)

    # Calls

    def call(self, node: nodes.Call) -> ast.expr:
        build = self.build
        function, *arguments = self.parts([node.function, *node.arguments])
        build.at(node)
        if not arguments and not self._is_function(node.function):
            return build.call("call", function)
        return build.call_value(function, arguments)

    def _is_function(self, node: Node) -> bool:
        if isinstance(node, nodes.Function):
            return True
        if not isinstance(node, nodes.Read):
            return False
        return (len(node.candidates) == 1 and not node.otherwise and node.candidates[0].function is not None) or (
            not node.candidates and node.name in BUILTINS
        )

    def builtin(self, node: nodes.Builtin) -> ast.expr:
        name, arguments = node.name, node.arguments
        if name in ARITHMETIC and len(arguments) >= 2:
            return self.arithmetic(node)
        if name in COMPARISONS and len(arguments) == 2:
            return self.comparison(node)
        special = _SPECIAL.get(name)
        if special is not None:
            made = special(self, node)
            if made is not None:
                return made
        values = self.parts(arguments)
        self.build.at(node)
        if name.startswith("$"):
            return self.build.call(name[1:], *values)
        return self.build.call_value(self.builtin_value(name), values)

    def _not(self, node: nodes.Builtin) -> ast.expr | None:
        if len(node.arguments) != 1:
            return None
        made = self.test(node.arguments[0])
        self.build.at(node)
        return self.build.not_(made)

    def test(self, node: Node) -> ast.expr:
        raise NotImplementedError

    def _null(self, node: nodes.Builtin) -> ast.expr | None:
        if len(node.arguments) != 1:
            return None
        (value,) = self.parts(node.arguments)
        self.build.at(node)
        return self.build.is_(value, self.build.constant(None))

    def _array(self, node: nodes.Builtin) -> ast.expr:
        values = self.parts(node.arguments)
        self.build.at(node)
        return self.build.list_(values)

    def _hash(self, node: nodes.Builtin) -> ast.expr | None:
        """(hash key: value …) with keys that are known."""
        keys = node.arguments[::2]
        literal = all(isinstance(key, nodes.Const) and type(key.value) in {Symbol, str, int, Verbatim} for key in keys)
        if len(node.arguments) % 2 or not literal:
            return None
        values = self.parts(node.arguments[1::2])
        build = self.build
        build.at(node)
        made = []
        for key in keys:
            assert isinstance(key, nodes.Const)
            plain = key.value
            if type(plain) is Symbol:
                made.append(build.constant(plain.name))
            else:
                made.append(
                    build.constant(plain) if type(plain) is int else build.call("Key", build.constant(str(plain)))
                )
        return build.mapping(made, values)

    def _str(self, node: nodes.Builtin) -> ast.expr | None:
        if len(node.arguments) != 1:
            return None
        (value,) = self.parts(node.arguments)
        build = self.build
        build.at(node)
        kinds = self.kinds.of(node.arguments[0])
        if kinds == INT:
            return build.call("str", value)
        if not kinds & INT:
            return build.call("builtin.str", value)
        first, named = self.kept(value)
        return build.choose(build.type_is(first, "int"), build.call("str", named), build.call("builtin.str", named))

    def _concat(self, node: nodes.Builtin) -> ast.expr | None:
        if len(node.arguments) < 2 or any(self.kinds.of(argument) != STRING for argument in node.arguments):
            return None
        return self.joined(node.arguments, node)

    def joined(self, parts: list[Node], place: Node) -> ast.expr:
        """Texts, one after another."""
        values = self.parts(parts)
        self.build.at(place)
        made = values[0]
        for value in values[1:]:
            made = self.build.binary(ast.Add(), made, value)
        return made

    def _len(self, node: nodes.Builtin) -> ast.expr | None:
        if len(node.arguments) != 1:
            return None
        kinds = self.kinds.of(node.arguments[0])
        if kinds & ~(ARRAY | HASH) and not kinds & ARRAY:
            return None
        (value,) = self.parts(node.arguments)
        build = self.build
        build.at(node)
        if not kinds & ~(ARRAY | HASH):
            return build.call("len", value)
        first, named = self.kept(value)
        return build.choose(build.type_is(first, "list"), build.call("len", named), build.call("builtin.len", named))

    def _aget(self, node: nodes.Builtin) -> ast.expr | None:
        """(aget array 3): what is not there is told by the error that Python raises."""
        if len(node.arguments) != 2:
            return None
        index = node.arguments[1]
        if not (isinstance(index, nodes.Const) and type(index.value) is int and index.value >= 0):
            return None
        (value,) = self.parts(node.arguments[:1])
        build = self.build
        build.at(node)
        first, named = self.kept(value)
        place = build.constant(index.value)
        slow = build.call("builtin.aget", named, place)
        return build.choose(build.type_is(first, "list"), build.item(named, place), slow)

    def _hget(self, node: nodes.Builtin) -> ast.expr | None:
        """(hget hash %key default)"""
        if len(node.arguments) not in {2, 3}:
            return None
        key = node.arguments[1]
        if not (isinstance(key, nodes.Const) and type(key.value) is Symbol) or key.value.is_dotted:
            return None
        container, *default = self.parts([node.arguments[0], *node.arguments[2:]])
        build = self.build
        build.at(node)
        name = build.constant(key.value.name)
        if default:
            return build.call("field_or", container, name, *default)
        return build.call("hget_field", container, name)

    def _defined(self, node: nodes.Builtin) -> ast.expr | None:
        read = node.arguments[0]
        assert isinstance(read, nodes.Read)
        build = self.build
        build.at(node)
        if read.candidates and not read.otherwise and len(read.candidates) == 1 and not read.candidates[0].is_checked:
            return build.constant(True)
        questions = [self.is_bound(variable) for variable in read.candidates]
        known = build.constant(read.otherwise == "builtin" or (read.otherwise == "" and bool(read.candidates)))
        return build.any_of(*questions, known) if questions else known

    # Selections

    def field_of(self, container: ast.expr, name: str) -> ast.expr:
        """container.name: only hashes, records and packages take a text as an index."""
        return self.build.item(container, self.build.constant(name))

    def field(self, node: nodes.Field) -> ast.expr:
        container = self.value(node.container)
        self.build.at(node)
        return self.field_of(container, node.name)

    def colon(self, node: nodes.Colon) -> ast.expr:
        build = self.build
        parts = [node.container] if node.default is None else [node.container, node.default]
        container, *default = self.parts(parts)
        key, evaluated = node.key, node.evaluated
        is_bare = isinstance(evaluated, nodes.Read) and not evaluated.candidates and evaluated.otherwise == "context"
        build.at(node)
        if type(key) is Symbol and not default and not key.is_dotted:
            if is_bare:
                return self.field_of(container, key.name)
            first, named = self.kept(container)
            quick = build.item(named, build.constant(key.name))
            slow = self._slow_colon(named, key, evaluated, [])
            build.at(node)
            return build.choose(build.type_is(first, "dict"), quick, slow)
        if type(key) is Symbol and default and is_bare:
            return build.call("colon_or", container, build.constant(key.name), *default)
        return self._slow_colon(container, key, None if is_bare else evaluated, default)

    def _slow_colon(self, container: ast.expr, key: Any, evaluated: Node | None, default: list[ast.expr]) -> ast.expr:
        build = self.build
        thunk = build.constant(None) if evaluated is None else self.thunk(evaluated)
        written = build.constant(None) if type(key) is Pair else self.constant(key)
        return build.call("colon", container, written, thunk, *default)

    def thunk(self, node: Node) -> ast.expr:
        raise NotImplementedError

    def select(self, node: nodes.Select) -> ast.expr:
        build = self.build
        container, *selector = self.parts([node.container, *node.selector])
        build.at(node)
        if len(selector) == 1:
            index = node.selector[0]
            if isinstance(index, nodes.Const) and type(index.value) is int and index.value >= 0:
                first, named = self.kept(container)
                slow = build.call("select", named, build.list_(selector))
                return build.choose(build.type_is(first, "list"), build.item(named, selector[0]), slow)
        return build.call("select", container, build.list_(selector))

    def cut(self, node: nodes.Cut) -> ast.expr:
        nothing = nodes.Const(node.start, node.end, None)
        values = self.parts([node.container, node.low or nothing, node.high or nothing])
        self.build.at(node)
        return self.build.call("cut", *values)

    def is_bool(self, node: Node) -> bool:
        return self.kinds.of(node) == BOOL


_SPECIAL: dict[str, Callable[[Expressions, nodes.Builtin], ast.expr | None]] = {
    "not": Expressions._not,
    "null?": Expressions._null,
    "array": Expressions._array,
    "hash": Expressions._hash,
    "str": Expressions._str,
    "concat": Expressions._concat,
    "len": Expressions._len,
    "aget": Expressions._aget,
    "hget": Expressions._hget,
    "defined?": Expressions._defined,
}
