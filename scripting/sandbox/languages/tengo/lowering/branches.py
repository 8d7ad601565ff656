"""Values and conditions of statements, and `if`: FAST in a `try`, with COLD in its handler.

What leaves, or assigns a plain value, cannot miss: it may stand inside the `try`, and once more in the handler. So the value of
a condition needs no name where one of the two branches is that short and leaves, as at the end of a loop's turn it may.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.kinds import always_returns
from scripting.sandbox.languages.tengo.lowering.base import Mode
from scripting.sandbox.languages.tengo.lowering.expressions import Expressions
from scripting.sandbox.languages.tengo.lowering.ranges import is_within
from scripting.sandbox.languages.tengo.lowering.remembered import Part


@dataclass
class Frame:
    """The function whose body is being lowered."""

    function: nodes.Function | None
    loops: list[nodes.Stmt | None] = field(default_factory=list)
    """For each loop around the statement: what it does before its next turn."""
    last: set[nodes.Stmt] = field(default_factory=set)
    """The `if`s after which the turn of a loop is over, with nothing to be done before the next."""
    repeats: bool = False
    """Its calls of itself in tail position are turns of a loop."""


class Branches(Expressions):
    """Lowers values, conditions and `if` as statements."""

    _frame = Frame(None)

    def _statements(self, statements: list[nodes.Stmt]) -> None:
        """Lower them into `out`; see statements.py."""
        raise NotImplementedError

    @contextmanager
    def _into(self, out: list[ast.stmt]) -> Iterator[None]:
        outer, self.out = self.out, out
        try:
            yield
        finally:
            self.out = outer

    def _body_of(self, fill: Callable[[], None]) -> list[ast.stmt]:
        body: list[ast.stmt] = []
        with self._into(body):
            fill()
        return body

    def _lowered(self, statements: list[nodes.Stmt]) -> list[ast.stmt]:
        return self._body_of(lambda: self._statements(statements))

    def _turn(self, body: list[nodes.Stmt], post: nodes.Stmt | None) -> list[ast.stmt]:
        """All that a loop does in each of its turns, but for `post`."""
        self._frame.loops.append(post)
        if post is None:
            self._frame.last |= _last_ifs(body)
        self.remembered.forget()
        lowered = self._lowered(body)
        self._frame.loops.pop()
        return lowered

    # Values

    def value(self, node: nodes.Expr, label: str = "") -> ast.expr:
        """The expression, with what must come before it already in `out`: perhaps the name `label`, already assigned."""
        if self.is_pure(node):
            return self._guarded(node, label)
        if isinstance(node, nodes.Call) and not node.spread and all(map(self.is_pure, node.arguments)):
            arguments = [self._guarded(argument) for argument in node.arguments]
            function = self.lower(node.function, Mode.WARM)
            self.build.at(node)
            lowered: ast.expr = self.build.call_value(function, arguments)
        else:
            lowered = self.lower(node, Mode.WARM)
        self.remembered.forget()
        return lowered

    def _guarded(self, node: nodes.Expr, label: str = "") -> ast.expr:
        """FAST, in a try with COLD in its handler if it may miss."""
        fast = self._quick(node, self.lower)
        if not self.risky:
            return fast
        taken = self.remembered.taken(fast)
        build = self.build
        label = label or self.temporary()
        build.at(node)
        quick = build.assign(build.target(label), fast)
        self._or_slow(node, label, self.lower, quick, taken)
        return build.name(label)

    def condition(self, node: nodes.Expr) -> ast.expr:
        """As `value`, for its truth. What it reads is held where it is true."""
        if not self.is_pure(node):
            self.remembered.forget()
            return self.test(node, Mode.WARM)
        fast = self._quick(node, self.test)
        return self._named(node, fast) if self.risky else fast

    def _named(self, node: nodes.Expr, fast: ast.expr) -> ast.expr:
        """The name that a condition that may miss has left its truth in."""
        taken = self.remembered.taken(fast, if_true=True)
        build = self.build
        label = self.temporary()
        build.at(node)
        # An `if` jumps where an expression makes values.
        yes = build.assign(build.target(label), build.constant(True))
        no = build.assign(build.target(label), build.constant(False))
        self._or_slow(node, label, self.test, build.if_(fast, [yes], [no]), taken)
        return build.name(label)

    def _quick(self, node: nodes.Expr, lower: Callable[[nodes.Expr, Mode], ast.expr]) -> ast.expr:
        """FAST; `risky` tells whether it may miss."""
        self.risky = False
        self.remembered.start()
        return lower(node, Mode.FAST)

    def _or_slow(
        self,
        node: nodes.Expr,
        label: str,
        lower: Callable[[nodes.Expr, Mode], ast.expr],
        quick: ast.stmt,
        taken: dict[Part, str],
    ) -> None:
        build = self.build
        cold = lower(node, Mode.COLD)
        build.at(node)
        slow = [build.assign(build.target(label), cold), *self._undefined(taken)]
        self.out.append(build.try_([quick], "$Miss", slow))
        self.remembered.hold(taken)

    def _undefined(self, taken: dict[Part, str]) -> list[ast.stmt]:
        build = self.build
        return [build.assign(build.target(label), build.constant(None)) for label in taken.values()]

    # if

    def _if(self, statement: nodes.If) -> None:
        if statement.init is not None:
            self._statements([statement.init])
        condition, body = statement.condition, statement.body.body
        orelse = [statement.orelse] if statement.orelse is not None else []
        if not self.is_pure(condition):
            self._if_else(statement, self.condition(condition), {})
        else:
            before = self.remembered.swap({})
            self.remembered.hold(before)
            fast = self._quick(condition, self.test)
            if not self.risky:
                self._if_else(statement, fast, before)
            elif self._is_short(body) and self._is_short(orelse):
                self._both_inside(statement, fast)
            elif self._is_short(orelse) and self._may_leave(statement, orelse):
                self._one_inside(statement, fast, orelse, body, holds=False)
            elif self._is_short(body) and self._may_leave(statement, body):
                self._one_inside(statement, fast, body, orelse, holds=True)
            else:
                self._if_else(statement, self._named(condition, fast), before)
        if leaves(body):
            self.ranges.tell(condition, holds=False)
        elif leaves(orelse):
            self.ranges.tell(condition, holds=True)

    def _if_else(self, statement: nodes.If, test: ast.expr, before: dict[Part, str]) -> None:
        """A plain `if`; `before` is what is held where the condition is false."""
        known = self.ranges.tell(statement.condition, holds=True)
        body = self._lowered(statement.body.body)
        self.remembered.swap(before)
        self.ranges.back_to(known)
        self.ranges.tell(statement.condition, holds=False)
        orelse = self._lowered([statement.orelse]) if statement.orelse is not None else []
        self.ranges.back_to(known)
        self.build.at(statement)
        self.out.append(self.build.if_(test, body, orelse))

    def _both_inside(self, statement: nodes.If, fast: ast.expr) -> None:
        """try: if FAST: body else: orelse, and so with COLD in the handler."""
        build = self.build
        orelse = [statement.orelse] if statement.orelse is not None else []
        cold = self.test(statement.condition, Mode.COLD)
        quick, slow = ((self._lowered(statement.body.body), self._lowered(orelse)) for _ in range(2))
        build.at(statement)
        self.out.append(build.try_([build.if_(fast, *quick)], "$Miss", [build.if_(cold, *slow)]))

    def _may_leave(self, statement: nodes.If, branch: list[nodes.Stmt]) -> bool:
        return leaves(branch) or statement in self._frame.last

    def _one_inside(
        self,
        statement: nodes.If,
        fast: ast.expr,
        short: list[nodes.Stmt],
        other: list[nodes.Stmt],
        *,
        holds: bool,
    ) -> None:
        """try: if FAST (or not): short, which leaves; and so in the handler. Behind it the other branch."""
        build = self.build
        condition = statement.condition
        taken = self.remembered.taken(fast, if_true=not holds)
        held = self.remembered.swap({})
        tests = [fast, self.test(condition, Mode.COLD)]
        branches: list[ast.stmt] = []
        for test in tests:
            leaving = self._lowered(short)
            if not leaves(short):
                build.at(short[-1] if short else condition)
                leaving.append(build.continue_())
            build.at(condition)
            branches.append(build.if_(test if holds else build.not_(test), leaving, []))
        quick, slow = branches
        self.out.append(build.try_([quick], "$Miss", [slow, *self._undefined(taken)]))
        self.remembered.swap(held | taken)
        known = self.ranges.tell(condition, holds=not holds)
        self._statements(other)
        self.ranges.back_to(known)

    # Branches that cannot miss

    def _is_short(self, statements: list[nodes.Stmt]) -> bool:
        """Whether nothing in them can miss, and at most one assigns: it is done again in the handler if memory ends in it."""
        match statements:
            case [nodes.Block(body=body)]:
                return self._is_short(body)
            case [*assigned, nodes.Return(value=value)]:
                if value is not None and not self.is_simple(value):
                    return False
            case [*assigned, nodes.Branch(word="continue")]:
                post = self._frame.loops[-1]
                assigned += [post] if post is not None else []
            case [*assigned, nodes.Branch()]:
                pass
            case assigned:
                pass
        return len(assigned) <= 1 and all(map(self._cannot_miss, assigned))

    def _cannot_miss(self, statement: nodes.Stmt) -> bool:
        match statement:
            case nodes.Define(value=value) | nodes.Assign(target=nodes.Ident(), operator="", value=value):
                return self.is_simple(value)
            case nodes.Assign(start, end, nodes.Ident() as target, "+" | "-" as operator, value):
                stepped = self.ranges.of(nodes.Binary(start, end, operator, target, value))
                return self.is_simple(target) and self.is_simple(value) and stepped is not None and is_within(stepped)
        return False


def leaves(statements: list[nodes.Stmt]) -> bool:
    """Whether the statements never go on to the one after them."""
    match statements:
        case [nodes.Block(body=body)]:
            return leaves(body)
        case [*_, nodes.Branch()]:
            return True
    return always_returns(statements)


def _last_ifs(statements: list[nodes.Stmt]) -> set[nodes.Stmt]:
    match statements[-1:]:
        case [nodes.Block(body=body)]:
            return _last_ifs(body)
        case [nodes.If(body=block, orelse=orelse) as last]:
            return {last} | _last_ifs(block.body) | (_last_ifs([orelse]) if orelse is not None else set())
    return set()
