"""+ - * / % and the operators on bits: plain Python where the kinds allow it, with a test that an int has not left 64 bits.

What is written with + - * alone is a tree; see trees.py.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import FLOAT, INT, NUMBER, STRING
from scripting.sandbox.languages.tengo.lowering.trees import (
    RING,
    is_ring,
    may_turn,
    not_bool,
    positive,
    ring_root,
    within_64_bits,
)

if TYPE_CHECKING:
    from scripting.sandbox.languages.tengo.lowering.base import Lowering, Mode

_CALLS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "rem",
    "&": "band", "|": "bor", "^": "bxor", "&^": "bclear", "<<": "shl", ">>": "shr",
}  # fmt: skip
_BITS: dict[str, type[ast.operator]] = {"&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor}
_COLD, _WARM, _FAST = 0, 1, 2


def binary(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    """left operator right."""
    if mode == _COLD:
        return _called(lower, node, mode)
    if node.operator == "+" and lower.kinds.of(node.left) == STRING:
        return _concatenation(lower, node, mode)
    if node.operator in RING:
        if not is_ring(lower, node, mode):
            return _tested(lower, node, mode)
        if may_turn(lower, node, mode) and mode != _FAST and not lower.is_pure(node):
            return _called(lower, node, mode)
        return ring_root(lower, node, mode)
    if node.operator == "/":
        return _division(lower, node, mode)
    if node.operator == "%":
        return _remainder(lower, node, mode)
    return _bits(lower, node, mode)


def unary(lower: Lowering, node: nodes.Unary, mode: Mode) -> ast.expr:
    """-value, !value, ^value, +value."""
    build = lower.build
    if node.operator == "!":
        test = lower.test(node.operand, mode)
        build.at(node)
        return build.not_(test)
    if node.operator == "+":
        return lower.lower(node.operand, mode)
    if node.operator == "-" and mode != _COLD:
        match node.operand:
            case nodes.Literal(value=int() | float() as value) if type(value) is not bool:
                build.at(node)
                return build.constant(-value) if value else build.unary(ast.USub(), build.constant(value))
        is_number = not lower.kinds.of(node.operand) & ~NUMBER
        if is_number and (mode == _FAST or lower.is_pure(node) or not may_turn(lower, node, mode)):
            return ring_root(lower, node, mode)
    operand = lower.lower(node.operand, mode)
    build.at(node.operand)
    return build.call("neg" if node.operator == "-" else "invert", operand)


def _called(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    left, right = lower.lower(node.left, mode), lower.lower(node.right, mode)
    lower.build.at(node)
    return lower.build.call(_CALLS[node.operator], left, right)


def _concatenation(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    """A string and anything."""
    build = lower.build
    kinds = lower.kinds.of(node.right)
    left = lower.lower(node.left, mode)
    if kinds in {STRING, INT, FLOAT}:
        right = lower.lower(node.right, mode)
        build.at(node)
        if kinds != STRING:
            right = build.call("str" if kinds == INT else "float_text", right)
        return build.binary(ast.Add(), left, right)
    first, again = lower.kept(node.right, mode)
    build.at(node)
    if kinds & STRING:
        right = build.choose(build.type_is(first, "str"), again, build.call("text", again))
    else:
        right = build.call("text", first)
    return build.binary(ast.Add(), left, right)


def _tested(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    """Plain if both are found to be ints, else called."""
    build = lower.build
    kinds = lower.kinds.of(node.left), lower.kinds.of(node.right)
    if not kinds[0] & INT or not kinds[1] & INT or not (lower.is_pure(node) or _one_is_simple(lower, node)):
        return _called(lower, node, mode)
    pairs = [lower.kept(node.left, mode), lower.kept(node.right, mode)]
    build.at(node)
    tests: list[ast.expr] = []
    operands: list[ast.expr] = []
    # What is evaluated on the spot comes first, so that every branch finds it evaluated.
    late = [isinstance(pair[0], ast.NamedExpr) for pair in pairs]
    if all(late):
        return _both_evaluated(lower, node, pairs)
    for index in sorted(range(2), key=lambda side: not late[side]):
        if kinds[index] != INT:
            tests.append(build.type_is(pairs[index][0], "int"))
        elif late[index]:
            return _called(lower, node, mode)
    operands = [pair[1] for pair in pairs]
    plain = within_64_bits(lower, build.binary(RING[node.operator](), operands[0], operands[1]))
    return build.choose(build.all_of(tests), plain, build.call(_CALLS[node.operator], *operands))


def _one_is_simple(lower: Lowering, node: nodes.Binary) -> bool:
    """Whether one side is a constant, so that the order of evaluation does not matter."""
    return isinstance(node.left, nodes.Literal) or isinstance(node.right, nodes.Literal)


def _both_evaluated(lower: Lowering, node: nodes.Binary, pairs: list[tuple[ast.expr, ast.expr]]) -> ast.expr:
    """$type(a := left) is $type(b := right) is $int, or called: a chain evaluates both before it compares the first two."""
    build = lower.build
    (first, left), (second, right) = pairs
    test = build.compare(
        build.call("type", first), (ast.Is(), build.call("type", second)), (ast.Is(), build.name("$int"))
    )
    plain = within_64_bits(lower, build.binary(RING[node.operator](), left, right))
    return build.choose(test, plain, build.call(_CALLS[node.operator], left, right))


# / and %


def _division(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    build = lower.build
    left, right = lower.kinds.of(node.left), lower.kinds.of(node.right)
    if left == INT and right == INT:
        return _whole(lower, node, mode, ast.FloorDiv)
    floats = not (left | right) & ~NUMBER and (left == FLOAT or right == FLOAT)
    if floats and (mode == _FAST or positive(node.right)):
        first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
        build.at(node)
        lower.risky |= not positive(node.right)
        quotient = build.binary(ast.Div(), first, second)
        if not left & FLOAT or positive(node.right):
            return quotient
        label = lower.temporary()
        return build.choose(build.keep(label, quotient), build.name(label), build.call("miss"))
    if mode == _FAST and isinstance(positive(node.right), float) and left & NUMBER:
        guards: list[ast.expr] = []
        lower.risky = True
        dividend = not_bool(lower, node.left, mode, guards)
        divisor = lower.lower(node.right, mode)
        build.at(node)
        return build.guarded(guards, build.binary(ast.Div(), dividend, divisor))
    return _called(lower, node, mode)


def _remainder(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    build = lower.build
    left, right = lower.kinds.of(node.left), lower.kinds.of(node.right)
    if left == INT and right == INT:
        return _whole(lower, node, mode, ast.Mod)
    if isinstance(positive(node.right), int) and left & INT:
        first, again = lower.kept(node.left, mode)
        divisor, divisor_again = lower.lower(node.right, mode), lower.lower(node.right, mode)
        build.at(node)
        test = build.all_of([build.type_is(first, "int"), build.compare(again, (ast.GtE(), build.constant(0)))])
        return build.choose(test, build.binary(ast.Mod(), again, divisor), build.call("rem", again, divisor_again))
    return _called(lower, node, mode)


def _whole(lower: Lowering, node: nodes.Binary, mode: Mode, operator: type[ast.operator]) -> ast.expr:
    """Ints: Python rounds down, Go towards nought; they agree where nothing is negative."""
    build = lower.build
    if lower.ranges.is_never_negative(node.left) and positive(node.right):
        left, right = lower.lower(node.left, mode), lower.lower(node.right, mode)
        build.at(node)
        return build.binary(operator(), left, right)
    if not (lower.is_simple(node.right) and lower.is_pure(node.left)):
        return _called(lower, node, mode)
    first, again = lower.kept(node.left, mode)
    right, right_again = lower.lower(node.right, mode), lower.lower(node.right, mode)
    build.at(node)
    tests = [build.compare(first, (ast.GtE(), build.constant(0)))]
    if not positive(node.right):
        tests.append(build.compare(right, (ast.Gt(), build.constant(0))))
    plain = build.binary(operator(), again, right_again)
    return build.choose(build.all_of(tests), plain, build.call(_CALLS[node.operator], again, right_again))


def _bits(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    build = lower.build
    if lower.kinds.of(node.left) != INT or lower.kinds.of(node.right) != INT:
        return _called(lower, node, mode)
    if node.operator in _BITS or node.operator == "&^":
        left, right = lower.lower(node.left, mode), lower.lower(node.right, mode)
        build.at(node)
        if node.operator == "&^":
            return build.binary(ast.BitAnd(), left, build.unary(ast.Invert(), right))
        return build.binary(_BITS[node.operator](), left, right)
    shift = node.right.value if isinstance(node.right, nodes.Literal) else None
    if not isinstance(shift, int) or not 0 <= shift < 63:
        return _called(lower, node, mode)
    left, right = lower.lower(node.left, mode), lower.lower(node.right, mode)
    build.at(node)
    if node.operator == ">>":
        return build.binary(ast.RShift(), left, right)
    return within_64_bits(lower, build.binary(ast.LShift(), left, right))
