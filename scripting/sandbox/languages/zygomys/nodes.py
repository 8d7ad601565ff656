"""The tree that forms are resolved to: macros expanded, infix read, every name tied to its scope. `start` and `end` are offsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


class Scope:
    """Where names are bound: the text's own scope, a function, or let, newScope and for inside one."""

    def __init__(self, outer: Scope | None, function: Function | None, *, repeats: bool = False) -> None:
        self.outer = outer
        self.function = function
        """The function whose body this is part of; None for the text's own."""
        self.repeats = repeats
        """It can be entered more than once in one call of the function."""
        self.variables: dict[str, Variable] = {}

    @property
    def is_function(self) -> bool:
        return self.outer is None or self.outer.function is not self.function

    def variable(self, name: str) -> Variable:
        found = self.variables.get(name)
        if found is None:
            found = self.variables[name] = Variable(name, self)
        return found


class Variable:
    """One name in one scope."""

    def __init__(self, name: str, scope: Scope) -> None:
        self.name = name
        self.scope = scope
        self.label = ""
        """Its name in Python."""
        self.values: list[Node | None] = []
        """Values assigned to it; None for one that is not known (a parameter)."""
        self.is_captured = False
        self.is_checked = False
        """It may be read or set before it has a value, where another of its name would then count."""
        self.is_rebound = False
        """It is bound anew where it may be bound already: its type holds."""
        self.from_context = False
        """It begins with the value of a context variable, if there is one."""
        self.binds = 0
        self.kinds = 0
        self.function: Function | None = None
        """The function that it always is, if it is one."""

    @property
    def is_boxed(self) -> bool:
        return self.is_captured and self.scope.repeats and not self.scope.is_function


@dataclass(slots=True, eq=False, repr=False)
class Node:
    start: int
    end: int


@dataclass(slots=True, eq=False, repr=False)
class Const(Node):
    """A literal, or quoted data."""

    value: Any


@dataclass(slots=True, eq=False, repr=False)
class Read(Node):
    """A name: the variables that may hold it, nearest first, then what it is if none does."""

    name: str
    scope: Scope
    candidates: list[Variable] = field(default_factory=list)
    may_be_key: bool = False
    """The name in (:name container): of a hash it is no variable."""
    otherwise: str = ""
    """`builtin`, `context`, or empty: there is nothing more."""


@dataclass(slots=True, eq=False, repr=False)
class Field(Node):
    """container.name"""

    container: Node
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Call(Node):
    function: Node
    arguments: list[Node]
    texts: list[Any]
    """The arguments as written, for what takes them lazily."""


@dataclass(slots=True, eq=False, repr=False)
class Builtin(Node):
    """A call of one of the language's own functions."""

    name: str
    arguments: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Colon(Node):
    """(:key container default)"""

    key: Any
    evaluated: Node | None
    container: Node
    default: Node | None


@dataclass(slots=True, eq=False, repr=False)
class Select(Node):
    """{container[a b]}"""

    container: Node
    selector: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Cut(Node):
    """{container[low:high]}"""

    container: Node
    low: Node | None
    high: Node | None


@dataclass(slots=True, eq=False, repr=False)
class Array(Node):
    items: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Template(Node):
    """A list or array of a syntax-quote: parts that are spliced in, and others."""

    parts: list[tuple[bool, Node]]
    is_array: bool


@dataclass(slots=True, eq=False, repr=False)
class Cond(Node):
    branches: list[tuple[Node, Node]]
    default: Node


@dataclass(slots=True, eq=False, repr=False)
class Logic(Node):
    is_or: bool
    parts: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Begin(Node):
    body: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Inner(Node):
    """let, letseq, newScope: a scope with its body."""

    scope: Scope
    bindings: list[tuple[Variable, Node]]
    is_sequential: bool
    body: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class For(Node):
    scope: Scope
    label: str
    init: Node
    test: Node
    step: Node
    body: list[Node]
    continues: bool = False
    breaks: bool = False
    is_outer: bool = False
    """An inner loop breaks or continues this one."""


@dataclass(slots=True, eq=False, repr=False)
class Range(Node):
    """range over a collection: each turn binds a key, and a value if there is a second target."""

    scope: Scope
    label: str
    source: Node
    targets: list[Assign]
    is_macro: bool
    body: list[Node]
    continues: bool = False
    breaks: bool = False
    is_outer: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Leave(Node):
    """break or continue, of this loop."""

    loop: For | Range
    is_break: bool


