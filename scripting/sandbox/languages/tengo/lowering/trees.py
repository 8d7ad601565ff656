"""Trees of + - *: plain Python where the kinds allow it.

Wrapping commutes with + - *, so a tree of them is computed unbounded and tested once, at its root. The test compares with a number
that fits one digit of CPython's ints, which is much quicker than comparing with 2**63; what fails it is looked at by `$wrap`.
It commutes no more once an int has met a float: so what may be an int beside what may be a float is tested before they meet.
A tree of + and * spares these tests where each number in it is 1 or more, for then no part of it is above its value.
A float that an operation leaves equal stays itself in Tengo, so a nought has the sign that it had: where the sign of a tree's
value may be another in Python, noughts are computed the general way.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import ARRAY, BOOL, FLOAT, INT, NUMBER, STRING
from scripting.sandbox.languages.tengo.lowering.ranges import HIGHEST, LOWEST, is_within

if TYPE_CHECKING:
    from scripting.sandbox.languages.tengo.lowering.base import Lowering, Mode

RING: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
_QUICK = (1 << 30) - 1
_COLD, _FAST = 0, 2


def is_ring(lower: Lowering, node: nodes.Expr, mode: Mode) -> bool:
    """Whether Python's own operator gives what Tengo's does, or raises."""
    if isinstance(node, nodes.Unary):
        return node.operator == "-" and not lower.kinds.of(node.operand) & ~NUMBER
    if not isinstance(node, nodes.Binary) or node.operator not in RING:
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


@dataclass
class _Tree:
    """How the leaves and branches of a tree are lowered, and things found on the way."""

    settles: bool = True
    """An int is brought within 64 bits before it meets a float."""
    keeps_names: bool = False
    """Every leaf but a literal gets a name."""
    names: dict[nodes.Expr, str] = field(default_factory=dict)
    """Of leaves; those that are here already are not evaluated again."""
    guards: list[ast.expr] = field(default_factory=list)
    names_within: bool = False
    """Some names are assigned in the midst of the tree."""


def ring_root(lower: Lowering, node: nodes.Binary | nodes.Unary, mode: Mode) -> ast.expr:
    """The value of a whole tree."""
    if mode == _FAST and _only_grows(lower, node, mode) and _must_settle_some(lower, node, mode):
        return _of_numbers_from_1(lower, node, mode)
    tree = _Tree()
    raw = _ring(lower, node, mode, tree)
    return _guarded(lower, tree, _within(lower, node, mode, raw))


def _of_numbers_from_1(lower: Lowering, node: nodes.Binary | nodes.Unary, mode: Mode) -> ast.expr:
    """(t if (t := raw) < Q and leaf >= 1 and … else the tree with all tests): no part of it is above its value."""
    build = lower.build
    tree = _Tree(settles=False, keeps_names=True)
    raw = _ring(lower, node, mode, tree)
    settled = _within(lower, node, mode, _ring(lower, node, mode, _Tree(names=tree.names)))
    build.at(node)
    label = lower.temporary()
    small = build.compare(build.keep(label, raw), (ast.Lt(), build.constant(_QUICK)))
    names = list(tree.names.values())
    match tree.guards:
        case [ast.BoolOp(values=[ast.Compare(left=ast.NamedExpr(target=ast.Name(id=guarded))) as above, no_bool])] if (
            not tree.names_within
        ):  # the guard that the number is no bool has compared it already
            names.remove(guarded)
            tests = [above, *_not_below_1(lower, names), small]
            tree.guards = [no_bool]
            return build.choose(build.all_of(tests), build.name(label), _guarded(lower, tree, settled))
    tests = [small, *_not_below_1(lower, names)]
    return _guarded(lower, tree, build.choose(build.all_of(tests), build.name(label), settled))


def _not_below_1(lower: Lowering, names: list[str]) -> list[ast.expr]:
    build = lower.build
    return [build.compare(build.name(name), (ast.GtE(), build.constant(1))) for name in names]


def _guarded(lower: Lowering, tree: _Tree, value: ast.expr) -> ast.expr:
    lower.risky |= bool(tree.guards)
    return lower.build.guarded(tree.guards, value)


def _within(lower: Lowering, node: nodes.Binary | nodes.Unary, mode: Mode, raw: ast.expr) -> ast.expr:
    """A tree's value with the tests of its root."""
    lower.build.at(node)
    stays = _stays(lower, node)
    if may_turn(lower, node, mode):
        return _with_its_sign(lower, node, mode, raw, stays=stays)
    return raw if stays else within_64_bits(lower, raw, side=_side(lower, node, mode))


