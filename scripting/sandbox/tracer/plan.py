"""A text's lines as a trace sees them: which statement stands where, what it gives a value, and what it decides."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

MOST_LINES = 8_000
"""Of a longer text no line is followed."""
MOST_TARGETS = 8
"""Values shown of one line."""
_MADE = "$"
_LABEL = 60
"""Characters of a name."""


class Kind(IntEnum):
    """The part of a line beside giving names their values."""

    PLAIN = 0
    TEST = 1
    """if, elif, while, case: followed by its body, or not."""
    TURN = 2
    """for: each turn begins with its body."""
    WITH = 3
    CAUGHT = 4
    """except: followed by its body where it catches."""
    RETURN = 5


@dataclass(frozen=True, slots=True)
class Target:
    """A place that a line gives a value: a name, and the way from its value to the part that is written."""

    name: str
    label: str
    """As people read it; empty for a value that has no name of its own."""
    path: tuple[tuple[str, str | int], ...] = ()
    """Steps: `item` and a constant key, `at` and the name that holds the key, `attribute` and its name."""
    changed: bool = False
    """The line calls a method of it: shown where that can have changed it."""


@dataclass(slots=True, eq=False)
class Head:
    """The statement that begins on a line, without the statements inside it."""

    line: int
    last: int
    kind: Kind = Kind.PLAIN
    targets: tuple[Target, ...] = ()
    body: tuple[int, int] = (0, 0)
    """First and last line of what follows where it decides so."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as its calls are shown: at the line of its `def`."""

    line: int
    parameters: tuple[Target, ...]


@dataclass(slots=True)
class Plan:
    """All that a trace knows of one text."""

    heads: dict[int, Head] = field(default_factory=dict)
    """By each line that the head covers."""
    functions: dict[int, Function] = field(default_factory=dict)
    """By the first line of its code: that of the first decorator."""
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """First and last line of loops and functions: what a pager turns."""
    is_lowered: bool = False
    """The text's own level is a function that its language has made."""

    def idle(self, ran: Collection[int]) -> tuple[int, ...]:
        """Lines of the statements that begin on none of these lines."""
        return tuple(line for line in sorted(self.heads) if self.heads[line].line not in ran)


def plan_of(tree: ast.Module, shown: Callable[[str], str]) -> Plan:
    """Read a parsed text, before the policy changes it. `shown` gives a variable's name as its language writes it."""
    own = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith(_MADE)]
    plan = Plan(is_lowered=bool(own))
    body = [part for node in own for part in node.body if not isinstance(part, ast.Return)] or tree.body
    if max((node.end_lineno or node.lineno for node in body), default=0) <= MOST_LINES:
        _Reader(plan, shown).block(body)
    return plan


