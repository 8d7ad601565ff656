"""Control: conditions, loops, scopes, functions, assignments, and the text as a whole. Long because it is one walk over the nodes.

A node is lowered in one of three ways: for its value, for its effect alone, or as what a function returns.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.lowering.build import STORE
from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.bindings import Bindings
from scripting.sandbox.languages.zygomys.catalog import BOOL, FLOAT, INT, NIL, STRING
from scripting.sandbox.languages.zygomys.kinds import Kinds
from scripting.sandbox.languages.zygomys.lowering.base import GENSYM, Frame
from scripting.sandbox.languages.zygomys.lowering.build import Builder
from scripting.sandbox.languages.zygomys.lowering.expressions import Expressions
from scripting.sandbox.languages.zygomys.nodes import Node, Variable
from scripting.sandbox.languages.zygomys.runtime.values import truth

RESULT = "result"
EXPORT = "$export"
_MAIN = "$main"
_BREAKS, _CONTINUES = 1, 2


class Statements(Expressions):
    """Lowers a whole text."""

    def __init__(self, kinds: Kinds, bindings: Bindings, build: Builder) -> None:
        super().__init__(kinds, build)
        self.bindings = bindings
        self._signals: dict[int, int] = {}

    # The text

    def module(self, body: list[Node], helpers: dict[str, nodes.Import], *, name: str, is_helper: bool) -> ast.Module:
        """The text as a Python module that binds `result`, or for a helper what it exports."""
        build = self.build
        inside: list[ast.stmt] = []
        last = nodes.Const(0, 0, None)
        with self.into(inside):
            for helper, place in helpers.items():
                build.at(place)
                self.out.append(build.import_(f"shared.{helper}", EXPORT, f"$import.{helper}"))
            self._open_text()
            self._text(body, name, is_helper=is_helper)
            if self.needs_gensym:
                self.out.insert(0, build.assign(build.target(GENSYM), build.call("new_gensym")))
        statements: list[ast.stmt] = [build.function(_MAIN, [], None, inside)]
        build.at(body[-1] if body else last)
        call = build.call_value(build.name(_MAIN), [])
        if is_helper:
            statements.append(build.assign(build.target(EXPORT), call))
        else:
            statements.append(build.assign(build.target(RESULT), build.call("leave", call)))
        return ast.Module(statements, [])

    def _open_text(self) -> None:
        """The text's own variables: of those that the context may bring, what it brings."""
        build = self.build
        for variable in self.bindings.top.variables.values():
            if variable.from_context or (
                variable.is_checked and self.may_come(variable.name) and variable.name != RESULT
            ):
                label = build.target(self.label(variable))
                taken = build.assign(label, build.name(variable.name))
                missing = build.assign(build.target(self.label(variable)), build.name("$unbound"))
                self.out.append(build.try_([taken], "$NameError", [missing]))
            elif variable.is_checked:
                self.out.append(build.assign(build.target(self.label(variable)), build.name("$unbound")))

    def _text(self, body: list[Node], name: str, *, is_helper: bool) -> None:
        build = self.build
        result = self.bindings.top.variables.get(RESULT)
        if is_helper:
            self._effects(body)
            self.out.append(build.return_(self._members(name, list(self.bindings.top.variables.values()))))
        elif result is None:
            self.returns(body)
        elif self.bindings.is_result_certain:
            self._effects(body)
            self.out.append(build.return_(self.cell(result)))
        else:
            self._effects(body[:-1])
            value = self.spilled(self.value(body[-1])) if body else build.constant(None)
            self.out.append(build.return_(build.choose(self.is_bound(result), self.cell(result), value)))

    # Three ways

    def _effects(self, body: list[Node]) -> None:
        for node in body:
            self.effect(node)

    def returns(self, body: list[Node]) -> None:
        """The last value of a body as what its function gives."""
        self._effects(body[:-1])
        if body:
            self.returned(body[-1])
        else:
            self.out.append(self.build.return_(self.build.constant(None)))

    def returned(self, node: Node) -> None:
        """Return the value of the node."""
        build = self.build
        match node:
            case nodes.Begin(body=body):
                self.returns(body)
            case nodes.Inner():
                self._open_inner(node)
                self.returns(node.body)
            case nodes.Cond():
                self._cond_returned(node)
            case nodes.Again():
                self._again(node)
            case nodes.Leave():
                self._leave(node)
            case _:
                value = self.value(node)
                build.at(node)
                self.out.append(build.return_(value))

    def effect(self, node: Node) -> None:
        """Do what the node does; its value is not asked for."""
        build = self.build
        match node:
            case nodes.Const() | nodes.Field():
                pass
            case nodes.Begin(body=body):
                self._effects(body)
            case nodes.Inner():
                self._open_inner(node)
                self._effects(node.body)
            case nodes.Cond():
                self._cond(node, None)
            case nodes.Logic():
                self._logic_effect(node)
            case nodes.For():
                self._for(node)
            case nodes.Range():
                self._range(node)
            case nodes.Leave():
                self._leave(node)
            case nodes.Assign():
                self._assign(node)
            case nodes.MultiAssign():
                self._multi_assign(node)
            case nodes.Put():
                self._put(node)
            case nodes.Assert():
                self._assert(node)
            case nodes.Expect():
                self._expect(node)
            case nodes.Again():
                self._again(node)
            case _:
                value = self.value(node)
                if not isinstance(value, ast.Constant) and (not self.is_simple(value) or isinstance(node, nodes.Read)):
                    build.at(node)
                    self.out.append(build.expression(value))

    def value(self, node: Node) -> ast.expr:
        lower = _VALUES.get(type(node))
        if lower is not None:
            return lower(self, node)
        self.effect(node)
        self.build.at(node)
        return self.build.constant(None)

    def _const(self, node: nodes.Const) -> ast.expr:
        self.build.at(node)
        return self.constant(node.value)

    def _array_value(self, node: nodes.Array) -> ast.expr:
        values = self.parts(node.items)
        self.build.at(node)
        return self.build.list_(values)

    def _begin_value(self, node: nodes.Begin) -> ast.expr:
        return self._last(node.body)

    def _inner_value(self, node: nodes.Inner) -> ast.expr:
        self._open_inner(node)
        return self._last(node.body)

    def _delayed(self, node: nodes.Delayed) -> ast.expr:
        thunk = self.thunk(node.value)
        self.build.at(node)
        return self.build.call("Lazy", self.constant(node.text), thunk)

    def _struct_value(self, node: nodes.StructDecl) -> ast.expr:
        build = self.build
        values = self.parts([kind for _, kind in node.fields])
        build.at(node)
        pairs = [
            build.list_([build.constant(field), kind]) for (field, _), kind in zip(node.fields, values, strict=True)
        ]
        return build.call("struct", build.constant(node.name), build.list_(pairs))

    def _import(self, node: nodes.Import) -> ast.expr:
        self.build.at(node)
        return self.build.name(f"$import.{node.helper}")

    def _last(self, body: list[Node]) -> ast.expr:
        self._effects(body[:-1])
        return self.value(body[-1]) if body else self.build.constant(None)

    # Conditions

    def test(self, node: Node) -> ast.expr:
        """The node's truth."""
        build = self.build
        if isinstance(node, nodes.Const):
            build.at(node)
            return build.constant(truth(node.value))
        if isinstance(node, nodes.Logic):
            return self._logic_test(node)
        if isinstance(node, nodes.Begin) and node.body:
            self._effects(node.body[:-1])
            return self.test(node.body[-1])
        value = self.value(node)
        build.at(node)
        kinds = self.kinds.of(node)
        if kinds == BOOL:
            return value
        if kinds == INT:
            return build.compare(value, (ast.NotEq(), build.constant(0)))
        if kinds == BOOL | NIL:
            return build.is_(value, build.constant(True))
        return build.call("truth", value)

    def _logic_test(self, node: nodes.Logic) -> ast.expr:
        build = self.build
        made: list[ast.expr] = []
        for part in node.parts:
            before: list[ast.stmt] = []
            with self.into(before):
                test = self.test(part)
            if before:
                return self._logic_statements(node, as_truth=True)
            made.append(test)
        build.at(node)
        if len(made) == 1:
            return made[0]
        return build.any_of(*made) if node.is_or else build.all_of(made)

    def _logic(self, node: nodes.Logic) -> ast.expr:
        """(and a b): the value that decides."""
        build = self.build
        if all(self.is_bool(part) for part in node.parts):
            return self._logic_test(node)
        made: list[ast.expr] = []
        for part in node.parts:
            before: list[ast.stmt] = []
            with self.into(before):
                value = self.value(part)
            if before:
                return self._logic_statements(node, as_truth=False)
            made.append(value)
        build.at(node)
        result = made.pop()
        for part, value in zip(reversed(node.parts[:-1]), reversed(made), strict=True):
            first, named = self.kept(value)
            test = self._truth_of(part, first)
            result = build.choose(test, named, result) if node.is_or else build.choose(test, result, named)
        return result

    def _truth_of(self, node: Node, value: ast.expr) -> ast.expr:
        build = self.build
        kinds = self.kinds.of(node)
        if kinds == BOOL:
            return value
        if kinds == INT:
            return build.compare(value, (ast.NotEq(), build.constant(0)))
        return build.call("truth", value)

    def _logic_statements(self, node: nodes.Logic, *, as_truth: bool) -> ast.expr:
        """Parts with statements of their own, one inside the other."""
        build = self.build
        label = self.temporary()
        levels: list[list[ast.stmt]] = [self.out]
        for index, part in enumerate(node.parts):
            with self.into(levels[-1]):
                value = self.test(part) if as_truth else self.value(part)
                build.at(part)
                self.out.append(build.assign(build.target(label), value))
                if index < len(node.parts) - 1:
                    named = build.name(label)
                    test = named if as_truth else self._truth_of(part, named)
                    inner: list[ast.stmt] = []
                    self.out.append(build.if_(build.not_(test) if node.is_or else test, inner, []))
                    levels.append(inner)
        return build.name(label)

    def _logic_effect(self, node: nodes.Logic) -> None:
        build = self.build
        levels: list[list[ast.stmt]] = [self.out]
        for part in node.parts[:-1]:
            with self.into(levels[-1]):
                test = self.test(part)
                build.at(part)
                inner: list[ast.stmt] = []
                self.out.append(build.if_(build.not_(test) if node.is_or else test, inner, []))
                levels.append(inner)
        with self.into(levels[-1]):
            self.effect(node.parts[-1])

    def _cond_value(self, node: nodes.Cond) -> ast.expr:
        build = self.build
        made: list[tuple[ast.expr, ast.expr]] = []
        for index, (test_node, value_node) in enumerate(node.branches):
            before: list[ast.stmt] = []
            inside: list[ast.stmt] = []
            with self.into(before):
                test = self.test(test_node)
            with self.into(inside):
                value = self.value(value_node)
            if inside or (before and index):
                return self._cond_stored(node)
            self.out += before
            made.append((test, value))
        inside = []
        with self.into(inside):
            result = self.value(node.default)
        if inside:
            return self._cond_stored(node)
        build.at(node)
        for test, value in reversed(made):
            result = build.choose(test, value, result)
        return result

    def _cond_stored(self, node: nodes.Cond) -> ast.expr:
        label = self.temporary()
        self._cond(node, label)
        return self.build.name(label)

    def _cond(self, node: nodes.Cond, label: str | None) -> None:
        """As statements: the value into `label`, or nowhere."""
        build = self.build
        out = self.out
        for test_node, value_node in node.branches:
            with self.into(out):
                test = self.test(test_node)
                body = self._block(value_node, label)
                orelse: list[ast.stmt] = []
                build.at(test_node)
                self.out.append(build.if_(test, body, orelse))
            out = orelse
        with self.into(out):
            self._into_label(node.default, label)

    def _block(self, node: Node, label: str | None) -> list[ast.stmt]:
        body: list[ast.stmt] = []
        with self.into(body):
            self._into_label(node, label)
        return body

    def _into_label(self, node: Node, label: str | None) -> None:
        if label is None:
            self.effect(node)
            return
        value = self.value(node)
        self.build.at(node)
        self.out.append(self.build.assign(self.build.target(label), value))

    def _cond_returned(self, node: nodes.Cond) -> None:
        build = self.build
        for test_node, value_node in node.branches:
            test = self.test(test_node)
            body: list[ast.stmt] = []
            with self.into(body):
                self.returned(value_node)
            build.at(test_node)
            self.out.append(build.if_(test, body, []))
        self.returned(node.default)

    # Scopes and loops

    def _open_inner(self, node: nodes.Inner) -> None:
        build = self.build
        bound = {variable for variable, _ in node.bindings if not variable.is_checked}
        build.at(node)
        self.open_scope(node.scope, bound)
        if node.is_sequential:
            for variable, source in node.bindings:
                self._bind(variable, self.value(source), source)
            return
        values = self.parts([value for _, value in node.bindings])
        if len(values) > 1:
            values = [self.spilled(value) for value in values]
        for (variable, place), value in zip(node.bindings, values, strict=True):
            self._bind(variable, value, place)

    def _bind(self, variable: Variable, value: ast.expr, place: Node) -> None:
        self.build.at(place)
        self.store(variable, value)

    def _for(self, node: nodes.For) -> None:
        build = self.build
        build.at(node)
        self.open_scope(node.scope)
        self.effect(node.init)
        outer_signals, self.frame.signals = self.frame.signals, set()
        before: list[ast.stmt] = []
        with self.into(before):
            test = self.test(node.test)
        body: list[ast.stmt] = []
        with self.into(body):
            if before:
                self.out += before
                build.at(node.test)
                self.out.append(build.if_(build.not_(test), [build.break_()], []))
                test = build.constant(True)
            if node.is_outer:
                self.out.append(build.assign(build.target(self._signal(node)), build.constant(0)))
            self.frame.loops.append(node)
            self._effects(node.body)
            self.frame.loops.pop()
            self.effect(node.step)
        build.at(node)
        self.out.append(build.while_(test, body))
        self._after_loop(node, outer_signals)

    def _range(self, node: nodes.Range) -> None:
        build = self.build
        source = self.value(node.source)
        build.at(node)
        self.open_scope(node.scope)
        single = len(node.targets) == 1
        helper = "range_keys" if single else "entries" if node.is_macro else "range_entries"
        labels = [self._turn_label(target) for target in node.targets]
        outer_signals, self.frame.signals = self.frame.signals, set()
        body: list[ast.stmt] = []
        with self.into(body):
            for target, label in zip(node.targets, labels, strict=True):
                if target.target is None or label != self.label(target.target) or target.target.is_boxed:
                    self._store_assign(target, build.name(label))
            if node.is_outer:
                self.out.append(build.assign(build.target(self._signal(node)), build.constant(0)))
            self.frame.loops.append(node)
            self._effects(node.body)
            self.frame.loops.pop()
        build.at(node)
        names = [build.target(label) for label in labels]
        target_expression = names[0] if single else build.pair(*names)
        self.out.append(build.for_(target_expression, build.call(helper, source), body))
        self._after_loop(node, outer_signals)

    def _turn_label(self, target: nodes.Assign) -> str:
        """The name that the loop itself assigns: the variable's own where that is plain."""
        variable = target.target
        plain = variable is not None and not variable.is_boxed and not target.candidates
        if plain and variable is not None and variable.scope.function is self.frame.function:
            return self.label(variable)
        return self.temporary()

    def _signal(self, loop: nodes.For | nodes.Range) -> str:
        return f"$signal{self._signals.setdefault(id(loop), len(self._signals))}"

    def _after_loop(self, loop: nodes.For | nodes.Range, outer_signals: set[int]) -> None:
        """Where the loop was left for one around it, go on leaving."""
        build = self.build
        signals, self.frame.signals = self.frame.signals, outer_signals
        around = self.frame.loops
        for index, outer in enumerate(around):
            if id(outer) not in signals:
                continue
            signal = build.name(self._signal(outer))
            if index < len(around) - 1:
                self.out.append(build.if_(signal, [build.break_()], []))
                self.frame.signals.add(id(outer))
                continue
            breaks = build.compare(signal, (ast.Eq(), build.constant(_BREAKS)))
            self.out.append(build.if_(breaks, [build.break_()], []))
            continues = build.compare(signal, (ast.Eq(), build.constant(_CONTINUES)))
            self.out.append(build.if_(continues, self._next_turn(outer), []))

    def _next_turn(self, loop: nodes.For | nodes.Range) -> list[ast.stmt]:
        body: list[ast.stmt] = []
        with self.into(body):
            if isinstance(loop, nodes.For):
                self.effect(loop.step)
            self.out.append(self.build.continue_())
        return body

    def _leave(self, node: nodes.Leave) -> None:
        build = self.build
        build.at(node)
        loops = self.frame.loops
        if node.loop is loops[-1]:
            self.out += [build.break_()] if node.is_break else self._next_turn(node.loop)
            return
        number = build.constant(_BREAKS if node.is_break else _CONTINUES)
        self.out.append(build.assign(build.target(self._signal(node.loop)), number))
        self.out.append(build.break_())
        self.frame.signals.add(id(node.loop))

    # Assignments

    def _assign(self, node: nodes.Assign) -> ast.expr:
        """def and set: gives the value."""
        build = self.build
        value = node.value
        assert node.target is not None
        if isinstance(value, nodes.StructDecl):
            return self._struct(node, value)
        if node.is_def and isinstance(value, nodes.Function) and node.target.is_boxed:
            made = self.function(value)
            build.at(node)
            self.store(node.target, made)
            return build.constant(None) if node.gives_nil else self.cell(node.target)
        if self._joins(node):
            return self.cell(node.target)
        made = self.value(value) if value is not None else build.constant(None)
        build.at(node)
        made = self._store_assign(node, made)
        return build.constant(None) if node.gives_nil else made

    def _joins(self, node: nodes.Assign) -> bool:
        """(set text (concat text …)): Python lengthens a text in place."""
        value, target = node.value, node.target
        match value:
            case nodes.Builtin(name="concat", arguments=[nodes.Read(candidates=[variable], otherwise=""), *more]) if (
                variable is target and more and not node.candidates and not node.is_def
            ):
                plain = all(self.kinds.of(part) == STRING for part in (value.arguments[0], *more))
                if not plain or variable.is_boxed:
                    return False
                added = self.joined(more, value)
                self._outer(variable)
                self.build.at(node)
                self.out.append(self.build.add_to(self.label(variable), added))
                return True
        return False

    def _store_assign(self, node: nodes.Assign, value: ast.expr) -> ast.expr:
        """Store where the assignment goes; gives what names the value then."""
        build = self.build
        target = node.target
        assert target is not None
        if node.checks_type and self._may_change_type(target, node.value):
            value = build.call("rebound", self._old(target), value)
        if not node.candidates:
            self.store(target, value)
            return self.cell(target)
        value = self.spilled(value)
        out = self.out
        for variable in node.candidates:
            if variable is target:
                continue
            body: list[ast.stmt] = []
            with self.into(body):
                self.store(variable, value)
            orelse: list[ast.stmt] = []
            out.append(build.if_(self.is_bound(variable), body, orelse))
            out = orelse
        with self.into(out):
            self.store(target, value)
        return value

    def _old(self, variable: Variable) -> ast.expr:
        return self.cell(variable)

    def _may_change_type(self, variable: Variable, value: Node | None) -> bool:
        kinds = variable.kinds
        return value is None or kinds not in {INT, FLOAT, BOOL, STRING} or self.kinds.of(value) != kinds

    def _multi_assign(self, node: nodes.MultiAssign) -> ast.expr:
        build = self.build
        value = self.value(node.value)
        build.at(node)
        count = build.constant(len(node.targets))
        made = self.spilled(build.call("unpacked_list" if node.is_list else "unpacked", value, count))
        for index, target in enumerate(node.targets):
            target.checks_type = target.checks_type and not node.is_list
            self._store_assign(target, build.item(made, build.constant(index)))
        return made if not node.is_list else build.call("make_list", made)

    def _put(self, node: nodes.Put) -> ast.expr:
        build = self.build
        target = node.target
        match target:
            case nodes.Field(container=container, name=name):
                place, value = self.parts([container, node.value])
                build.at(node)
                made = build.call("set_field", place, build.constant(name), value)
            case nodes.Select(container=container, selector=selector):
                values = self.parts([container, *selector, node.value])
                build.at(node)
                made = build.call("set_selected", values[0], build.list_(values[1:-1]), values[-1])
            case nodes.Builtin(arguments=[container, key]):
                values = self.parts([container, key, node.value])
                build.at(node)
                made = build.call("set_key", *values)
            case _:
                raise AssertionError(type(target))
        label = self.temporary()
        self.out.append(build.assign(build.target(label), made))
        return build.name(label)

    # Functions

    def function(self, node: nodes.Function) -> ast.expr:
        """Define the function; gives its name."""
        build = self.build
        build.at(node)
        types = [self.value(kind) for kind in node.types if kind is not None]
        frame, self.frame = self.frame, Frame(node)
        parameters = [
            f"$p.{variable.name}" if variable.is_boxed else self.label(variable) for variable in node.parameters
        ]
        rest = self.temporary() if node.rest is not None else None
        body: list[ast.stmt] = []
        with self.into(body):
            self._function_body(node, rest)
        made, self.frame = self.frame, frame
        build.at(node)
        head: list[ast.stmt] = [build.expression(build.constant(node.text))]
        if made.nonlocals:
            head.append(build.nonlocal_(sorted(made.nonlocals)))
        arity = f"{node.name or '__anon'}/{len(node.parameters)}{'+' if node.rest is not None else ''}"
        definition = build.function(arity, parameters, rest, [*head, *body])
        named: ast.expr = build.name(self._defined_as(node, arity, definition))
        if types:
            names = build.list_([build.constant(variable.name) for variable in node.parameters])
            named = build.call("typed", named, build.constant(node.name), names, build.list_(types))
        return named

    def _defined_as(self, node: nodes.Function, arity: str, definition: ast.FunctionDef) -> str:
        """Put the definition into `out`; boxes that it uses come as what they are now."""
        build = self.build
        label = self.temporary()
        if not node.captures:
            self.out.append(definition)
            self.out.append(build.assign(build.target(label), build.name(arity)))
            return label
        boxes = [self.label(variable) for variable in node.captures]
        maker = build.function(f"$make{label[2:]}", boxes, None, [definition, build.return_(build.name(arity))])
        self.out.append(maker)
        call = build.call_value(build.name(maker.name), [build.name(box) for box in boxes])
        self.out.append(build.assign(build.target(label), call))
        return label

    def _function_body(self, node: nodes.Function, rest: str | None) -> None:
        build = self.build
        known = {*node.parameters, *([node.rest] if node.rest else [])}
        if rest is not None and node.rest is not None:
            self.store(node.rest, build.call("make_list", build.name(rest)))
        self.open_scope(node.scope, known)
        if not node.repeats:
            self.returns(node.body)
            return
        body: list[ast.stmt] = []
        with self.into(body):
            self.returns(node.body)
        build.at(node)
        self.out.append(build.while_(build.constant(True), body))

    def _again(self, node: nodes.Again) -> None:
        """Take the arguments and begin the body anew."""
        build = self.build
        function = node.function
        values = self.parts(node.arguments)
        if len(values) > 1:
            values = [self.spilled(value) for value in values]
        build.at(node)
        for variable, value, given in zip(function.parameters, values, node.arguments, strict=False):
            if self._may_change_type(variable, given):
                self.store(variable, build.call("rebound", self.cell(variable), value))
            else:
                self.store(variable, value)
        if function.rest is not None:
            more = values[len(function.parameters) :]
            self.store(function.rest, build.call("make_list", build.list_(more)))
        self.out.append(build.continue_())

    def thunk(self, node: Node) -> ast.expr:
        """A function without parameters that gives the node's value."""
        build = self.build
        inside: list[ast.stmt] = []
        with self.into(inside):
            value = self.value(node)
        build.at(node)
        if not inside:
            return build.lambda_(value)
        label = self.temporary()
        self.out.append(build.function(label, [], None, [*inside, build.return_(value)]))
        return build.name(label)

    # Others

    def _assert(self, node: nodes.Assert) -> None:
        build = self.build
        test = self.test(node.test)
        build.at(node)
        failed = build.call("assertion", build.constant(node.text[:2000]))
        self.out.append(build.if_(build.not_(test), [build.expression(failed)], []))

    def _expect(self, node: nodes.Expect) -> None:
        build = self.build
        message = self.spilled(self.value(node.message))
        if node.body is None:
            build.at(node)
            self.out.append(build.expression(build.call("expected", message, build.constant(node.failure))))
            return
        body: list[ast.stmt] = []
        with self.into(body):
            self.effect(node.body)
        build.at(node)
        label = self.temporary()
        nothing = build.assign(build.target(label), build.constant(None))
        caught = build.assign(build.target(label), build.name("$error"))
        self.out.append(nothing)
        self.out.append(build.try_named([*body, build.pass_()], "$Errors", "$error", [caught]))
        self.out.append(build.expression(build.call("expected", message, build.name(label))))

    def _evaluate(self, node: nodes.Evaluate) -> ast.expr:
        build = self.build
        values = self.parts(node.arguments)
        names = [build.constant(name) for name in node.names]
        thunks = [build.lambda_(self.read(read)) for read in node.names.values()]
        build.at(node)
        return build.call("evaluate", build.list_(values), build.mapping(names, thunks))

    def _struct(self, node: nodes.Assign, value: nodes.StructDecl) -> ast.expr:
        """A struct may name itself in its fields."""
        build = self.build
        assert node.target is not None
        build.at(node)
        self.store(node.target, build.call("struct", build.constant(value.name), build.list_([])))
        made = self.value(value)
        self.store(node.target, made)
        return self.cell(node.target)

    def _package(self, node: nodes.PackageDecl) -> ast.expr:
        self.build.at(node)
        self.open_scope(node.scope)
        self._effects(node.body)
        self.build.at(node)
        return self._members(node.name, list(node.scope.variables.values()))

    def _members(self, name: str, variables: list[Variable]) -> ast.expr:
        """The variables as what a package shows, each read and set where it is used."""
        build = self.build
        pairs: list[ast.expr] = []
        for variable in variables:
            setter = self.temporary()
            body: list[ast.stmt] = []
            if not variable.is_boxed:
                body.append(build.nonlocal_([self.label(variable)]))
                body.append(build.assign(build.target(self.label(variable)), build.name("$value")))
            else:
                box = build.item(build.name(self.label(variable)), build.constant(0), STORE)
                body.append(build.assign(box, build.name("$value")))
            self.out.append(build.function(setter, ["$value"], None, body))
            pairs.append(build.list_([build.lambda_(self.cell(variable)), build.name(setter)]))
        names = [build.constant(variable.name) for variable in variables]
        return build.call("package", build.constant(name), build.mapping(names, pairs))


_VALUES: dict[type, Callable[[Statements, Any], ast.expr]] = {
    nodes.Read: Statements.read,
    nodes.Const: Statements._const,
    nodes.Builtin: Statements.builtin,
    nodes.Call: Statements.call,
    nodes.Colon: Statements.colon,
    nodes.Field: Statements.field,
    nodes.Cond: Statements._cond_value,
    nodes.Logic: Statements._logic,
    nodes.Select: Statements.select,
    nodes.Cut: Statements.cut,
    nodes.Array: Statements._array_value,
    nodes.Template: Statements.template,
    nodes.Function: Statements.function,
    nodes.Begin: Statements._begin_value,
    nodes.Inner: Statements._inner_value,
    nodes.Assign: Statements._assign,
    nodes.MultiAssign: Statements._multi_assign,
    nodes.Put: Statements._put,
    nodes.Evaluate: Statements._evaluate,
    nodes.Delayed: Statements._delayed,
    nodes.StructDecl: Statements._struct_value,
    nodes.PackageDecl: Statements._package,
    nodes.Import: Statements._import,
}
