"""Statements and functions to Python's. Long because it is one walk: a method for each kind of statement, one frame under all.

The text becomes the body of one function, so that its variables are quick.
"""

from __future__ import annotations

import ast

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import ARRAY, INT
from scripting.sandbox.languages.tengo.lowering.branches import Branches, Frame
from scripting.sandbox.languages.tengo.nodes import Symbol

RESULT = "result"
EXPORT = "$export"
_MAIN = "$main"
_STEPS = {"<": 1, "<=": 1, ">": -1, ">=": -1}


class Statements(Branches):
    """Lowers a whole text."""

    def module(self, *, is_helper: bool) -> ast.Module:
        """The text as a Python module that binds `result`, or for a helper what it exports."""
        self.is_helper = is_helper
        self._frame = Frame(None)
        body = self._body_of(self._main)
        build = self.build
        statements: list[ast.stmt] = [build.function(_MAIN, [], None, body)]
        call = build.call_value(build.name(_MAIN), [])
        if is_helper:
            statements.append(build.assign(build.target(EXPORT), call))
        else:
            result = self.meaning.result
            if result is not None and result.values:
                build.at(result.values[0])
                call = build.call_value(build.name(_MAIN), [])
            statements.append(build.assign(build.target(RESULT), build.call("leave", call)))
        return ast.Module(statements, [])

    def _main(self) -> None:
        build = self.build
        for name, place in self.meaning.helpers.items():
            build.at(place)
            self.out.append(build.import_(f"shared.{name}", EXPORT, f"$import.shared/{name}"))
        for symbol in self.meaning.free.values():
            if symbol.writes:
                self._take_over(symbol)
        self._statements(self.meaning.statements)
        result = self.meaning.result
        if result is not None and not self.is_helper:
            self.out.append(build.return_(self.read(result)))

    def _take_over(self, symbol: Symbol) -> None:
        """A context variable that the script assigns to is a variable of its own from the start."""
        build = self.build
        place = self.meaning.first_use[symbol.name]
        build.at(place)
        value = build.constant(None) if symbol.name == RESULT else build.name(symbol.name)
        self.out.append(build.assign(build.target(symbol.label), value))

    # Statements

    def _statements(self, statements: list[nodes.Stmt]) -> None:
        known = self.ranges.known()
        for statement in statements:
            self._statement(statement)
            match statement:
                case nodes.Define(value=value) | nodes.Assign(target=nodes.Ident(), value=value) if self.is_pure(value):
                    pass
                case _:
                    self.remembered.forget()
        self.ranges.back_to(known)

    def _statement(self, statement: nodes.Stmt) -> None:
        match statement:
            case nodes.ExprStmt(value=value):
                lowered = self.value(value)
                self.build.at(statement)
                self.out.append(self.build.expression(lowered))
            case nodes.Define(target=target, value=value):
                assert target.symbol is not None
                self._define(statement, target.symbol, value)
            case nodes.Assign():
                self._assign(statement)
            case nodes.If():
                self._if(statement)
            case nodes.For():
                self._for(statement)
            case nodes.ForIn():
                self._for_in(statement)
            case nodes.Block(body=body):
                self._statements(body)
            case nodes.Branch(word=word):
                self._branch(statement, word)
            case nodes.Return(value=result):
                self._return(statement, result)
            case nodes.Export(value=value):
                if self.is_helper:
                    lowered = self.value(value)
                    self.build.at(statement)
                    self.out.append(self.build.return_(self.build.call("immutable", lowered)))

    def _store(self, symbol: Symbol, value: ast.expr, *, is_new: bool = False) -> None:
        build = self.build
        self.remembered.forget(symbol)
        if not symbol.is_boxed:
            if not (isinstance(value, ast.Name) and value.id == symbol.label):
                self.out.append(build.assign(build.target(symbol.label), value))
        elif is_new:
            self.out.append(build.assign(build.target(symbol.label), build.list_([value])))
        else:
            box = build.item(build.name(symbol.label), build.constant(0), ast.Store())
            self.out.append(build.assign(box, value))

    def _define(self, statement: nodes.Define, symbol: Symbol, value: nodes.Expr) -> None:
        build = self.build
        if symbol.module:
            return
        if symbol.is_boxed and isinstance(value, nodes.Function):
            build.at(statement)
            self._store(symbol, build.constant(None), is_new=True)
            made = self.function(value)
            build.at(statement)
            self._store(symbol, made)
            return
        lowered = self.value(value, "" if symbol.is_boxed else symbol.label)
        build.at(statement)
        self._store(symbol, lowered, is_new=True)

    def _assign(self, statement: nodes.Assign) -> None:
        target, value = statement.target, statement.value
        build = self.build
        if isinstance(target, nodes.Ident):
            assert target.symbol is not None
            if self._appends(statement, target):
                return
            if statement.operator:
                value = nodes.Binary(statement.start, statement.end, statement.operator, target, value)
            lowered = self.value(value, "" if target.symbol.is_boxed else target.symbol.label)
            build.at(statement)
            self._store(target.symbol, lowered)
            return
        assert isinstance(target, (nodes.Selector, nodes.Index))
        if statement.operator:
            value = nodes.Binary(statement.start, statement.end, statement.operator, target, value)
        self._put(statement, target, value)

    def _appends(self, statement: nodes.Assign, target: nodes.Ident) -> bool:
        """array = append(array, item)"""
        match statement:
            case nodes.Assign(
                operator="",
                value=nodes.Call(
                    function=nodes.Ident(name="append", symbol=None),
                    arguments=[nodes.Ident(symbol=symbol), item],
                    spread=False,
                ),
            ) if symbol is not None and symbol is target.symbol and not symbol.is_boxed:
                lowered = self.value(item)
                self.build.at(statement.value)
                arguments = [self.read(symbol), lowered]
                if symbol.captured and not self.is_pure(
                    item
                ):  # what the item calls may assign the variable: read it again
                    arguments.append(self.read(symbol))
                call = self.build.call("append_one" if len(arguments) == 2 else "append_if_same", *arguments)
                self.build.at(statement)
                self._store(symbol, call)
                return True
        return False

    def _put(self, statement: nodes.Assign, target: nodes.Selector | nodes.Index, value: nodes.Expr) -> None:
        """container[key] = value: the value first, then the keys, then the container."""
        build = self.build
        is_pure = self.is_pure(target)
        lowered = self._settled(self.value(value), statement, is_pure=is_pure)
        key_node: nodes.Expr = (
            target.index if isinstance(target, nodes.Index) else nodes.Literal(target.start, target.end, target.name)
        )
        key = self._settled(self.value(key_node), statement, is_pure=is_pure)
        container = self._settled(self.value(target.value), statement, is_pure=True)
        build.at(statement)
        general = build.expression(build.call("put", container, key, lowered))
        plain = build.assign(build.item(container, key, ast.Store()), lowered)
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.out.append(build.if_(build.type_is(container, "dict"), [plain], [general]))
        elif self.kinds.of(key_node) == INT:
            inside = build.compare(build.constant(-1), (ast.Lt(), key), (ast.Lt(), build.call("len", container)))
            test = build.all_of([build.type_is(container, "list"), inside])
            self.out.append(build.if_(test, [plain], [general]))
        else:
            self.out.append(general)

    def _settled(self, value: ast.expr, place: nodes.Node, *, is_pure: bool) -> ast.expr:
        """The value in a temporary, unless it is a constant, or a name that what follows cannot change."""
        if isinstance(value, ast.Constant) or (isinstance(value, ast.Name) and (is_pure or value.id.startswith("$t"))):
            return value
        self.build.at(place)
        label = self.temporary()
        self.out.append(self.build.assign(self.build.target(label), value))
        return self.build.name(label)

    # Loops

    def _for(self, statement: nodes.For) -> None:
        build = self.build
        if self._counts(statement):
            return
        if statement.init is not None:
            self._statement(statement.init)
        self.remembered.forget()
        before: list[ast.stmt] = []
        test: ast.expr | None = None
        if statement.condition is not None:
            with self._into(before):
                test = self.condition(statement.condition)
        body = self._turn(statement.body.body, statement.post)
        if statement.post is not None:
            body += self._lowered([statement.post])
        build.at(statement)
        if test is not None and before:
            ends = build.if_(build.not_(test), [build.break_()], [])
            self.out.append(build.while_(build.constant(True), [*before, ends, *body]))
        else:
            self.out.append(build.while_(test or build.constant(True), body))

    def _counts(self, statement: nodes.For) -> bool:
        """for i := start; i < end; i++ { … } whose body touches neither i nor the end: a range."""
        match statement:
            case nodes.For(
                init=nodes.Define(target=nodes.Ident(symbol=symbol), value=start),
                condition=nodes.Binary(
                    operator="<" | "<=" | ">" | ">=" as operator, left=nodes.Ident(symbol=tested), right=end
                ),
                post=nodes.Assign(
                    target=nodes.Ident(symbol=stepped),
                    operator="+" | "-" as sign,
                    value=nodes.Literal(value=int() as size),
                ),
            ):
                step = size if sign == "+" else -size
                fits = symbol is tested is stepped and symbol is not None and symbol.writes == 1 and not symbol.captured
                if not fits or step * _STEPS[operator] <= 0 or isinstance(size, bool):
                    return False
                if self.kinds.of(start) != INT or self.kinds.of(end) != INT or not self._is_constant(end):
                    return False
            case _:
                return False
        assert symbol is not None
        build = self.build
        first, last = self.value(start), self.value(end)
        build.at(statement)
        if operator in {"<=", ">="}:
            last = build.binary(ast.Add(), last, build.constant(1 if operator == "<=" else -1))
        turns = build.call("range", first, last, build.constant(step))
        body = self._turn(statement.body.body, None)
        build.at(statement)
        self.out.append(build.for_(build.target(symbol.label), turns, body))
        return True

    @staticmethod
    def _is_constant(node: nodes.Expr) -> bool:
        """Whether the value stays the same while a loop runs."""
        if isinstance(node, nodes.Ident):
            return node.symbol is not None and node.symbol.writes == 0 and not node.symbol.is_free
        return isinstance(node, nodes.Literal)

    def _for_in(self, statement: nodes.ForIn) -> None:
        build = self.build
        iterable = self.value(statement.iterable)
        steady = "steady_" if self.meaning.mentions_splice or self.meaning.helpers else ""
        before: list[ast.stmt] = []
        value = self._loop_variable(statement.value, before)
        build.at(statement)  # what cannot be gone through is told of the whole statement, as in the original
        if statement.key is None:
            if steady or self.kinds.of(statement.iterable) != ARRAY:
                iterable = build.call(f"{steady}values", iterable)
            target = value
        else:
            key = self._loop_variable(statement.key, before)
            build.at(statement)
            target = ast.copy_location(ast.Tuple([key, value], ast.Store()), value)
            iterable = build.call(f"{steady}items", iterable)
        body = before + self._turn(statement.body.body, None)
        build.at(statement)
        self.out.append(build.for_(target, iterable, body))

    def _loop_variable(self, ident: nodes.Ident | None, before: list[ast.stmt]) -> ast.expr:
        build = self.build
        if ident is None:
            return build.target("$_")
        assert ident.symbol is not None
        build.at(ident)
        if not ident.symbol.is_boxed:
            return build.target(ident.symbol.label)
        label = self.temporary()
        before.append(build.assign(build.target(ident.symbol.label), build.list_([build.name(label)])))
        return build.target(label)

    def _branch(self, statement: nodes.Stmt, word: str) -> None:
        post = self._frame.loops[-1]
        if word == "continue" and post is not None:
            self._statement(post)
        self.build.at(statement)
        self.out.append(self.build.break_() if word == "break" else self.build.continue_())

    # Functions

    def function(self, node: nodes.Function) -> ast.expr:
        outer, self._frame = self._frame, Frame(node)
        self._frame.repeats = self._may_repeat(node)
        held = self.remembered.swap({})
        body = self._body_of(lambda: self._function_body(node))
        self.remembered.swap(held)
        owner = outer.function
        self._frame = outer
        build = self.build
        build.at(node)
        labels = [parameter.symbol.label for parameter in node.parameters if parameter.symbol]
        vararg = labels.pop() if node.is_variadic else None
        name = f"{node.name}/{len(labels)}{'+' if vararg else ''}"
        definition: ast.stmt = build.function(name, labels, vararg, body)
        fresh = [symbol.label for symbol in node.captured if symbol.is_fresh and symbol.owner is owner]
        label = self.temporary()
        if fresh:
            # A closure keeps the variables of its turn of the loop: they are arguments of a function made for it.
            self.out.append(build.function("$keep", fresh, None, [definition, build.return_(build.name(name))]))
            made: ast.expr = build.call_value(build.name("$keep"), [build.name(kept) for kept in fresh])
        else:
            self.out.append(definition)
            made = build.name(name)
        self.out.append(build.assign(build.target(label), made))
        return build.name(label)

    def _function_body(self, node: nodes.Function) -> None:
        build = self.build
        build.at(node)
        labels = sorted(symbol.label for symbol in node.assigned if not symbol.is_boxed)
        if labels:
            self.out.append(build.nonlocal_(labels))
        if node.is_variadic:
            rest = node.parameters[-1].symbol
            assert rest is not None
            self.out.append(
                build.assign(build.target(rest.label), build.list_([build.starred(build.name(rest.label))]))
            )
        statements = node.body.body
        if not self._frame.repeats:
            self._statements(statements)
            return
        turn = self._body_of(lambda: self._repeated(node, statements))
        build.at(node)
        self.out.append(build.while_(build.constant(True), turn))

    def _repeated(self, node: nodes.Function, statements: list[nodes.Stmt]) -> None:
        *first, last = statements
        self._statements(first)
        self._statement(_with_return(last, node))
        self.build.at(node)
        self.out.append(self.build.return_(self.build.constant(None)))

    def _may_repeat(self, node: nodes.Function) -> bool:
        """Whether it calls itself in tail position, and no closure could tell one call's variables from the next one's."""
        if node.is_variadic or not node.body.body or any(symbol.captured for symbol in node.locals):
            return False
        *first, last = node.body.body
        return _has_tail_call([*first, _with_return(last, node)], node)

    def _return(self, statement: nodes.Stmt, result: nodes.Expr | None) -> None:
        build = self.build
        function = self._frame.function
        if (
            self._frame.repeats
            and not self._frame.loops
            and function is not None
            and result is not None
            and _ends_in_itself(result, function)
        ):
            self._return_in_turns(statement, function, result)
            return
        value = self.value(result) if result is not None else build.constant(None)
        build.at(statement)
        self.out.append(build.return_(value))

    def _return_in_turns(self, statement: nodes.Stmt, function: nodes.Function, result: nodes.Expr) -> None:
        """return f(…), and where f(…) is the last that `?:`, `&&` or `||` evaluates."""
        match result:
            case nodes.Conditional(condition=condition, first=first, second=second):
                branches = [nodes.Block(e.start, e.end, [nodes.Return(e.start, e.end, e)]) for e in (first, second)]
                self._statement(nodes.If(statement.start, statement.end, None, condition, *branches))
            case nodes.Binary(operator=operator, left=left, right=right):
                build = self.build
                label = self.temporary()
                value = self.value(left)
                build.at(statement)
                self.out.append(build.assign(build.target(label), value))
                held = build.call("truth", build.name(label))
                test = build.not_(held) if operator == "&&" else held
                self.out.append(build.if_(test, [build.return_(build.name(label))], []))
                self._return(nodes.Return(right.start, right.end, right), right)
            case nodes.Call(arguments=arguments):
                self._again(statement, function, arguments)

    def _again(self, statement: nodes.Stmt, function: nodes.Function, arguments: list[nodes.Expr]) -> None:
        build = self.build
        values = [self.value(argument) for argument in arguments]
        build.at(statement)
        labels = [parameter.symbol.label for parameter in function.parameters if parameter.symbol]
        if labels:
            targets: list[ast.expr] = [build.target(label) for label in labels]
            place = targets[0]
            target = ast.copy_location(ast.Tuple(targets, ast.Store()), place)
            self.out.append(build.assign(target, ast.copy_location(ast.Tuple(values, ast.Load()), place)))
        self.out.append(build.continue_())