@dataclass(slots=True, eq=False, repr=False)
class Assign(Node):
    """def binds in the scope at hand; set the nearest variable that has a value, else there."""

    name: str
    scope: Scope
    is_def: bool
    value: Node | None
    target: Variable | None = None
    candidates: list[Variable] = field(default_factory=list)
    """Of a set: those that are set if they have a value, before the target."""
    checks_type: bool = False
    gives_nil: bool = False


@dataclass(slots=True, eq=False, repr=False)
class MultiAssign(Node):
    """mdef, and {a, b = …}: targets, each given the value of its place."""

    targets: list[Assign]
    value: Node
    is_list: bool


@dataclass(slots=True, eq=False, repr=False)
class Put(Node):
    """An assignment to a field or an element: {h.a[1] = value}, (set h.a value)."""

    target: Node
    value: Node


@dataclass(slots=True, eq=False, repr=False)
class Function(Node):
    name: str
    parameters: list[Variable]
    rest: Variable | None
    body: list[Node]
    text: str
    lazy: frozenset[int] = frozenset()
    types: list[Node | None] = field(default_factory=list)
    """Of `func`: the type of each parameter."""
    scope: Scope = None  # type: ignore[assignment]
    repeats: bool = False
    """It calls itself in tail position: its body is a loop."""
    captures: list[Variable] = field(default_factory=list)
    """Boxed variables of outer scopes that it uses."""


@dataclass(slots=True, eq=False, repr=False)
class Again(Node):
    """A call of the function by itself, as its last act."""

    function: Function
    arguments: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Assert(Node):
    test: Node
    text: str


@dataclass(slots=True, eq=False, repr=False)
class Expect(Node):
    """(expectError message form); `failure` is the error that reading the form gave."""

    message: Node
    body: Node | None
    failure: str


@dataclass(slots=True, eq=False, repr=False)
class Evaluate(Node):
    """(eval form …), with the variables that it can see."""

    arguments: list[Node]
    names: dict[str, Read]


@dataclass(slots=True, eq=False, repr=False)
class Delayed(Node):
    """An argument that its function takes lazily."""

    text: Any
    value: Node


@dataclass(slots=True, eq=False, repr=False)
class StructDecl(Node):
    name: str
    fields: list[tuple[str, Node]]


@dataclass(slots=True, eq=False, repr=False)
class PackageDecl(Node):
    name: str
    scope: Scope
    body: list[Node]


@dataclass(slots=True, eq=False, repr=False)
class Import(Node):
    helper: str


def children(node: Node) -> Iterator[Node]:
    """The nodes right inside this one, in the order in which they stand in its fields."""
    for name in _CHILDREN[type(node)]:
        value = getattr(node, name)
        if isinstance(value, list):
            for item in value:
                if isinstance(item, tuple):
                    yield from (part for part in item if isinstance(part, Node))
                elif item is not None:
                    yield item
        elif isinstance(value, dict):
            yield from value.values()
        elif value is not None:
            yield value


def bound(body: Iterable[Node]) -> Iterator[tuple[str, int]]:
    """Every name that is defined, set, counted through or taken as a parameter, with the offset of the form that does it."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case Assign(name=name):
                yield name, node.start
            case MultiAssign(targets=targets) | Range(targets=targets):
                yield from ((target.name, node.start) for target in targets)
            case Inner(bindings=bindings):
                yield from ((variable.name, node.start) for variable, _ in bindings)
            case Function(parameters=parameters, rest=rest):
                yield from ((variable.name, node.start) for variable in (*parameters, *([rest] if rest else [])))
        waiting += children(node)


_CHILDREN: dict[type, tuple[str, ...]] = {
    Const: (), Read: (), Leave: (), Import: (), Field: ("container",), Call: ("function", "arguments"),
    Builtin: ("arguments",), Colon: ("container", "evaluated", "default"), Select: ("container", "selector"),
    Cut: ("container", "low", "high"), Array: ("items",), Template: ("parts",), Cond: ("branches", "default"),
    Logic: ("parts",), Begin: ("body",), Inner: ("bindings", "body"), For: ("init", "test", "step", "body"),
    Range: ("source", "body"), Assign: ("value",), MultiAssign: ("value",), Put: ("target", "value"),
    Function: ("types", "body"), Again: ("arguments",), Assert: ("test",), Expect: ("message", "body"),
    Evaluate: ("arguments", "names"), Delayed: ("value",), StructDecl: ("fields",), PackageDecl: ("body",),
}  # fmt: skip
