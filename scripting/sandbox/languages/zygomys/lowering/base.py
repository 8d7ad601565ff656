"""Shared by all of the lowering: where statements go, names in Python, reading and storing variables."""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass, field

from scripting.sandbox.languages.tengo.lowering.build import STORE
from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.catalog import PREDEFINED
from scripting.sandbox.languages.zygomys.kinds import Kinds
from scripting.sandbox.languages.zygomys.lowering.build import Builder
from scripting.sandbox.languages.zygomys.nodes import Node, Scope, Variable

GENSYM = "$gensym"


@dataclass
class Frame:
    """The Python function whose body is being made."""

    function: nodes.Function | None
    nonlocals: set[str] = field(default_factory=set)
    loops: list[nodes.For | nodes.Range] = field(default_factory=list)
    signals: set[int] = field(default_factory=set)
    """Outer loops that the loop at hand breaks or continues."""


class _Into:
    """Statements go elsewhere for a while: by hand, since there is one for each part of an expression."""

    __slots__ = ("lowering", "other")

    def __init__(self, lowering: Lowering, out: list[ast.stmt]) -> None:
        self.lowering = lowering
        self.other = out

    def __enter__(self) -> None:
        self.lowering.out, self.other = self.other, self.lowering.out

    def __exit__(self, *_: object) -> None:
        self.lowering.out = self.other


class Lowering:
    """Makes Python's tree of the nodes. A method that gives an expression has put what must run before it into `out`."""

    def __init__(self, kinds: Kinds, build: Builder) -> None:
        self.kinds = kinds
        self.build = build
        self.out: list[ast.stmt] = []
        self.frame = Frame(None)
        self.needs_gensym = False
        """The text makes symbols of its own: each run counts them anew."""
        self._temporaries = 0
        self._labels: dict[str, int] = {}

    # Names in Python

    def temporary(self) -> str:
        self._temporaries += 1
        return f"$t{self._temporaries}"

    def label(self, variable: Variable) -> str:
        if not variable.label:
            count = self._labels[variable.name] = self._labels.get(variable.name, -1) + 1
            variable.label = f"$.{variable.name} {count}" if count else f"$.{variable.name}"
        return variable.label

    # Statements

    def into(self, out: list[ast.stmt]) -> _Into:
        """with self.into(body): what is made goes there."""
        return _Into(self, out)

    def is_simple(self, expression: ast.expr) -> bool:
        """A name or a constant: it may be written twice."""
        return isinstance(expression, (ast.Name, ast.Constant))

    def kept(self, expression: ast.expr) -> tuple[ast.expr, ast.expr]:
        """The expression for its first use, and how to name its value after that."""
        if self.is_simple(expression):
            return expression, expression
        label = self.temporary()
        return self.build.keep(label, expression), self.build.name(label)

    def spilled(self, expression: ast.expr) -> ast.expr:
        """The value of the expression as it is now."""
        if isinstance(expression, ast.Constant) or (
            isinstance(expression, ast.Name) and expression.id.startswith("$t")
        ):
            return expression
        label = self.temporary()
        self.out.append(self.build.assign(self.build.target(label), expression))
        return self.build.name(label)

    def value(self, node: Node) -> ast.expr:
        raise NotImplementedError

    def parts(self, parts: list[Node]) -> list[ast.expr]:
        """The expressions in turn: what one does before it does not overtake those before it."""
        made: list[ast.expr] = []
        for part in parts:
            before: list[ast.stmt] = []
            with self.into(before):
                expression = self.value(part)
            if before:
                made = [self.spilled(earlier) for earlier in made]
                self.out += before
            made.append(expression)
        return made

    # Variables

    def cell(self, variable: Variable) -> ast.expr:
        """The variable as an expression, whatever is in it."""
        build = self.build
        label = build.name(self.label(variable))
        return build.item(label, build.constant(0)) if variable.is_boxed else label

    def is_bound(self, variable: Variable) -> ast.expr:
        return self.build.is_not(self.cell(variable), self.build.name("$unbound"))

    def read(self, node: nodes.Read) -> ast.expr:
        build = self.build
        build.at(node)
        candidates = list(node.candidates)
        if node.otherwise == "builtin":
            made = self.builtin_value(node.name)
        elif node.otherwise == "context" or not candidates:
            made = self.context(node.name)
        else:
            made = self.cell(candidates.pop())
        for variable in reversed(candidates):
            made = build.choose(self.is_bound(variable), self.cell(variable), made)
        return made

    def builtin_value(self, name: str) -> ast.expr:
        if name in {"nil", "null"}:
            return self.build.constant(None)
        if name == "gensym":
            self.needs_gensym = True
            return self.build.name(GENSYM)
        return self.build.name(f"$builtin.{name}")

    def may_come(self, name: str) -> bool:
        """Whether a context variable can have this name."""
        return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")

    def context(self, name: str) -> ast.expr:
        """A variable that must come with the context."""
        if self.may_come(name):
            return self.build.name(name)
        return self.build.call("unknown", self.build.constant(name))

    def store(self, variable: Variable, value: ast.expr) -> None:
        """Assign to the variable."""
        build = self.build
        label = self.label(variable)
        if variable.is_boxed:
            box = build.item(build.name(label), build.constant(0), STORE)
            self.out.append(build.assign(box, value))
            return
        self._outer(variable)
        if not (isinstance(value, ast.Name) and value.id == label):
            self.out.append(build.assign(build.target(label), value))

    def _outer(self, variable: Variable) -> None:
        if variable.scope.function is not self.frame.function:
            self.frame.nonlocals.add(self.label(variable))

    def open_scope(self, scope: Scope, known: set[Variable] | None = None) -> None:
        """Initialise a scope's variables: fresh boxes, and no value where that is asked for."""
        build = self.build
        for variable in scope.variables.values():
            if known is not None and variable in known and not variable.is_boxed:
                continue
            if variable.is_boxed:
                box = build.list_([build.name("$unbound")])
                self.out.append(build.assign(build.target(self.label(variable)), box))
            elif variable.is_checked:
                self.out.append(build.assign(build.target(self.label(variable)), build.name("$unbound")))

    def is_predefined(self, name: str) -> bool:
        return name in PREDEFINED
