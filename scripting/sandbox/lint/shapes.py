"""Follow the types of a script's values from the schemas of its inputs: a field that no schema has is never there.

The languages give what they know as `Expr`s, one of each kind of expression that keeps a shape; all else is `UNKNOWN`, and of what
may be unknown nothing is said. A variable is what any of its bindings gives: the order of a run plays no part.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, TypeAlias

from scripting.sandbox.lint.surroundings import Stored
from scripting.sandbox.protocol import Shape

STEPS = 200_000
"""Expressions looked at, at the most: of a text that needs more nothing is said. It takes a second."""


class TooLong(Exception):
    """The text needs more steps."""


@dataclass(frozen=True, eq=False)
class Expr:
    """Any expression: a value of which nothing is known."""


@dataclass(frozen=True, eq=False)
class Nothing(Expr):
    """12, "text", None: a value without fields."""


@dataclass(frozen=True, eq=False)
class Known(Expr):
    """A context variable, or all of them."""

    shapes: tuple[Shape, ...]


@dataclass(frozen=True, eq=False)
class Variable(Expr):
    """A name; also what a function gives."""

    key: Hashable


@dataclass(frozen=True, eq=False)
class Field(Expr):
    """value["name"], value.get("name"), value.name"""

    value: Expr
    name: str


@dataclass(frozen=True, eq=False)
class Item(Expr):
    """for item in value, value[0]"""

    value: Expr


@dataclass(frozen=True, eq=False)
class Either(Expr):
    """first or second"""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class Made(Expr):
    """{"name": value}"""

    fields: Mapping[str, Expr]


@dataclass(frozen=True, eq=False)
class Listed(Expr):
    """[first, second]"""

    item: Expr


UNKNOWN = Expr()
NOTHING = Nothing()


@dataclass(frozen=True, eq=False)
class Use:
    """A field that the text reads."""

    value: Expr
    name: str
    place: object
    """The language's own node."""
    must_exist: bool = False
    """The run fails where it is not there."""


@dataclass(eq=False)
class Facts:
    """All that is known of one text."""

    variables: dict[Hashable, list[Expr]] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    stored: Stored = field(default_factory=Stored)
    stores: list[Expr] = field(default_factory=list)
    """Values that the script stores into under keys known only at run time."""

    def bind(self, key: Hashable, value: Expr) -> None:
        self.variables.setdefault(key, []).append(value)


@dataclass(frozen=True, eq=False)
class Given:
    """A shape of the inputs, told apart by identity: hashing one whole would take long."""

    shape: Shape
    fields: Mapping[str, tuple[Shape, ...]]


@dataclass(frozen=True, eq=False)
class GivenList:
    """A list of the inputs."""

    shape: Shape


class Anything:
    """A value of which nothing is known."""


Form: TypeAlias = Given | GivenList | Made | Listed | Anything
Forms: TypeAlias = frozenset[Form]
"""The possible shapes of a value."""

ANYTHING = Anything()
UNSURE: Forms = frozenset({ANYTHING})


@dataclass(frozen=True)
class Lack:
    """A field that a use reads and that is not there."""

    use: Use
    names: tuple[str, ...]
    """Of the structs that lack it."""
    fields: tuple[str, ...]
    how: Literal["never", "slip", "sometimes"]
    """None of them has it; nor do they, and it is nearly the name of one; some of them have it, and the run fails without."""

    @property
    def is_certain(self) -> bool:
        return self.how == "never"

    @property
    def message(self) -> str:
        where = " or ".join(self.names[:3]) or "the payload"
        if self.how == "sometimes":
            return f'{where} has no "{self.use.name[:60]}"'
        return f'"{self.use.name[:60]}" is no field of {where}' + (": it is never there" if self.is_certain else "")

    @property
    def hint(self) -> str:
        near = get_close_matches(self.use.name, self.fields, 1)
        return f"did you mean {near[0]}?" if near else f"its fields: {', '.join(self.fields[:12])}"


def lacking(facts: Facts) -> Iterator[Lack]:
    """The uses of fields that are not there."""
    try:
        yield from _lacking(facts)
    except TooLong:
        return


