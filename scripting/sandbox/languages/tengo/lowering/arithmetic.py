"""+ - * / % and the operators on bits: plain Python where the kinds allow it, with a test that an int has not left 64 bits.

Wrapping commutes with + - *, so a tree of them is computed unbounded and tested once, at its root. The test compares with a number
that fits one digit of CPython's ints, which is much quicker than comparing with 2**63; what fails it is looked at by `$wrap`.
A float that an operation leaves equal stays itself in Tengo, so a nought has the sign that it had: where the sign of a tree's
value may be another in Python, noughts are computed the general way.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import ARRAY, BOOL, FLOAT, INT, NUMBER, STRING
from scripting.sandbox.languages.tengo.lowering.ranges import HIGHEST, LOWEST, is_within

if TYPE_CHECKING:
    from scripting.sandbox.languages.tengo.lowering.base import Lowering, Mode

_QUICK = (1 << 30) - 1
_CALLS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "rem",
    "&": "band", "|": "bor", "^": "bxor", "&^": "bclear", "<<": "shl", ">>": "shr",
}  # fmt: skip
_RING: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
_BITS: dict[str, type[ast.operator]] = {"&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor}
_COLD, _WARM, _FAST = 0, 1, 2


def binary(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    """left operator right."""
    if mode == _COLD:
        return _called(lower, node, mode)
    if node.operator == "+" and lower.kinds.of(node.left) == STRING:
        return _concatenation(lower, node, mode)
    if node.operator in _RING:
        if not _is_ring(lower, node, mode):
            return _tested(lower, node, mode)
        if _may_turn(lower, node, mode) and mode != _FAST and not lower.is_pure(node):
            return _called(lower, node, mode)
        return _ring_root(lower, node, mode)
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
        if is_number and (mode == _FAST or lower.is_pure(node) or not _may_turn(lower, node, mode)):
            return _ring_root(lower, node, mode)
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


# Trees of + - *


def _is_ring(lower: Lowering, node: nodes.Expr, mode: Mode) -> bool:
    """Whether Python's own operator gives what Tengo's does, or raises."""
    if isinstance(node, nodes.Unary):
        return node.operator == "-" and not lower.kinds.of(node.operand) & ~NUMBER
    if not isinstance(node, nodes.Binary) or node.operator not in _RING:
        return False
    left, right = lower.kinds.of(node.left), lower.kinds.of(node.right)
    if not left & NUMBER or not right & NUMBER:
        return False
    if not (left | right) & ~NUMBER:
        return True
    if mode != _FAST:
        return False
    # Two strings or two arrays would be added as they should, but only to fail the test of their range: better not to try.
    return node.operator != "+" or not left & right & (STRING | ARRAY)


def _ring_root(lower: Lowering, node: nodes.Binary | nodes.Unary, mode: Mode) -> ast.expr:
    build = lower.build
    guards: list[ast.expr] = []
    raw = _ring(lower, node, mode, guards)
    build.at(node)
    found = lower.ranges.of(node)
    stays = not lower.kinds.of(node) & INT or (found is not None and is_within(found))
    if _may_turn(lower, node, mode):
        raw = _with_its_sign(lower, node, mode, raw, stays=stays)
    elif not stays:
        raw = within_64_bits(lower, raw, side=_side(lower, node, mode))
    if guards:
        lower.risky = True
        raw = build.guarded(guards, raw)
    return raw


def _may_turn(lower: Lowering, node: nodes.Expr, mode: Mode) -> bool:
    """Whether the value of a tree may be a float that is nought, with another sign in Python."""
    if not _is_ring(lower, node, mode) or not lower.kinds.of(node) & FLOAT:
        return False
    if isinstance(node, nodes.Unary):
        return _may_turn(lower, node.operand, mode)
    assert isinstance(node, nodes.Binary)
    if lower.kinds.of(node.left) & FLOAT and not _is_nonzero(node.left) and not _keeps_sign(node):
        return True
    return _may_turn(lower, node.left, mode) or _may_turn(lower, node.right, mode)


def _is_nonzero(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Literal) and bool(node.value)


def _keeps_sign(node: nodes.Binary) -> bool:
    return _positive(node.right) is not None if node.operator in {"*", "/"} else _is_nonzero(node.right)


def _with_its_sign(
    lower: Lowering, node: nodes.Binary | nodes.Unary, mode: Mode, raw: ast.expr, *, stays: bool
) -> ast.expr:
    """The value of a tree unless it is nought (or may have left 64 bits), else computed the general way."""
    build = lower.build
    label = lower.temporary()
    test = build.keep(label, raw)
    if not stays:  # most numbers are above nought: two tests for them
        above = [build.compare(test, (ast.Gt(), build.constant(0))), _is_less(lower, label, _QUICK)]
        below = [_is_less(lower, label, 0), build.compare(build.name(label), (ast.Gt(), build.constant(-_QUICK)))]
        test = build.any_of(build.all_of(above), build.all_of(below))
    if mode == _FAST:
        lower.risky = True
        other: ast.expr = build.call("wrap_or_miss", build.name(label))
    else:
        other = lower.lower(node, type(mode)(_COLD))
        build.at(node)
    return build.choose(test, build.name(label), other)


def _is_less(lower: Lowering, label: str, limit: int) -> ast.expr:
    return lower.build.compare(lower.build.name(label), (ast.Lt(), lower.build.constant(limit)))


def within_64_bits(lower: Lowering, raw: ast.expr, *, side: str = "") -> ast.expr:
    """(t if (t := raw) < Q and t > -Q else $wrap(t)); one test where it can only be left on one `side`."""
    build = lower.build
    label = lower.temporary()
    kept = build.keep(label, raw)
    if side == "above":
        test = build.compare(kept, (ast.Lt(), build.constant(_QUICK)))
    elif side == "below":
        test = build.compare(kept, (ast.Gt(), build.constant(-_QUICK)))
    else:
        above = build.compare(build.name(label), (ast.Gt(), build.constant(-_QUICK)))
        test = build.all_of([build.compare(kept, (ast.Lt(), build.constant(_QUICK))), above])
    return build.choose(test, build.name(label), build.call("wrap", build.name(label)))


def _side(lower: Lowering, node: nodes.Binary | nodes.Unary, mode: Mode) -> str:
    """Where a tree can lead out of 64 bits, if only on one side; a number that it begins with is within."""
    found = lower.ranges.of(node)
    if found is not None:
        return "above" if found[0] >= LOWEST else "below" if found[1] <= HIGHEST else ""
    if isinstance(node, nodes.Binary) and node.operator in {"+", "-"} and not _is_ring(lower, node.left, mode):
        size = node.right.value if isinstance(node.right, nodes.Literal) else None
        if type(size) is int and size >= 0:
            return "above" if node.operator == "+" else "below"
    return ""


def _ring(lower: Lowering, node: nodes.Expr, mode: Mode, guards: list[ast.expr]) -> ast.expr:
    build = lower.build
    if _is_ring(lower, node, mode):
        if isinstance(node, nodes.Unary):
            operand = _ring(lower, node.operand, mode, guards)
            build.at(node)
            return build.unary(ast.USub(), operand)
        assert isinstance(node, nodes.Binary)
        left = _branch(lower, node.left, node.right, mode, guards)
        right = _branch(lower, node.right, node.left, mode, guards)
        build.at(node)
        return build.binary(_RING[node.operator](), left, right)
    kinds = lower.kinds.of(node)
    if kinds & ~NUMBER:
        lower.risky = True
    return not_bool(lower, node, mode, guards) if kinds & BOOL else lower.lower(node, mode)


def _branch(lower: Lowering, node: nodes.Expr, beside: nodes.Expr, mode: Mode, guards: list[ast.expr]) -> ast.expr:
    """One side of a tree: what is an int beside a float must be within 64 bits before it meets it."""
    if lower.kinds.of(node) == INT and lower.kinds.of(beside) & FLOAT and _is_ring(lower, node, mode):
        return lower.lower(node, mode)
    return _ring(lower, node, mode, guards)


def not_bool(lower: Lowering, node: nodes.Expr, mode: Mode, guards: list[ast.expr]) -> ast.expr:
    """The operand, with a guard that it is no bool, since Python would count with it: most numbers are above 1, no bool is."""
    build = lower.build
    held = lower.remembered.holding(node)
    if held is not None:
        build.at(node)
        return build.name(held)
    first, again = lower.kept(node, mode)
    if isinstance(again, ast.Name):
        lower.remembered.note(node, again.id)
    build.at(node)
    neither = [build.is_not(again, build.constant(True)), build.is_not(again, build.constant(False))]
    guards.append(build.any_of(build.compare(first, (ast.Gt(), build.constant(1))), build.all_of(neither)))
    return again


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
    plain = within_64_bits(lower, build.binary(_RING[node.operator](), operands[0], operands[1]))
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
    plain = within_64_bits(lower, build.binary(_RING[node.operator](), left, right))
    return build.choose(test, plain, build.call(_CALLS[node.operator], left, right))


# / and %


def _positive(node: nodes.Expr) -> int | float | None:
    """The literal's value if it is a positive number."""
    if isinstance(node, nodes.Literal) and type(node.value) in {int, float} and node.value > 0:  # type: ignore[operator]
        return node.value  # type: ignore[return-value]
    return None


