"""Sums of texts that are made in one step: `name + ": " + str(points) + f" of {most}"`.

Python makes a text for each plus sign. Where all parts are of the class `str` itself no code of the script runs between them, so that one
f-string puts them together; it spares what looking at the parts costs. The first part that is anything else, or that shows an address,
is added to those before it as the script writes it, and so is what follows: each part is evaluated once and in its turn, whatever it is.

The parts are kept in names that no script can write. They are simple, so that none of them keeps another in the same name, and so that
the ways that are hardly ever gone take little code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from scripting.sandbox.policy.inline import ADDRESS_MARK, At
from scripting.sandbox.policy.names import GENERATED

_FEWEST, _MOST = 4, 12
"""Parts of a sum: of fewer as little is spared as their looks cost; what is left of a longer one is a part of it."""
_MOST_LOOKS = 5
"""Each is a way of its own through what follows it."""


class Kind(Enum):
    """The kinds of parts, as far as the text tells."""

    CONSTANT = "a text of the script"
    ANY = "any value"
    TEXT_OF_ONE = "str(value), which may be a text of the script's own class"
    FORMATTED = "an f-string of several parts, which is of the class str itself"


_GUARDED = frozenset({Kind.TEXT_OF_ONE, Kind.FORMATTED})


class Part(NamedTuple):
    """One part of a sum: what is known of it, and its expression as the policy lets it pass, without a guard."""

    kind: Kind
    value: ast.expr


def parts_of(node: ast.BinOp, is_text_of_one: Callable[[ast.Call], bool]) -> tuple[list[ast.BinOp], list[ast.expr]]:
    """The steps and the parts of a sum that can be made at once, from the left; nothing where it cannot."""
    steps: list[ast.BinOp] = []
    left: ast.expr = node
    while type(left) is ast.BinOp and type(left.op) is ast.Add:
        steps.append(left)
        left = left.left
        if len(steps) == _MOST:
            return [], []
    steps.reverse()
    parts = [left, *(step.right for step in steps)]
    if len(parts) < _FEWEST or node.lineno != node.end_lineno:  # the tracer tells of each line that is gone back to
        return [], []
    looks, shows = 0, False
    for part in parts:
        if type(part) is ast.Constant:
            if type(part.value) is not str:
                return [], []
            continue
        looks += 1
        if type(part) is ast.JoinedStr:
            shows = True
            if len(part.values) < 2 or not all(_is_simple_field(field) for field in part.values):
                return [], []
        elif type(part) is ast.Call:
            shows = True
            if not (is_text_of_one(part) and _is_simple(part.args[0])):
                return [], []
        elif not _is_simple(part):
            return [], []
    return (steps, parts) if shows and looks <= _MOST_LOOKS else ([], [])


def _is_simple(node: ast.expr, depth: int = 4) -> bool:
    """A name, a constant, or an attribute or item of such: nothing that is long, and no sum."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Attribute(value=value) if depth:
            return _is_simple(value, depth - 1)
        case ast.Subscript(value=value, slice=index) if depth:
            return _is_simple(value, depth - 1) and _is_simple(index, depth - 1)
    return False


def _is_simple_field(field: ast.expr) -> bool:
    if not isinstance(field, ast.FormattedValue):
        return True
    spec = field.format_spec
    return _is_simple(field.value) and (
        spec is None
        or (isinstance(spec, ast.JoinedStr) and all(isinstance(part, ast.Constant) for part in spec.values))
    )


def made_at_once(steps: Sequence[ast.BinOp], parts: Sequence[Part]) -> ast.expr:
    """The sum: `step by step if $type(part0 := …) is not $str else … else f"{part0}: {part2}…"`"""
    at = At(steps[-1])
    names = [f"{GENERATED}part{number}" for number in range(len(parts))]
    made: ast.expr = at.placed(
        ast.JoinedStr(
            [
                part.value if part.kind is Kind.CONSTANT else at.placed(ast.FormattedValue(at.name(name), -1, None))
                for part, name in zip(parts, names, strict=True)
            ]
        )
    )
    for number in reversed(range(len(parts))):
        part, name = parts[number], names[number]
        if part.kind is Kind.CONSTANT:
            continue
        here = At(part.value)
        kept = here.keep(part.value, name)
        shows_address = ast.Compare(here.placed(ast.Constant(ADDRESS_MARK)), [ast.In()], [here.name(name)])
        if part.kind is Kind.FORMATTED:
            shows_address.comparators = [kept]
            look: ast.expr = here.placed(shows_address)
        else:
            kind = here.call("type", kept)
            look = here.placed(ast.Compare(kind, [ast.IsNot()], [here.name(f"{GENERATED}str")]))
            if part.kind is Kind.TEXT_OF_ONE:
                look = here.placed(ast.BoolOp(ast.Or(), [look, here.placed(shows_address)]))
        made = at.placed(ast.IfExp(look, _step_by_step(steps, parts, names, number), made))
    return made


def _step_by_step(steps: Sequence[ast.BinOp], parts: Sequence[Part], names: Sequence[str], number: int) -> ast.expr:
    """The sum where the parts up to this one are kept, and those before it are plain text."""
    values: list[ast.expr] = []
    for index, part in enumerate(parts):
        at, value = At(part.value), part.value
        if part.kind is not Kind.CONSTANT and index <= number:
            is_no_text = part.kind is Kind.ANY and index == number
            value = at.taken(names[index]) if is_no_text else at.name(names[index])
        if part.kind in _GUARDED and index >= number:
            value = at.call("shown", value)
            if index == number:
                value = at.keep(value, names[index])  # what shows an address is kept no longer
        values.append(value)
    total = values[0]
    for step, value in zip(steps, values[1:], strict=True):
        total = At(step).placed(ast.BinOp(total, ast.Add(), value))
    return total
