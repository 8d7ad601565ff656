"""The tree of a Tengo text. Every node knows where it starts and ends in the source (offsets in characters).

Each is documented by the text that it stands for. `Symbol`s are filled in by resolver.py, `kind`s by kinds.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields


@dataclass(slots=True, eq=False, repr=False)
class Node:
    start: int
    end: int


@dataclass(slots=True, eq=False, repr=False)
class Expr(Node):
    pass


@dataclass(slots=True, eq=False, repr=False)
class Stmt(Node):
    pass


# Expressions


@dataclass(slots=True, eq=False, repr=False)
class Ident(Expr):
    """hit_points"""

    name: str
    symbol: Symbol | None = None


@dataclass(slots=True, eq=False, repr=False)
class Literal(Expr):
    """12, 0.5, "text", true, undefined"""

    value: int | float | str | bool | None


@dataclass(slots=True, eq=False, repr=False)
class CharLiteral(Expr):
    """'c'"""

    code: int


@dataclass(slots=True, eq=False, repr=False)
class ArrayLiteral(Expr):
    """[first, second]"""

    items: list[Expr]


@dataclass(slots=True, eq=False, repr=False)
class MapLiteral(Expr):
    """{key: value, "other key": value}"""

    keys: list[str]
    values: list[Expr]


@dataclass(slots=True, eq=False, repr=False)
class Function(Expr):
    """func(first, ...rest) { body }"""

    parameters: list[Ident]
    is_variadic: bool
    body: Block
    name: str = "func"
    symbol: Symbol | None = None
    """The one name of the function, where it has one for good."""
    captured: list[Symbol] = field(default_factory=list)
    """Variables of functions around it."""
    locals: list[Symbol] = field(default_factory=list)
    assigned: list[Symbol] = field(default_factory=list)
    """Variables of functions around it that it assigns to."""
    returns: int = 0
    """Kinds of what it gives."""


@dataclass(slots=True, eq=False, repr=False)
class Unary(Expr):
    """-value, !value, ^value, +value"""

    operator: str
    operand: Expr


@dataclass(slots=True, eq=False, repr=False)
class Binary(Expr):
    """left + right, and every other operator with two sides"""

    operator: str
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False, repr=False)
class Conditional(Expr):
    """condition ? first : second"""

    condition: Expr
    first: Expr
    second: Expr


@dataclass(slots=True, eq=False, repr=False)
class Call(Expr):
    """function(first, rest...)"""

    function: Expr
    arguments: list[Expr]
    spread: bool


@dataclass(slots=True, eq=False, repr=False)
class Selector(Expr):
    """value.name"""

    value: Expr
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Index(Expr):
    """value[index]"""

    value: Expr
    index: Expr


@dataclass(slots=True, eq=False, repr=False)
class Slice(Expr):
    """value[low:high]"""

    value: Expr
    low: Expr | None
    high: Expr | None


@dataclass(slots=True, eq=False, repr=False)
class Import(Expr):
    """import("name")"""

    name: str


@dataclass(slots=True, eq=False, repr=False)
class ErrorValue(Expr):
    """error(value)"""

    value: Expr


@dataclass(slots=True, eq=False, repr=False)
class Immutable(Expr):
    """immutable(value)"""

    value: Expr


# Statements


@dataclass(slots=True, eq=False, repr=False)
class Block(Stmt):
    """{ statements }"""

    body: list[Stmt]


@dataclass(slots=True, eq=False, repr=False)
class ExprStmt(Stmt):
    """call()"""

    value: Expr


@dataclass(slots=True, eq=False, repr=False)
class Define(Stmt):
    """name := value"""

    target: Ident
    value: Expr


@dataclass(slots=True, eq=False, repr=False)
class Assign(Stmt):
    """name = value, name.field[index] += value, name++; the operator is "" for a plain assignment"""

    target: Expr
    operator: str
    value: Expr


@dataclass(slots=True, eq=False, repr=False)
class If(Stmt):
    """if init; condition { } else { }"""

    init: Stmt | None
    condition: Expr
    body: Block
    orelse: Stmt | None


@dataclass(slots=True, eq=False, repr=False)
class For(Stmt):
    """for init; condition; post { }"""

    init: Stmt | None
    condition: Expr | None
    post: Stmt | None
    body: Block


@dataclass(slots=True, eq=False, repr=False)
class ForIn(Stmt):
    """for key, value in values { }"""

    key: Ident | None
    value: Ident | None
    iterable: Expr
    body: Block


@dataclass(slots=True, eq=False, repr=False)
class Branch(Stmt):
    """break, continue"""

    word: str


@dataclass(slots=True, eq=False, repr=False)
class Return(Stmt):
    """return value"""

    value: Expr | None


@dataclass(slots=True, eq=False, repr=False)
class Export(Stmt):
    """export value"""

    value: Expr


@dataclass(slots=True, eq=False, repr=False)
class Symbol:
    """One variable."""

    name: str
    label: str
    """Its name in the Python code, unique in the text."""
    owner: Function | None
    """The function it belongs to; None for the text itself."""
    in_loop: bool = False
    """Defined anew in each turn of a loop."""
    is_parameter: bool = False
    is_free: bool = False
    """Defined by nothing here: it must come with the context."""
    writes: int = 0
    """Assignments after the definition."""
    captured: bool = False
    """Used in a function inside its own."""
    used_as_value: bool = False
    """Used other than by calling it."""
    function: Function | None = None
    """The function it is bound to for good, if any,"""
    module: str = ""
    """or a module of the library."""
    kinds: int = 0
    values: list[Expr] = field(default_factory=list)
    """Values assigned to it, for the proof that it only counts."""
    steps: list[Expr] = field(default_factory=list)
    """Amounts added or subtracted."""
    only_grows: bool = True
    opaque: bool = False
    """Assigned in a way that tells nothing about its value."""

    @property
    def is_fresh(self) -> bool:
        """Each turn of a loop has one of its own, which closures of that turn keep."""
        return self.captured and self.in_loop and not self.module

    @property
    def is_boxed(self) -> bool:
        """Fresh, and assigned to later: it lives in a list of one."""
        return self.is_fresh and (self.writes > 0 or self.function is not None)


def bound(statements: Iterable[Node]) -> Iterator[Ident]:
    """Every name that is defined, assigned to, counted through or taken as a parameter, where that happens."""
    waiting: list[object] = list(statements)
    while waiting:
        match waiting.pop():
            case list() as several:
                waiting += several
                continue
            case tuple() as several:
                waiting += several
                continue
            case Node() as node:
                pass
            case _:
                continue
        match node:
            case Define(target=Ident() as name) | Assign(target=Ident() as name):
                yield name
            case ForIn(key=key, value=value):
                yield from (name for name in (key, value) if name is not None)
            case Function(parameters=parameters):
                yield from parameters
        waiting += [getattr(node, each.name) for each in fields(node)]
