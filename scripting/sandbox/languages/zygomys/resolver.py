"""From forms to the tree: special forms, macros, infix and assignments told apart, names tied to scopes, mistakes refused at their place.

Long because it is one table: a method for each special form, in the order of the original's generator.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, NoReturn

from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.catalog import BUILTINS, REFUSED, RESERVED
from scripting.sandbox.languages.zygomys.forms import (
    arguments_of,
    as_data,
    assignment_place,
    head_name,
    is_list,
    is_mark,
    iterate,
    make_list,
    quoted_symbol,
)  # fmt: skip
from scripting.sandbox.languages.zygomys.infix import Infix
from scripting.sandbox.languages.zygomys.macros import Macro, Macros
from scripting.sandbox.languages.zygomys.nodes import Assign, Node, Scope
from scripting.sandbox.languages.zygomys.runtime.shown import shown
from scripting.sandbox.languages.zygomys.runtime.values import Mark, Pair, Symbol, Vector
from scripting.sandbox.languages.zygomys.scanner import Places
from scripting.sandbox.policy.refusal import Refusal

_PURE = frozenset(
    "keys list array hash concat append appendslice slice rest cdr first second car hget aget : quote split nsplit".split()
)
"""Functions that a range may ask once instead of in each turn."""


LONGEST_SHOWN = 4000


class Resolver:
    """Resolves one text."""

    def __init__(self, places: Places, *, is_helper: bool) -> None:
        self.places = places
        self.is_helper = is_helper
        self.macros = Macros(places)
        self.infix = Infix(places, lambda name: name)
        self.scope = Scope(None, None)
        self.top = self.scope
        self.every_scope = [self.scope]
        self.function: nodes.Function | None = None
        self.loops: list[nodes.For | nodes.Range] = []
        self.scopes: list[Scope] = []
        """Of the function at hand, inside it."""
        self.reads: list[nodes.Read] = []
        self.helpers: dict[str, nodes.Import] = {}
        self.warnings: list[tuple[str, int, int, str]] = []
        self.records: set[str] = set()
        """Names that `defmap` and `struct` have made constructors of."""
        self.lazies: dict[str, frozenset[int]] = {}

    def text(self, forms: list[Any]) -> list[Node]:
        """The forms of a whole text."""
        return [self.node(form) for form in forms if type(form) is not Mark]

    # Refusals

    def refuse(self, form: Any, message: str, hint: str = "", *, kind: str = "compilation") -> NoReturn:
        start = getattr(form, "start", -1)
        end = getattr(form, "end", -1)
        if start < 0:
            start, end = self._place
        self.places.refuse(message, max(start, 0), max(end, 0), kind=kind, hint=hint)

    _place = (0, 0)

    # One form

    def node(self, form: Any, *, tail: bool = False) -> Node:
        kind = type(form)
        if kind is Pair:
            before, self._place = self._place, (form.start, form.end) if form.start >= 0 else self._place
            made = self._list(form, tail=tail)
            self._place = before
            return made
        if kind is Symbol:
            return self._symbol(form)
        if kind is Vector or kind is list:
            return nodes.Array(*self._at(form), [self.node(item) for item in form])
        if kind is Mark:
            hint = (
                "leave it out: arguments are separated by spaces"
                if form.sign == ","
                else "it stands between expressions in { }"
            )
            self.refuse(form, f"{form.sign} is no argument", hint)
        return nodes.Const(*self._place, form)

    def _at(self, form: Any) -> tuple[int, int]:
        start = getattr(form, "start", -1)
        return (start, form.end) if start >= 0 else self._place

    def _symbol(self, symbol: Symbol) -> Node:
        name = symbol.name
        at = self._at(symbol)
        if symbol.colon or name[:1] == "?":
            return nodes.Const(*at, Symbol(name))
        if self.macros.has(name) and not self._is_local(name):
            self.refuse(symbol, f"'{name}' is a macro: it can only be called", f"write ({name} …)")
        if name[0] == ".":
            return nodes.Const(*at, Symbol(name))
        if "." in name:
            return self._dotted(name, at)
        return self._read(name, at)

    def _read(self, name: str, at: tuple[int, int]) -> nodes.Read:
        made = nodes.Read(*at, name, self.scope)
        self.reads.append(made)
        return made

    def _dotted(self, name: str, at: tuple[int, int]) -> Node:
        first, *names = name.lstrip(".").split(".")
        made: Node = self._read(first, at)
        for part in names:
            made = nodes.Field(*at, made, part)
        return made

    def _is_local(self, name: str) -> bool:
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.variables:
                return True
            scope = scope.outer
        return False

    # Lists

    def _list(self, form: Pair, *, tail: bool) -> Node:
        items: list[Any] = []
        place = 0
        cell: Any = form
        while type(cell) is Pair:
            item = cell.head
            if not place and type(item) is Symbol and (item.name == "=" or item.name == ":="):
                place = len(items)
            items.append(item)
            cell = cell.tail
        if cell is not None:
            return nodes.Const(*self._place, as_data(form))
        if place:
            made = self._assignments(form, place)
            if made is not None:
                return made
        given = items[1:]
        head = form.head
        if type(head) is not Symbol:
            if isinstance(head, list):
                return self._type_call(form, head)
            return self._call(form, self.node(head), "")
        name = head.name
        if not head.colon and not self._is_local(name):
            special = _SPECIAL.get(name)
            if special is not None:
                return special(self, form, given, tail)
            if self.macros.has(name):
                return self._expanded(name, form, tail=tail)
            if name in REFUSED:
                self.refuse(form, f"{name} is not part of the script language", REFUSED[name])
            if name in BUILTINS or name in _CALLED_DIRECTLY:
                return self._builtin(form, name, given)
        function = self.function
        if tail and function is not None and name == function.name and self._is_own(name):
            return self._again(form, function)
        return self._call(form, self._symbol(head), name)

    def _is_own(self, name: str) -> bool:
        """Whether the name still is the function that is being read: nothing inside it has that name."""
        scope: Scope | None = self.scope
        while scope is not None and scope.function is self.function and scope.outer is not None:
            if name in scope.variables:
                return False
            scope = scope.outer
        return True

    def _again(self, form: Pair, function: nodes.Function) -> Node:
        arguments = [self.node(argument) for argument in arguments_of(form)]
        wanted = len(function.parameters)
        exact = len(arguments) == wanted or (function.rest is not None and len(arguments) >= wanted)
        if not exact or function.lazy or function.types:
            return nodes.Call(*self._place, self._symbol(form.head), arguments, [])
        function.repeats = True
        return nodes.Again(*self._place, function, arguments)

    def _expanded(self, name: str, form: Pair, *, tail: bool) -> Node:
        if name == "range" and name not in self.macros.own:
            quick = self._quick_range(form)
            if quick is not None:
                return quick
        if name == "defmap" and name not in self.macros.own:
            self.records.update(_names_in(arguments_of(form), set()))
        made = self.macros.expand(name, form)
        before, self._place = self._place, (form.start, form.end) if form.start >= 0 else self._place
        node = self.node(made, tail=tail)
        self._place = before
        self.macros.done()
        return node

    def _call(self, form: Pair, function: Node, name: str) -> Node:
        given = arguments_of(form)
        if name in self.records:
            given = [item for item in given if not is_mark(item, ",")]
        lazy = self.lazies.get(name, frozenset())
        arguments = []
        for index, argument in enumerate(given):
            value = self.node(argument)
            arguments.append(
                nodes.Delayed(*self._place, as_data(argument), self._thunk(value)) if index in lazy else value
            )
        return nodes.Call(*self._place, function, arguments, [])

    def _thunk(self, value: Node) -> Node:
        return value

    def _builtin(self, form: Pair, name: str, given: list[Any]) -> Node:
        if name == "eval":
            here = nodes.Read(*self._place, "$scope", self.scope)
            return nodes.Evaluate(*self._place, [self.node(argument) for argument in given], {"$scope": here})
        if name == "defined?" and len(given) == 1:
            return self._defined(given[0])
        if name in {"hash", "msgmap"} or name == "field":
            given = [item for item in given if not (type(item) is Mark and item.sign == ",")]
            given = [item for item in given if not (type(item) is Symbol and item.name == ":" and not item.colon)]
        if name == "hset" and len(given) == 4 and type(given[2]) is Symbol and given[2].name == ":":
            given = [*given[:2], given[3]]
        if name == "hashidx" and len(given) == 2:
            return self._hash_index(given)
        if name == "arrayidx" and len(given) == 2 and isinstance(given[1], list):
            return self._select(given[0], given[1])
        return nodes.Builtin(*self._place, name, [self.node(argument) for argument in given])

    def _defined(self, form: Any) -> Node:
        symbol = quoted_symbol(form)
        name = form if isinstance(form, str) else symbol.name if symbol else form.name if type(form) is Symbol else ""
        if not name:
            return nodes.Const(*self._place, False)
        if name in BUILTINS or self.macros.has(name):
            return nodes.Const(*self._place, name in BUILTINS)
        return nodes.Builtin(*self._place, "defined?", [self._read(str(name), self._place)])

    def _hash_index(self, given: list[Any]) -> Node:
        container, selector = given
        if type(selector) is Symbol:
            made = self.node(container)
            for part in selector.name.lstrip(".").split("."):
                made = nodes.Field(*self._place, made, part)
            return made
        return nodes.Builtin(*self._place, "hashidx", [self.node(container), self.node(selector)])

    def _select(self, container: Any, selector: list[Any]) -> Node:
        colons = [index for index, item in enumerate(selector) if type(item) is Symbol and item.name == ":"]
        made = self.node(container)
        if colons:
            place = colons[0]
            low = self.node(selector[0]) if place else None
            high = self.node(selector[-1]) if place < len(selector) - 1 else None
            return nodes.Cut(*self._place, made, low, high)
        return nodes.Select(*self._place, made, [self.node(item) for item in selector])

    def _type_call(self, form: Pair, head: list[Any]) -> Node:
        """([] int64)"""
        given = arguments_of(form)
        if not head and len(given) == 1:
            return nodes.Builtin(*self._place, "sliceOf", [self.node(given[0])])
        return self._call(form, self.node(head), "")

    # Assignments

    def _check_target(self, symbol: Symbol, word: str) -> None:
        name = symbol.name
        kind = "built-in function" if name in BUILTINS or name in REFUSED else ""
        kind = kind or ("macro" if self.macros.has(name) else "reserved word" if name in RESERVED else "")
        if kind:
            self.refuse(
                symbol, f"already have {kind} '{name}', refusing to overwrite with {word}", "choose another name"
            )

    def _target(self, form: Any, word: str) -> Symbol:
        symbol = form if type(form) is Symbol else quoted_symbol(form)
        if symbol is None:
            self.refuse(form, f"{word}: left-hand-side must be a symbol")
        self._check_target(symbol, word)
        return symbol

    def _assign(self, symbol: Symbol, value: Node | None, *, is_def: bool) -> Assign:
        name = symbol.name
        made = Assign(*self._place, name, self.scope, is_def, value)
        if is_def:
            made.target = self.scope.variable(name)
            made.target.binds += 1
            made.target.values.append(value)
        return made

    def _assignments(self, form: Pair, place: int) -> Node | None:
        """(a b = 1 2); None if it is a call after all."""
        items = list(iterate(form))
        targets, values = items[:place], items[place + 1 :]
        head = targets[0]
        if type(head) is not Symbol and quoted_symbol(head) is None and type(head) is not Pair:
            return None
        if type(head) is Symbol and head.name in {"set", "def"}:
            self.refuse(form, f"Wrong number of arguments to {head.name}", "write (set name value), or (name = value)")
        if type(head) is Symbol and (head.name in BUILTINS or head.name in RESERVED or self.macros.has(head.name)):
            return None
        if not values:
            self.refuse(form, "bad assignment syntax: no right-hand-side")
        if len(targets) != len(values):
            counts = f"left-hand-side had {len(targets)}, while right-hand-side had {len(values)}"
            self.refuse(form, f"assignment imbalance: {counts}")
        made = [self._define(target, value, "def") for target, value in zip(targets, values, strict=True)]
        return made[0] if len(made) == 1 else nodes.Begin(*self._place, made)

    def _define(self, target: Any, source: Any, word: str) -> Node:
        """(def target value), (set target value)"""
        symbol = target if type(target) is Symbol else None
        if symbol is None and type(target) is Pair:
            symbol = quoted_symbol(target)
            if symbol is None:
                return self._put(target, source)
            word = "def"
        if symbol is None:
            self.refuse(target, f"{word}: left-hand-side must be a symbol")
        if symbol.name[:1] == "?" or symbol.colon:
            return self.node(source)  # sigils are what they are, whatever is assigned
        self._check_target(symbol, word)
        if "." in symbol.name and symbol.name != ".":
            made = self._dotted(symbol.name, self._at(symbol))
            if isinstance(made, nodes.Read):
                symbol = Symbol(symbol.name.lstrip("."), symbol.start, symbol.end)
            else:
                return nodes.Put(*self._place, made, self.node(source))
        value = self.node(source)
        return self._assign(symbol, value, is_def=word == "def")

    def _put(self, target: Pair, source: Any) -> Node:
        forms = (
            self.infix.forms(target.tail.head)
            if head_name(target) == "infix" and type(target.tail) is Pair
            else [target]
        )
        target = forms[-1]
        if type(target) is Symbol:
            return self._define(target, source, "set")
        name = head_name(target)
        if name == "comma":
            return self._comma_assignment(target, source)
        if name not in {"arrayidx", "hashidx"}:
            self.refuse(target, "this cannot be assigned to", "assign to a name, a field or an element")
        place = self.node(target)
        if not isinstance(place, (nodes.Field, nodes.Select, nodes.Builtin)):
            self.refuse(target, "SexpArraySelector: assigning to slices is not implemented", "assign to one element")
        return nodes.Put(*self._at(target), place, self.node(source))

    def _comma_assignment(self, target: Pair, source: Any) -> Node:
        names = _comma_items(target)
        if not all(type(name) is Symbol for name in names):
            self.refuse(target, "assignment error: each name before = must be a symbol")
        value = self.node(source)
        targets = [self._assign(self._target(name, "def"), None, is_def=True) for name in names]
        return nodes.MultiAssign(*self._place, targets, value, False)

    # Scopes

    @contextmanager
    def _inside(self, scope: Scope) -> Any:
        outer, self.scope = self.scope, scope
        self.scopes.append(scope)
        try:
            yield
        finally:
            self.scope = outer

    def _new_scope(self) -> Scope:
        made = Scope(self.scope, self.function, repeats=bool(self.loops))
        self.every_scope.append(made)
        return made

    # Special forms

    def _quote(self, form: Pair, given: list[Any], tail: bool) -> Node:
        return nodes.Const(*self._place, as_data(given[0]) if given else None)

    def _logic(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if not given:
            self.refuse(form, f"({form.head.name}) needs something to look at")
        parts = [self.node(item) for item in given[:-1]]
        return nodes.Logic(*self._place, form.head.name == "or", [*parts, self.node(given[-1], tail=tail)])

    def _cond(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) % 2 == 0:
            self.refuse(
                form, "missing default case", "cond takes tests and values in turn, then what counts if no test holds"
            )
        branches = []
        for index in range(0, len(given) - 1, 2):
            test = self.node(given[index])
            branches.append((test, self.node(given[index + 1], tail=tail)))
        return nodes.Cond(*self._place, branches, self.node(given[-1], tail=tail))

    def _body(self, forms: list[Any], *, tail: bool) -> list[Node]:
        forms = [form for form in forms if type(form) is not Mark]
        return [self.node(form, tail=tail and index == len(forms) - 1) for index, form in enumerate(forms)]

    def _begin(self, form: Pair, given: list[Any], tail: bool) -> Node:
        return nodes.Begin(*self._place, self._body(given, tail=tail))

    def _def(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) != 2:
            self.refuse(form, f"Wrong number of arguments to {form.head.name}", f"write ({form.head.name} name value)")
        return self._define(given[0], given[1], form.head.name)

    def _mdef(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) < 2:
            self.refuse(form, "Wrong number of arguments to def", "write (mdef a b c list)")
        value = self.node(given[-1])
        targets = []
        for target in given[:-1]:
            symbol = target if type(target) is Symbol else quoted_symbol(target)
            if symbol is None or self.macros.has(symbol.name):
                self.refuse(target, "All mdef targets must be symbols")
            targets.append(self._assign(symbol, None, is_def=True))
        return nodes.MultiAssign(*self._place, targets, value, True)

    def _fn(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) < 2:
            self.refuse(form, "malformed function definition", "write (fn [a b] body)")
        return self._make_function(form, "", given[0], given[1:])

    def _defn(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) < 3:
            self.refuse(form, "wrong number of arguments", "write (defn name [a b] body)")
        if type(given[0]) is not Symbol:
            self.refuse(given[0], "Definition name must be symbol")
        symbol = given[0]
        self._check_target(symbol, "defn")
        made = self._assign(symbol, None, is_def=True)
        lazy = (
            [n for n, item in enumerate(given[1]) if type(item) is Symbol and item.name[:1] == "#"]
            if isinstance(given[1], list)
            else []
        )
        if lazy:
            self.lazies[symbol.name] = frozenset(lazy)
        made.value = self._make_function(form, symbol.name, given[1], given[2:])
        assert made.target is not None
        made.target.values[-1] = made.value
        made.gives_nil = True
        return made

    def _make_function(self, form: Pair, name: str, parameters: Any, body: list[Any]) -> nodes.Function:
        if not isinstance(parameters, list):
            self.refuse(
                parameters if getattr(parameters, "start", -1) >= 0 else form,
                "function arguments must be in vector",
                "write [a b]",
            )
        symbols = []
        for item in parameters:
            if type(item) is not Symbol:
                self.refuse(item if getattr(item, "start", -1) >= 0 else form, "function argument must be symbol")
            symbols.append(item)
        rest = None
        if len(symbols) >= 2 and symbols[-2].name == "&":
            rest, symbols = symbols[-1], symbols[:-2]
        made = nodes.Function(*self._place, name, [], None, [], self._text_of(form))
        names = [symbol.name for symbol in [*symbols, *([rest] if rest else [])]]
        if len(set(names)) < len(names):
            self.refuse(form, "two parameters have the same name")
        with self._function_scope(made):
            made.parameters = [self._parameter(symbol.name) for symbol in symbols]
            made.rest = self._parameter(rest.name) if rest else None
            made.lazy = frozenset(n for n, symbol in enumerate(symbols) if symbol.name[:1] == "#")
            made.body = self._body(body, tail=True)
        return made

    def _text_of(self, form: Pair) -> str:
        """Return the text that `str` shows of a function: its source, cut if long."""
        is_long = form.end - form.start > LONGEST_SHOWN
        return self.places.source[form.start : form.start + LONGEST_SHOWN] if is_long else shown(form)

    def _parameter(self, name: str) -> nodes.Variable:
        variable = self.scope.variable(name)
        variable.values.append(None)
        variable.binds += 1
        return variable

    @contextmanager
    def _function_scope(self, function: nodes.Function) -> Any:
        outer = self.function, self.scope, self.loops, self.scopes
        self.function, self.loops, self.scopes = function, [], []
        self.scope = function.scope = Scope(self.scope, function)
        self.every_scope.append(self.scope)
        try:
            yield
        finally:
            if function.repeats:
                for scope in self.scopes:
                    scope.repeats = True
            self.function, self.scope, self.loops, self.scopes = outer

    def _let(self, form: Pair, given: list[Any], tail: bool) -> Node:
        name = form.head.name
        if len(given) < 2:
            self.refuse(form, "malformed let statement", f"write ({name} [name value] body)")
        if not isinstance(given[0], list):
            self.refuse(form, "let bindings must be in array", f"write ({name} [name value] body)")
        if len(given[0]) % 2:
            self.refuse(given[0], "uneven let binding list", "each name is followed by its value")
        scope = self._new_scope()
        made = nodes.Inner(*self._place, scope, [], name == "letseq", [])
        with self._inside(scope):
            for symbol, source in zip(given[0][::2], given[0][1::2], strict=True):
                if type(symbol) is not Symbol:
                    self.refuse(symbol if getattr(symbol, "start", -1) >= 0 else form, "cannot bind to non-symbol")
                value = self.node(source)
                variable = scope.variable(symbol.name)
                variable.values.append(value)
                variable.binds += 1
                made.bindings.append((variable, value))
            made.body = self._body(given[1:], tail=tail)
        return made

    def _new_scope_form(self, form: Pair, given: list[Any], tail: bool) -> Node:
        scope = self._new_scope()
        made = nodes.Inner(*self._place, scope, [], True, [])
        with self._inside(scope):
            made.body = self._body(given, tail=tail)
        return made

    def _assert(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) != 1:
            self.refuse(form, "wrong number of arguments", "write (assert test)")
        return nodes.Assert(*self._place, self.node(given[0]), shown(given[0]))

    def _defmac(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) < 3 or type(given[0]) is not Symbol:
            self.refuse(form, "Wrong number of arguments to defmac", "write (defmac name [a b] body)")
        symbol, parameters, *body = given
        if symbol.name in BUILTINS:
            self.refuse(symbol, f"'{symbol.name}' is already a built-in function, cannot define macro with same name.")
        if not isinstance(parameters, list) or not all(type(item) is Symbol for item in parameters):
            self.refuse(form, "defmac arguments must be in vector", "write [a b & rest]")
        names = [item.name for item in parameters]
        rest = names[-1] if len(names) >= 2 and names[-2] == "&" else None
        self.macros.define(Macro(symbol.name, names[:-2] if rest else names, rest, body))
        return nodes.Const(*self._place, None)

    def _macexpand(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) != 1:
            self.refuse(form, "wrong number of arguments", "write (macexpand (macro …))")
        name = head_name(given[0])
        if not self.macros.has(name):
            return (
                nodes.Const(*self._place, as_data(given[0]))
                if name != "hash" or given[0].tail is not None
                else self.node(given[0])
            )
        made = self.macros.expand(name, given[0])
        self.macros.done()
        return nodes.Const(*self._place, Pair(Symbol("quote"), as_data(made)))

    def _syntax_quote(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) != 1:
            self.refuse(form, "syntaxQuote takes exactly one argument")
        return self._template(given[0])

    def _template(self, form: Any) -> Node:
        if isinstance(form, list):
            return nodes.Template(*self._place, self._template_parts(form), True)
        if type(form) is not Pair or not is_list(form):
            return nodes.Const(*self._place, as_data(form))
        items = list(iterate(form))
        if len(items) == 2 and head_name(form) == "unquote":
            return self.node(items[1])
        return nodes.Template(*self._place, self._template_parts(items), False)

    def _template_parts(self, items: list[Any]) -> list[tuple[bool, Node]]:
        parts = []
        for item in items:
            splices = head_name(item) == "unquote-splicing" and type(item.tail) is Pair
            parts.append((splices, self.node(item.tail.head) if splices else self._template(item)))
        return parts

    # Loops

    def _for(self, form: Pair, given: list[Any], tail: bool) -> Node:
        label = ""
        if given and not isinstance(given[0], list):
            symbol = given[0] if type(given[0]) is Symbol else quoted_symbol(given[0])
            if symbol is None:
                self.refuse(form, _LOOP)
            label, given = symbol.name, given[1:]
        if not given or not isinstance(given[0], list):
            self.refuse(form, _LOOP)
        if len(given[0]) != 3:
            self.refuse(
                given[0], "for loop: control vector argument wrong size; must be a vector of three [init test advance]"
            )
        scope = self._new_scope()
        nothing = nodes.Const(*self._place, None)
        made = nodes.For(*self._place, scope, label, nothing, nothing, nothing, [])
        with self._inside(scope):
            made.init = self.node(given[0][0])
            self.loops.append(made)
            made.test = self.node(given[0][1])
            made.body = self._body(given[1:], tail=False)
            made.step = self.node(given[0][2])
            self.loops.pop()
        return made

    def _leave(self, form: Pair, given: list[Any], tail: bool) -> Node:
        word = form.head.name
        if len(given) > 1:
            self.refuse(form, f"too many arguments to {word}; ({word}) or ({word} label:) is the form.")
        symbol = None
        if given:
            symbol = given[0] if type(given[0]) is Symbol else quoted_symbol(given[0])
            if symbol is None:
                self.refuse(form, f"bad {word} label")
        if not self.loops:
            self.refuse(form, f"({word}) found but not inside a loop.", "a function inside a loop is not inside it")
        loop = self.loops[-1]
        if symbol is not None:
            named = [loop for loop in self.loops if loop.label == symbol.name]
            if not named:
                name = symbol.name
                self.refuse(symbol, f"({word} {name}:) problem: could not find matching for-loop with label {name}:")
            loop = named[-1]
        if word == "break":
            loop.breaks = True
        else:
            loop.continues = True
        if loop is not self.loops[-1]:
            loop.is_outer = True
        return nodes.Leave(*self._place, loop, word == "break")

    def _quick_range(self, form: Pair) -> Node | None:
        """(range key value source body …) as a loop of its own; None where only the macro's loop is right."""
        given = arguments_of(form)
        if len(given) < 3 or not all(type(item) is Symbol for item in given[:2]):
            return None
        key, value, source, *body = given
        named = _names_in(body, set())
        asked = _names_in([source], set())
        if (
            named & {"i", "n", "eval"}
            or {key.name, value.name} & (asked | {"i", "n"})
            or asked & {"i", "n"}
            or not _is_pure(source)
        ):
            return None
        if asked & _assigned_in(body, set()):
            return None
        return self._range_loop("", source, [key, value], body, is_def=True, is_macro=True)

    def _range_form(self, form: Pair, given: list[Any], tail: bool) -> Node:
        label = ""
        if type(given[0]) is Symbol:
            label, given = given[0].name, given[1:]
        operator, targets, source, *body = given
        return self._range_loop(label, source, list(targets), body, is_def=operator == ":=", is_macro=False)

    def _range_loop(
        self, label: str, source: Any, targets: list[Symbol], body: list[Any], *, is_def: bool, is_macro: bool
    ) -> Node:
        value = self.node(source)
        scope = self._new_scope()
        made = nodes.Range(*self._place, scope, label, value, [], is_macro, [])
        self.loops.append(made)
        with self._inside(scope):
            for target in targets:
                if is_macro and self.macros.has(target.name):
                    self.refuse(target, "All mdef targets must be symbols")
                if not is_macro:
                    self._check_target(target, "def" if is_def else "set")
                made.targets.append(self._assign(target, None, is_def=is_def))
            made.body = self._body(body, tail=False)
        self.loops.pop()
        return made

    # Infix and selections

    def _infix(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if not given:
            return nodes.Const(*self._place, None)
        if not isinstance(given[0], list):
            self.refuse(form, "infix expects an array")
        block = given[0] if type(given[0]) is Vector else Vector(given[0], *self._place)
        if block.start < 0:
            block.start, block.end = self._place
        forms = self.infix.forms(block)
        return (
            self._body(forms, tail=tail)[0]
            if len(forms) == 1
            else nodes.Begin(*self._place, self._body(forms, tail=tail))
        )

    def _infix_expand(self, form: Pair, given: list[Any], tail: bool) -> Node:
        block = given[0].tail if given and head_name(given[0]) in {"infix", "hash"} else None
        if block is None:
            return nodes.Const(*self._place, None)
        forms = self.infix.forms(block.head)
        return nodes.Const(*self._place, as_data(make_list([Symbol("quote"), *forms])))

    def _comma(self, form: Pair, given: list[Any], tail: bool) -> Node:
        return nodes.Array(*self._place, [self.node(item) for item in _comma_items(form)])

    def _colon(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if not 2 <= len(given) <= 3:
            self.refuse(form, "wrong number of arguments", "write (:key hash) or (:key hash default)")
        key, container, *default = given
        evaluated: Any = None
        if type(key) is Symbol and "." not in key.name and not key.colon:
            evaluated = self._read(key.name, self._at(key))
            evaluated.may_be_key = True
        elif type(key) is Pair:
            evaluated = self.node(key)
        made = self.node(container)
        return nodes.Colon(*self._place, as_data(key), evaluated, made, self.node(default[0]) if default else None)

    # Declarations

    def _struct(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if not 1 <= len(given) <= 2:
            self.refuse(form, "struct name is missing", "write (struct Name [(field Name: type) …])")
        symbol = self._named(given[0], "bad struct name: symbol required")
        made = self._assign(symbol, None, is_def=True)
        self.records.add(symbol.name)
        fields = []
        listed = given[1] if len(given) == 2 else []
        if not isinstance(listed, list):
            self.refuse(form, f"bad struct declaration '{symbol.name}': second argument must be a slice of fields.")
        for item in listed:
            parts = (
                [part for part in arguments_of(item) if type(part) is not Mark] if head_name(item) == "field" else []
            )
            if len(parts) < 2 or type(parts[0]) is not Symbol:
                self.refuse(item if getattr(item, "start", -1) >= 0 else form, "a (field name: type) is required")
            fields.append((parts[0].name, self._type(parts[1])))
        made.value = nodes.StructDecl(*self._place, symbol.name, fields)
        return made

    def _named(self, form: Any, message: str) -> Symbol:
        symbol = form if type(form) is Symbol else quoted_symbol(form)
        if symbol is None:
            self.refuse(form, message)
        return symbol

    def _type(self, form: Any) -> Node:
        """A type as it is written: int64, ([] string), (* Car)."""
        if head_name(form) == "quote" and type(form.tail) is Pair:
            form = form.tail.head
        return self.node(form)

    def _func(self, form: Pair, given: list[Any], tail: bool) -> Node:
        is_method = form.head.name == "method"
        if is_method:
            given = given[1:]
        name = ""
        if given and not isinstance(given[0], list):
            symbol = self._named(given[0], "bad func name: symbol required")
            self._check_target(symbol, "defn")
            name, given = symbol.name, given[1:]
        if len(given) < 2 or not all(isinstance(part, list) for part in given[:2]):
            self.refuse(form, "func [inputs] array is missing", "write (func name [a:type …] [result:type …] body …)")
        names, types = self._typed(given[0], "inputs")
        self._typed(given[1], "returns")
        made = self._assign(Symbol(name or "$anonymous", *self._place), None, is_def=True) if name else None
        function = self._make_function(form, name, Vector(names, *self._place), given[2:])
        function.types = types
        if made is None:
            return function
        made.value = function
        assert made.target is not None
        made.target.values[-1] = function
        return made

    def _typed(self, listed: list[Any], where: str) -> tuple[list[Symbol], list[Node | None]]:
        names: list[Symbol] = []
        types: list[Node | None] = []
        if len(listed) % 2:
            self.refuse(listed, f"func definintion's {where} array must have an even number of elements")
        for symbol, kind in zip(listed[::2], listed[1::2], strict=True):
            names.append(Symbol(self._named(symbol, "bad formal parameter name: symbol required").name, *self._place))
            types.append(self._type(kind))
        return names, types

    def _interface(self, form: Pair, given: list[Any], tail: bool) -> Node:
        return nodes.Const(*self._place, None)

    def _var(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) != 2:
            self.refuse(form, "var name/type missing", "write (var name type)")
        symbol = self._target(given[0], "var")
        value = nodes.Builtin(*self._place, "$zero", [self._type(given[1])])
        return self._assign(symbol, value, is_def=True)

    def _expect(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) != 2:
            self.refuse(form, "wrong number of arguments", '(expectError "message" form)')
        message = self.node(given[0])
        try:
            return nodes.Expect(*self._place, message, self.node(given[1]), "")
        except Refusal as problem:
            failure = f"Error generating {shown(given[1])}:\n{problem.message}"
            return nodes.Expect(*self._place, message, None, failure)

    def _package(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if not given or not (isinstance(given[0], str) or type(given[0]) is Symbol):
            self.refuse(form, "package name must be symbol or string")
        name = given[0].name if type(given[0]) is Symbol else str(given[0])
        scope = self._new_scope()
        made = nodes.PackageDecl(*self._place, name, scope, [])
        with self._inside(scope):
            made.body = self._body(given[1:], tail=False)
        return made

    def _import(self, form: Pair, given: list[Any], tail: bool) -> Node:
        path = given[-1] if given else None
        parts = str(path).split("/") if isinstance(path, str) else []
        if len(given) > 2 or len(parts) != 2 or parts[0] != "shared" or not parts[1].isidentifier():
            self.refuse(form, "only helper scripts can be imported", 'write (import name "shared/helper")')
        alias = given[0] if len(given) == 2 else Symbol(parts[1], *self._place)
        if type(alias) is not Symbol:
            self.refuse(form, "import error: alias was not a symbol name")
        helper = nodes.Import(*self._place, parts[1])
        self.helpers.setdefault(parts[1], helper)
        return self._assign(alias, helper, is_def=True)

    def _return(self, form: Pair, given: list[Any], tail: bool) -> Node:
        if len(given) == 1:
            return self.node(given[0], tail=tail)
        return (
            nodes.Array(*self._place, [self.node(item) for item in given]) if given else nodes.Const(*self._place, None)
        )

    def _assigning(self, form: Pair, given: list[Any], tail: bool) -> Node:
        """(= %name value), (= {a[1]} value)"""
        if len(given) != 2:
            self.refuse(form, "assignment requires two arguments: a left-hand-side and a right-hand-side argument")
        if type(given[0]) is Symbol and not given[0].is_dotted:
            self.refuse(
                given[0], "assignment needs left-hand-side argument to be a symbol", f"write ({given[0].name} = value)"
            )
        return self._define(given[0], given[1], "set")


_LOOP = "for loop: first argument must be a label or a vector of [init predicate advance]"
_CALLED_DIRECTLY = frozenset({"raw64", "eval"})


def _comma_items(form: Any) -> list[Any]:
    """Split {a, b, c} at its commas."""
    found = []
    for item in arguments_of(form):
        found += _comma_items(item) if head_name(item) == "comma" else [item]
    return found


def _names_in(forms: list[Any], found: set[str]) -> set[str]:
    """Every name that stands in the forms, of dotted ones the first part."""
    for form in forms:
        if type(form) is Symbol:
            found.add(form.name.lstrip(".").split(".")[0] if form.is_dotted else form.name)
        elif type(form) is Pair:
            _names_in(list(iterate(form)), found)
        elif isinstance(form, list):
            _names_in(form, found)
    return found


def _assigned_in(forms: list[Any], found: set[str]) -> set[str]:
    """Names that may be assigned to in the forms: all of those in forms that assign."""
    for form in forms:
        if type(form) is Pair:
            items = list(iterate(form))
            if head_name(form) in _ASSIGNING or assignment_place(form) >= 0:
                _names_in(items[:3], found)
            _assigned_in(items, found)
        elif isinstance(form, list):
            if any(type(item) is Symbol and item.name in _ASSIGNING for item in form):
                _names_in(form, found)
            _assigned_in(form, found)
    return found


_ASSIGNING = frozenset("def set mdef defn ++ -- += -= = := range let letseq for var struct comma".split())


def _is_pure(form: Any) -> bool:
    """Whether asking once is as good as in each turn."""
    if type(form) is Pair:
        return head_name(form) in _PURE and all(_is_pure(item) for item in arguments_of(form))
    return all(_is_pure(item) for item in form) if isinstance(form, list) else True


_Special = Callable[[Resolver, Pair, list[Any], bool], Node]
_SPECIAL: dict[str, _Special] = {
    "quote": Resolver._quote, "and": Resolver._logic, "or": Resolver._logic, "cond": Resolver._cond,
    "begin": Resolver._begin, "def": Resolver._def, "set": Resolver._def, "mdef": Resolver._mdef, "fn": Resolver._fn,
    "defn": Resolver._defn, "let": Resolver._let, "letseq": Resolver._let, "newScope": Resolver._new_scope_form,
    "assert": Resolver._assert, "defmac": Resolver._defmac, "macexpand": Resolver._macexpand,
    "syntaxQuote": Resolver._syntax_quote, "for": Resolver._for, "break": Resolver._leave, "continue": Resolver._leave,
    "$range": Resolver._range_form, "infix": Resolver._infix, "infixExpand": Resolver._infix_expand,
    "comma": Resolver._comma, ":": Resolver._colon, "struct": Resolver._struct, "func": Resolver._func,
    "method": Resolver._func, "interface": Resolver._interface, "var": Resolver._var, "expectError": Resolver._expect,
    "package": Resolver._package, "import": Resolver._import, "return": Resolver._return, "=": Resolver._assigning,
    ":=": Resolver._assigning,
}  # fmt: skip