def _stays(lower: Lowering, node: nodes.Expr) -> bool:
    """Whether it cannot be an int that has left 64 bits."""
    found = lower.ranges.of(node)
    return not lower.kinds.of(node) & INT or (found is not None and is_within(found))


def may_turn(lower: Lowering, node: nodes.Expr, mode: Mode) -> bool:
    """Whether the value of a tree may be a float that is nought, with another sign in Python."""
    if not is_ring(lower, node, mode) or not lower.kinds.of(node) & FLOAT:
        return False
    if isinstance(node, nodes.Unary):
        return may_turn(lower, node.operand, mode)
    assert isinstance(node, nodes.Binary)
    if lower.kinds.of(node.left) & FLOAT and not _is_nonzero(node.left) and not _keeps_sign(node):
        return True
    return may_turn(lower, node.left, mode) or may_turn(lower, node.right, mode)


def _is_nonzero(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Literal) and bool(node.value)


def _keeps_sign(node: nodes.Binary) -> bool:
    return positive(node.right) is not None if node.operator in {"*", "/"} else _is_nonzero(node.right)


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
    if isinstance(node, nodes.Binary) and node.operator in {"+", "-"} and not is_ring(lower, node.left, mode):
        size = node.right.value if isinstance(node.right, nodes.Literal) else None
        if type(size) is int and size >= 0:
            return "above" if node.operator == "+" else "below"
    return ""


def _ring(lower: Lowering, node: nodes.Expr, mode: Mode, tree: _Tree) -> ast.expr:
    build = lower.build
    if not is_ring(lower, node, mode):
        return _leaf(lower, node, mode, tree)
    if isinstance(node, nodes.Unary):
        operand = _ring(lower, node.operand, mode, tree)
        build.at(node)
        return build.unary(ast.USub(), operand)
    assert isinstance(node, nodes.Binary)
    left = _branch(lower, node.left, node.right, mode, tree)
    right = _branch(lower, node.right, node.left, mode, tree)
    build.at(node)
    return build.binary(RING[node.operator](), left, right)


def _branch(lower: Lowering, node: nodes.Expr, beside: nodes.Expr, mode: Mode, tree: _Tree) -> ast.expr:
    """One side of a tree, within 64 bits if it may be an int that meets a float."""
    raw = _ring(lower, node, mode, tree)
    if not tree.settles or not _must_settle(lower, node, beside, mode):
        return raw
    assert isinstance(node, nodes.Binary | nodes.Unary)
    lower.build.at(node)
    return within_64_bits(lower, raw, side=_side(lower, node, mode))


def _must_settle(lower: Lowering, node: nodes.Expr, beside: nodes.Expr, mode: Mode) -> bool:
    return is_ring(lower, node, mode) and not _stays(lower, node) and bool(lower.kinds.of(beside) & FLOAT)


def _must_settle_some(lower: Lowering, node: nodes.Expr, mode: Mode) -> bool:
    if not isinstance(node, nodes.Binary) or not is_ring(lower, node, mode):
        return False
    pairs = (node.left, node.right), (node.right, node.left)
    return any(_must_settle(lower, *pair, mode) or _must_settle_some(lower, pair[0], mode) for pair in pairs)


def _only_grows(lower: Lowering, node: nodes.Expr, mode: Mode) -> bool:
    """Whether a tree has + and * alone, and no literal below 1."""
    if isinstance(node, nodes.Literal):
        return (positive(node) or 0) >= 1
    if not is_ring(lower, node, mode):
        return True
    if not isinstance(node, nodes.Binary) or node.operator == "-":
        return False
    return _only_grows(lower, node.left, mode) and _only_grows(lower, node.right, mode)


def _leaf(lower: Lowering, node: nodes.Expr, mode: Mode, tree: _Tree) -> ast.expr:
    build = lower.build
    if node in tree.names:
        build.at(node)
        return build.name(tree.names[node])
    kinds = lower.kinds.of(node)
    if kinds & ~NUMBER:
        lower.risky = True
    leaf = not_bool(lower, node, mode, tree.guards) if kinds & BOOL else lower.lower(node, mode)
    if not tree.keeps_names or isinstance(leaf, ast.Constant):
        return leaf
    if isinstance(leaf, ast.Name):
        tree.names[node] = leaf.id
        return leaf
    tree.names[node] = label = lower.temporary()
    tree.names_within = True
    return build.keep(label, leaf)


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


def positive(node: nodes.Expr) -> int | float | None:
    """The literal's value if it is a positive number."""
    if isinstance(node, nodes.Literal) and type(node.value) in {int, float} and node.value > 0:  # type: ignore[operator]
        return node.value  # type: ignore[return-value]
    return None