class _Reader:
    def __init__(self, plan: Plan, shown: Callable[[str], str]) -> None:
        self.plan = plan
        self._shown = shown

    def shown(self, name: str) -> str:
        return self._shown(name)[:_LABEL]

    def block(self, body: list[ast.stmt]) -> None:
        # A stack, not recursion: lowered trees may be deep.
        waiting: list[tuple[Any, bool]] = [(statement, False) for statement in reversed(body)]
        while waiting:
            statement, unsure = waiting.pop()
            self._statement(statement, unsure=unsure)
            for field_name in ("finalbody", "orelse", "handlers", "cases", "body"):
                inside = getattr(statement, field_name, None)
                if isinstance(inside, list):
                    waiting += [(one, unsure or _beside(statement, one)) for one in reversed(inside)]

    def _statement(self, node: ast.stmt | ast.ExceptHandler | ast.match_case, *, unsure: bool) -> None:
        match node:
            case ast.FunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._add(Head(node.lineno, node.lineno))
            case ast.If(test=ast.Constant()) | ast.While(test=ast.Constant()):
                if isinstance(node, ast.While):
                    self._block(node)
            case ast.If(test=test, body=body) | ast.While(test=test, body=body):
                self._head(node, Kind.TEST, test, body, tuple(self._named(test)))
                if isinstance(node, ast.While):
                    self._block(node)
            case ast.For(target=target, iter=values, body=body):
                self._head(node, Kind.TURN, values, body, tuple(self._targets(target)))
                self._block(node)
            case ast.With(items=items, body=body):
                given = [item.optional_vars for item in items if item.optional_vars is not None]
                targets = tuple(found for one in given for found in self._targets(one))
                self._head(node, Kind.WITH, items[-1].optional_vars or items[-1].context_expr, body, targets)
            case ast.ExceptHandler(type=caught, body=body):
                self._head(node, Kind.CAUGHT, caught, body, ())
            case ast.match_case(pattern=pattern, guard=guard, body=body):
                names = [name for one in ast.walk(pattern) if (name := _captured(one))]
                targets = tuple(Target(name, label) for name in names if (label := self.shown(name)))
                self._head(pattern, Kind.TEST, guard or pattern, body, targets)
            case ast.Match(subject=subject):
                self._add(Head(node.lineno, subject.end_lineno or node.lineno))
            case ast.Try() | ast.Global() | ast.Nonlocal() | ast.Expr(value=ast.Constant()) | ast.AnnAssign(value=None):
                pass  # nothing of them runs, or nothing on a line of its own
            case ast.stmt():
                kind = Kind.RETURN if isinstance(node, ast.Return) else Kind.PLAIN
                targets = () if unsure else tuple(self._given(node))
                self._add(Head(node.lineno, node.end_lineno or node.lineno, kind, targets))

    def _function(self, node: ast.FunctionDef) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
        named = [argument.arg for argument in every if argument is not None]
        parameters = tuple(Target(name, label) for name in named if (label := self.shown(name)))[:MOST_TARGETS]
        begins = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        self._add(Head(node.lineno, node.lineno))
        if not node.name.startswith(_MADE):
            self.plan.functions[begins] = Function(node.lineno, parameters)
            self._block(node)

    def _block(self, node: ast.FunctionDef | ast.For | ast.While) -> None:
        last = max((one.end_lineno or one.lineno for one in node.body), default=node.lineno)
        if last > node.lineno:
            self.plan.blocks.append((node.lineno, last))

    def _head(
        self,
        node: ast.stmt | ast.ExceptHandler | ast.pattern,
        kind: Kind,
        until: ast.expr | ast.pattern | None,
        body: list[ast.stmt],
        targets: tuple[Target, ...],
    ) -> None:
        """A compound statement. One whose body stands on its own line decides nothing that can be seen by lines."""
        inside = [one for one in body if one.lineno != node.lineno]
        if not inside:
            kind, span = Kind.PLAIN, (0, 0)
        else:
            span = min(one.lineno for one in inside), max(one.end_lineno or one.lineno for one in inside)
        last = until.end_lineno if until is not None and until.end_lineno else node.lineno
        if span[0] > node.lineno:
            last = min(last, span[0] - 1)
        self._add(Head(node.lineno, max(last, node.lineno), kind, targets, span))

    def _add(self, head: Head) -> None:
        there = self.plan.heads.get(head.line)
        if there is not None and there.line == head.line:  # several statements on one line are shown as one
            if there.kind is Kind.PLAIN and head.kind is not Kind.PLAIN:
                there.kind, there.body = head.kind, head.body
            known = {(target.name, target.path) for target in there.targets}
            more = tuple(target for target in head.targets if (target.name, target.path) not in known)
            there.targets = (there.targets + more)[:MOST_TARGETS]
            there.last = max(there.last, head.last)
            head = there
        else:
            head.targets = head.targets[:MOST_TARGETS]
        for line in range(head.line, head.last + 1):
            self.plan.heads.setdefault(line, head)
        self.plan.heads[head.line] = head

    # What a statement gives a value

    def _given(self, node: ast.stmt) -> Iterator[Target]:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from self._targets(target)
                yield from self._named(value)
            case ast.AugAssign(target=target, value=value) | ast.AnnAssign(target=target, value=value):
                yield from self._targets(target)
                if value is not None:
                    yield from self._named(value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if self.shown(name):
                yield Target(name, self.shown(name), changed=True)
            case ast.Expr(value=value):
                yield from self._named(value)

    def _targets(self, node: ast.expr) -> Iterator[Target]:
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    yield from self._targets(part)
            case ast.Starred(value=value):
                yield from self._targets(value)
            case ast.Name(id=name):
                yield Target(name, self.shown(name))
            case ast.Subscript() | ast.Attribute():
                found = self._part(node)
                if found is not None:
                    yield found

    def _part(self, node: ast.expr) -> Target | None:
        path: list[tuple[str, str | int]] = []
        step: tuple[str, str | int]
        label = ""
        while not isinstance(node, ast.Name):
            match node:
                case ast.Attribute(value=value, attr=name):
                    step, said = ("attribute", name), f".{name}"
                case ast.Subscript(value=value, slice=ast.Constant(value=str() | int() as key)):
                    step, said = ("item", key), f"[{key!r}]"
                case ast.Subscript(value=value, slice=ast.Name(id=name)):
                    step, said = ("at", name), f"[{self.shown(name)}]"
                case _:
                    return None
            path.append(step)
            label, node = said + label, value
        if not (shown := self.shown(node.id)):
            return None
        if node.id.startswith(_MADE) and path[-1] == ("item", 0):  # the box of a variable that inner functions write
            label = label.removeprefix("[0]")
        return Target(node.id, (shown + label)[:_LABEL], tuple(reversed(path)))

    def _named(self, node: ast.expr) -> Iterator[Target]:
        """Names that an expression binds on its way (`:=`)."""
        for inside in ast.walk(node):
            if isinstance(inside, ast.NamedExpr) and (label := self.shown(inside.target.id)):
                yield Target(inside.target.id, label)


def _beside(outer: ast.AST, inner: ast.AST) -> bool:
    """Whether a condition has its consequence on its own line: whether that ran cannot be seen."""
    if not isinstance(outer, ast.If) or not isinstance(inner, ast.stmt):
        return False
    return inner.lineno == outer.lineno and inner.col_offset != outer.col_offset


def _captured(pattern: ast.AST) -> str | None:
    match pattern:
        case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.MatchMapping(rest=name):
            return name
    return None