def _calls_itself(node: nodes.Expr, function: nodes.Function) -> bool:
    match node:
        case nodes.Call(function=nodes.Ident(symbol=symbol), arguments=arguments, spread=False) if symbol is not None:
            return symbol.function is function and len(arguments) == len(function.parameters)
    return False


def _ends_in_itself(node: nodes.Expr, function: nodes.Function) -> bool:
    """Whether nothing is done after the call of itself that the expression may end in."""
    match node:
        case nodes.Conditional(first=first, second=second):
            return _ends_in_itself(first, function) or _ends_in_itself(second, function)
        case nodes.Binary(operator="&&" | "||", right=right):
            return _ends_in_itself(right, function)
    return _calls_itself(node, function)


def _with_return(last: nodes.Stmt, function: nodes.Function) -> nodes.Stmt:
    """The last statement of a function, or of a block there, with a call of itself at its end as what it returns."""
    match last:
        case nodes.ExprStmt(start, end, value) if _calls_itself(value, function):
            return nodes.Return(start, end, value)
        case nodes.If(start, end, init, condition, body, None) if body.body:
            *first, inner = body.body
            within = nodes.Block(body.start, body.end, [*first, _with_return(inner, function)])
            return nodes.If(start, end, init, condition, within, None)
    return last


def _has_tail_call(statements: list[nodes.Stmt], function: nodes.Function) -> bool:
    for statement in statements:
        match statement:
            case nodes.Return(value=value) if value is not None:
                if _ends_in_itself(value, function):
                    return True
            case nodes.Block(body=body):
                if _has_tail_call(body, function):
                    return True
            case nodes.If(body=block, orelse=orelse):
                if _has_tail_call(block.body, function) or (orelse is not None and _has_tail_call([orelse], function)):
                    return True
    return False
