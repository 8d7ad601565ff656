"""== != < <= > >=: plain Python where the kinds allow it. Python counts bools as numbers and finds lists in an order; Tengo does not."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import (
    ARRAY,
    BOOL,
    FLOAT,
    INT,
    MAP,
    NUMBER,
    OTHER,
    SLICE,
    STRING,
    UNDEFINED,
)
from scripting.sandbox.languages.tengo.lowering.trees import not_bool

if TYPE_CHECKING:
    from scripting.sandbox.languages.tengo.lowering.base import Lowering, Mode

_ORDER: dict[str, tuple[type[ast.cmpop], str]] = {
    "<": (ast.Lt, "lt"),
    "<=": (ast.LtE, "le"),
    ">": (ast.Gt, "gt"),
    ">=": (ast.GtE, "ge"),
}
_COLD, _WARM, _FAST = 0, 1, 2


def order(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    """left < right and the like."""
    build = lower.build
    operator, call = _ORDER[node.operator]
    left, right = lower.kinds.of(node.left), lower.kinds.of(node.right)
    both = left | right
    if mode == _COLD or not _may_be_plain(left, right):
        return _called(lower, node, mode, call)
    mixed = _may_mix(node, left, right)
    if (not both & ~NUMBER and not mixed) or both == STRING:
        first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
        build.at(node)
        return build.compare(first, (operator(), second))
    one_known = not left & ~NUMBER or not right & ~NUMBER or STRING in (left, right)
    if mode == _FAST and one_known and not (mixed and both & NUMBER and STRING not in (left, right)):
        return _optimistic(lower, node, mode, operator)
    if mode == _FAST:
        return _by_difference(lower, node, mode, operator)
    if not lower.is_pure(node):
        return _called(lower, node, mode, call)
    return _tested(lower, node, mode, operator, call)


def _by_difference(lower: Lowering, node: nodes.Binary, mode: Mode, operator: type[ast.cmpop]) -> ast.expr:
    """Nothing is known of either side. What can be subtracted is a number or a bool; Python would order lists as well.

    A difference that is NaN does not tell whether both were the same infinity.
    """
    build = lower.build
    lower.risky = True
    guards: list[ast.expr] = []
    left, right = (
        not_bool(lower, side, mode, guards) if lower.kinds.of(side) & BOOL else lower.lower(side, mode)
        for side in (node.left, node.right)
    )
    build.at(node)
    difference = build.binary(ast.Sub(), left, right)
    if all(lower.kinds.of(side) & BOOL for side in (node.left, node.right)):
        return build.guarded(guards, _with_numbers(lower, left, right, operator, difference))
    if operator in {ast.LtE, ast.GtE}:
        label = lower.temporary()
        guards.append(build.compare(build.keep(label, difference), (ast.Eq(), build.name(label))))
        difference = build.name(label)
    compared = build.compare(difference, (operator(), build.constant(0)))
    return build.guarded(guards, compared)


def _with_numbers(
    lower: Lowering, left: ast.expr, right: ast.expr, operator: type[ast.cmpop], difference: ast.expr
) -> ast.expr:
    """Both have been compared with a number, so they are some. Two that Python orders are at most equal in Tengo.

    So the difference has a say only where Python found > or <, and where it did not find >= or <=.
    """
    build = lower.build
    assert isinstance(left, ast.Name)
    assert isinstance(right, ast.Name)
    plain = build.compare(build.name(left.id), (operator(), build.name(right.id)))
    rounded = build.compare(difference, (operator(), build.constant(0)))
    return build.all_of([plain, rounded]) if operator in {ast.Lt, ast.Gt} else build.any_of(plain, rounded)


def _may_mix(node: nodes.Binary, left: int, right: int) -> bool:
    """Whether an int may meet a float here. Tengo compares both as floats, Python exactly: large ints make the difference.

    It makes none beside a literal that is a whole float and those around it too.
    """
    for side in (node.left, node.right):
        if isinstance(side, nodes.Literal) and type(side.value) in {int, float} and abs(side.value) < _EXACT:  # type: ignore[arg-type]
            return False
    return bool((left & INT and right & FLOAT) or (left & FLOAT and right & INT))


_EXACT = 1 << 53


def _may_be_plain(left: int, right: int) -> bool:
    return bool(left & NUMBER and right & NUMBER) or bool(left & right & STRING)


def _called(lower: Lowering, node: nodes.Binary, mode: Mode, call: str) -> ast.expr:
    first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
    lower.build.at(node)
    return lower.build.call(call, first, second)


def _optimistic(lower: Lowering, node: nodes.Binary, mode: Mode, operator: type[ast.cmpop]) -> ast.expr:
    """One side is known to be a number or a string: what does not fit raises, but for bools."""
    build = lower.build
    lower.risky = True
    guards: list[ast.expr] = []
    sides: list[ast.expr] = []
    is_text = STRING in (lower.kinds.of(node.left), lower.kinds.of(node.right))
    if not is_text and isinstance(node.right, nodes.Literal) and node.right.value in {0, 1}:
        return _with_small(lower, node, mode, operator)
    for side in (node.left, node.right):
        guarded = lower.kinds.of(side) & BOOL and not is_text
        sides.append(not_bool(lower, side, mode, guards) if guarded else lower.lower(side, mode))
    build.at(node)
    compared = build.compare(sides[0], (operator(), sides[1]))
    return build.guarded(guards, compared)


def _with_small(lower: Lowering, node: nodes.Binary, mode: Mode, operator: type[ast.cmpop]) -> ast.expr:
    """A value above 1 is not a bool, so its order to 0 or 1 is known."""
    build = lower.build
    guards: list[ast.expr] = []
    value = not_bool(lower, node.left, mode, guards)
    limit = lower.lower(node.right, mode)
    build.at(node)
    compared = build.compare(value, (operator(), limit))
    if not guards:
        return compared
    (guard,) = guards
    assert isinstance(guard, ast.BoolOp)
    above, no_bool = guard.values
    exact = build.choose(no_bool, compared, build.call("miss"))
    if operator in {ast.Gt, ast.GtE}:
        return build.any_of(above, exact)
    return build.choose(above, build.constant(False), exact)


def _tested(lower: Lowering, node: nodes.Binary, mode: Mode, operator: type[ast.cmpop], call: str) -> ast.expr:
    """Plain if both are found to be ints, else called."""
    build = lower.build
    pairs = [lower.kept(node.left, mode), lower.kept(node.right, mode)]
    build.at(node)
    (first, left), (second, right) = pairs
    test = build.compare(
        build.call("type", first), (ast.Is(), build.call("type", second)), (ast.Is(), build.name("$int"))
    )
    return build.choose(test, build.compare(left, (operator(), right)), build.call(call, left, right))


def equality(lower: Lowering, node: nodes.Binary, mode: Mode) -> ast.expr:
    """left == right, left != right."""
    build = lower.build
    is_equal = node.operator == "=="
    left, right = lower.kinds.of(node.left), lower.kinds.of(node.right)
    if mode != _COLD:
        if _undefined(node.left) or _undefined(node.right):
            first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
            build.at(node)
            return build.compare(first, (ast.Is() if is_equal else ast.IsNot(), second))
        if _is_plain(node, left, right):
            first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
            build.at(node)
            return build.compare(first, (ast.Eq() if is_equal else ast.NotEq(), second))
        if lower.is_pure(node):
            return _equal_then_same(lower, node, mode, is_equal=is_equal)
    first, second = lower.lower(node.left, mode), lower.lower(node.right, mode)
    build.at(node)
    called = build.call("equals", first, second)
    return called if is_equal else build.not_(called)


_NESTS = ARRAY | SLICE | MAP | OTHER


def _undefined(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Literal) and node.value is None


def _is_plain(node: nodes.Binary, left: int, right: int) -> bool:
    """Whether Python's == is Tengo's: text, numbers with numbers, and numbers that no bool equals."""
    if STRING in (left, right) or left == right == BOOL:
        return True
    if _may_mix(node, left, right):
        return False
    if not (left | right) & ~(NUMBER | UNDEFINED | STRING):
        return True
    return any(
        isinstance(side, nodes.Literal)
        and type(side.value) in {int, float}
        and side.value not in {0, 1}
        and abs(side.value) < _EXACT  # type: ignore[arg-type]
        for side in (node.left, node.right)
    )


def _equal_then_same(lower: Lowering, node: nodes.Binary, mode: Mode, *, is_equal: bool) -> ast.expr:
    """Trust Python's "unequal", but for numbers of two kinds, and of what may hold some; look again at its "equal"."""
    build = lower.build
    (first, left), (second, right) = lower.kept(node.left, mode), lower.kept(node.right, mode)
    build.at(node)
    test = build.all_of([build.compare(first, (ast.Eq(), second)), build.call("same", left, right)])
    kinds = lower.kinds.of(node.left), lower.kinds.of(node.right)
    may_nest = bool(kinds[0] & _NESTS and kinds[1] & _NESTS)
    if may_nest or _may_mix(node, *kinds):
        other = build.compare(build.call("type", left), (ast.IsNot(), build.call("type", right)))
        if may_nest:
            holds = build.compare(build.call("type", left), (ast.In(), build.name("$nests")))
            other = build.any_of(other, holds)
        test = build.any_of(test, build.all_of([other, build.call("equals", left, right)]))
    return test if is_equal else build.not_(test)