def _lacking(facts: Facts) -> Iterator[Lack]:
    solved = _Solver(facts)
    if facts.stored.may_be_any or any(solved.may_be_payload(value) for value in facts.stores):
        return
    for use in facts.uses:
        if use.name in facts.stored.names:
            continue
        forms = solved.forms(use.value)
        dicts = [form for form in forms if isinstance(form, (Given, Made))]
        given = [form for form in dicts if isinstance(form, Given)]
        lack = [form for form in given if use.name not in form.fields]
        if not lack:
            continue
        fields = tuple(sorted({name for form in given for name in form.fields}))
        names = tuple(sorted({form.shape.name for form in lack if form.shape.name}))
        is_open = any(form.shape.is_open for form in lack)
        is_unsure = ANYTHING in forms or any(form in solved.grown for form in dicts)
        if any(use.name in form.fields for form in dicts):
            if use.must_exist and not is_open and not is_unsure:
                yield Lack(use, names, fields, "sometimes")
        elif is_open or is_unsure:
            if get_close_matches(use.name, fields, 1, 0.75):
                yield Lack(use, ("the context",) if is_open else names, fields, "slip")
        else:
            yield Lack(use, names, fields, "never")


class _Solver:
    """Finds the forms of every variable: begins with none and adds until nothing changes."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.known: dict[Hashable, Forms] = dict.fromkeys(facts.variables, frozenset())
        self._given: dict[int, Given | GivenList] = {}
        self._steps = 0
        self.grown: set[Form] = set()
        """Dicts of the text's own that get keys which only a run knows."""
        while self._round():
            pass

    def _round(self) -> bool:
        grown = {form for value in self.facts.stores for form in self.forms(value)} - self.grown
        self.grown |= grown
        changed = bool(grown)
        for key, values in self.facts.variables.items():
            found = _union(self.forms(value) for value in values)
            if found != self.known[key]:
                self.known[key] = found
                changed = True
        return changed

    def may_be_payload(self, value: Expr) -> bool:
        """Whether a value may be, or hold, a part of what the run was given."""
        return any(isinstance(form, (Given, Anything)) for form in self.forms(value))

    def forms(self, value: Expr) -> Forms:
        self._steps += 1
        if self._steps > STEPS:
            raise TooLong
        match value:
            case Nothing():
                return frozenset()
            case Known(shapes=shapes):
                return self._of_shapes(shapes)
            case Variable(key=key):
                return self.known.get(key, UNSURE)
            case Either(parts=parts):
                return _union(self.forms(part) for part in parts)
            case Made() | Listed():
                return frozenset((value,))
            case Field(value=inner, name=name):
                outer = self.forms(inner)
                self._steps += len(outer)
                return _union(self._field(form, name) for form in outer)
            case Item(value=inner):
                outer = self.forms(inner)
                self._steps += len(outer)
                return _union(self._item(form) for form in outer)
        return UNSURE

    def _of_shapes(self, shapes: tuple[Shape, ...]) -> Forms:
        """Of no shapes nothing is known; values without parts are left out."""
        if not shapes:
            return UNSURE
        found: list[Form] = []
        for shape in shapes:
            form = self._given.get(id(shape))
            if form is None and shape.fields is not None:
                form = self._given[id(shape)] = Given(shape, shape.fields)
            elif form is None and shape.items is not None:
                form = self._given[id(shape)] = GivenList(shape)
            if form is not None:
                found.append(form)
        return frozenset(found)

    def _field(self, form: Form, name: str) -> Forms:
        if name in self.facts.stored.names:
            return UNSURE
        match form:
            case Made(fields=made):
                if name in made:
                    return self.forms(made[name])
                return UNSURE if form in self.grown else frozenset()
            case Given(fields=given):
                if name in given:
                    return self._of_shapes(given[name])
                return UNSURE if form.shape.is_open else frozenset()
        return UNSURE if form is ANYTHING else frozenset()

    def _item(self, form: Form) -> Forms:
        match form:
            case Listed(item=item):
                return self.forms(item)
            case GivenList(shape=shape):
                return self._of_shapes(shape.items or ())
        return UNSURE


def _union(found: Iterable[Forms]) -> Forms:
    return frozenset(form for forms in found for form in forms)