def _division(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    build = lower.build
    left, right = lower.kinds.of(node.left), lower.kinds.of(node.right)
    if left == INT and right == INT:
        return _whole(lower, node, mode, ast.FloorDiv)
    floats = not (left | right) & ~NUMBER and (left == FLOAT or right == FLOAT)
    if floats and (mode == _FAST or _positive(node.right)):
        first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
        build.at(node)
        lower.risky |= not _positive(node.right)
        quotient = build.binary(ast.Div(), first, second)
        if not left & FLOAT or _positive(node.right):
            return quotient
        label = lower.temporary()
        return build.choose(build.keep(label, quotient), build.name(label), build.call("miss"))
    if mode == _FAST and isinstance(_positive(node.right), float) and left & NUMBER:
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
    if isinstance(_positive(node.right), int) and left & INT:
        first, again = lower.kept(node.left, mode)
        divisor, divisor_again = lower.lower(node.right, mode), lower.lower(node.right, mode)
        build.at(node)
        test = build.all_of([build.type_is(first, "int"), build.compare(again, (ast.GtE(), build.constant(0)))])
        return build.choose(test, build.binary(ast.Mod(), again, divisor), build.call("rem", again, divisor_again))
    return _called(lower, node, mode)


def _whole(lower: Lowering, node: nodes.Binary, mode: Mode, operator: type[ast.operator]) -> ast.expr:
    """Ints: Python rounds down, Go towards nought; they agree where nothing is negative."""
    build = lower.build
    if lower.ranges.is_never_negative(node.left) and _positive(node.right):
        left, right = lower.lower(node.left, mode), lower.lower(node.right, mode)
        build.at(node)
        return build.binary(operator(), left, right)
    if not (lower.is_simple(node.right) and lower.is_pure(node.left)):
        return _called(lower, node, mode)
    first, again = lower.kept(node.left, mode)
    right, right_again = lower.lower(node.right, mode), lower.lower(node.right, mode)
    build.at(node)
    tests = [build.compare(first, (ast.GtE(), build.constant(0)))]
    if not _positive(node.right):
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
