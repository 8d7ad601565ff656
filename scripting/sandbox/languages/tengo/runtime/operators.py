"""The operators in full, for whatever kinds of value: what generated code calls where the quick way does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.runtime.shown import text_of
from scripting.sandbox.languages.tengo.runtime.slices import Slice, extended
from scripting.sandbox.languages.tengo.runtime.values import (
    BYTES,
    Char,
    Failure,
    ImmutableArray,
    Time,
    equals,
    miss,
    type_name,
)

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
_MASK = (1 << 64) - 1
_SIGN = 1 << 63
_ARRAYS = frozenset({list, Slice})
"""That can be changed."""


def wrap(value: Any) -> Any:
    """An int wrapped to 64 bits; any other number as it is."""
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        return ((value + _SIGN) & _MASK) - _SIGN
    return value


def wrap_or_miss(value: Any) -> Any:
    """As `wrap`; a float that is nought may have the wrong sign."""
    return wrap(value) if type(value) is int or value else miss()


def _kept(left: Any, result: Any) -> Any:
    """A float that an operation leaves equal stays itself: 0.0 * -1.0 is 0.0, not -0.0."""
    return left if result == left and type(left) is float else result


def wrap32(value: int) -> int:
    """An int wrapped to the 32 bits of a char."""
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def _invalid(operator: str, left: Any, right: Any) -> Failure:
    return Failure(f"invalid operation: {type_name(left)} {operator} {type_name(right)}")


def _is_number(kind: type) -> bool:
    return kind is int or kind is float


def add(left: Any, right: Any) -> Any:
    first, second = type(left), type(right)
    if first is int and second is int:
        return wrap(left + right)
    if first is str:
        return left + text_of(right)
    if _is_number(first) and _is_number(second):
        return _kept(left, left + right)
    if first is list and second is list:
        return left + right if right else left
    if first in _ARRAYS and second in _ARRAYS:
        return extended(left, right.items if second is Slice else right) if right else left
    if first in BYTES and second in BYTES:
        return bytearray(left) + right
    if first is ImmutableArray and second is ImmutableArray:
        return extended(left.items, list(right.items))
    if first is Time and second is int:
        return Time(left.nanoseconds + right, left.zone)
    return _char_sum("+", left, right, 1)


def sub(left: Any, right: Any) -> Any:
    first, second = type(left), type(right)
    if first is int and second is int:
        return wrap(left - right)
    if _is_number(first) and _is_number(second):
        return _kept(left, left - right)
    if first is Time and second is int:
        return Time(left.nanoseconds - right, left.zone)
    if first is Time and second is Time:
        return max(INT_MIN, min(INT_MAX, left.nanoseconds - right.nanoseconds))
    return _char_sum("-", left, right, -1)


def _char_sum(operator: str, left: Any, right: Any, sign: int) -> Any:
    first, second = type(left), type(right)
    if {first, second} == {Char} or {first, second} == {Char, int}:
        return Char(wrap32((left if first is int else left.code) + sign * (right if second is int else right.code)))
    raise _invalid(operator, left, right)


def mul(left: Any, right: Any) -> Any:
    first, second = type(left), type(right)
    if first is int and second is int:
        return wrap(left * right)
    if _is_number(first) and _is_number(second):
        return _kept(left, left * right)
    raise _invalid("*", left, right)


def div(left: Any, right: Any) -> Any:
    first, second = type(left), type(right)
    if first is int and second is int:
        if right == 0:
            raise Failure("division by zero")
        quotient = abs(left) // abs(right)
        return wrap(quotient if (left < 0) == (right < 0) else -quotient)
    if _is_number(first) and _is_number(second):
        return _kept(left, float_div(float(left), float(right)))
    raise _invalid("/", left, right)


def float_div(left: float, right: float) -> float:
    """IEEE division: by zero it gives an infinity or NaN."""
    if right:
        return left / right
    if left != left or left == 0 or right != right:
        return float("nan")
    negative = (left < 0) != (str(right)[0] == "-")
    return float("-inf") if negative else float("inf")


def rem(left: Any, right: Any) -> Any:
    if type(left) is int and type(right) is int:
        if right == 0:
            raise Failure("division by zero")
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    raise _invalid("%", left, right)


def _bits(operator: str, compute: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def operate(left: Any, right: Any) -> Any:
        if type(left) is int and type(right) is int:
            return compute(left, right)
        raise _invalid(operator, left, right)

    return operate


def _shifted_left(left: int, right: int) -> int:
    return int(wrap(left << right)) if 0 <= right < 64 else 0


def _shifted_right(left: int, right: int) -> int:
    return left >> right if 0 <= right < 64 else -1 if left < 0 else 0


band = _bits("&", lambda left, right: left & right)
bor = _bits("|", lambda left, right: left | right)
bxor = _bits("^", lambda left, right: left ^ right)
bclear = _bits("&^", lambda left, right: left & ~right)
shl = _bits("<<", _shifted_left)
shr = _bits(">>", _shifted_right)


def _ordered(operator: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def order(left: Any, right: Any) -> bool:
        first, second = type(left), type(right)
        if first is second and (first is int or first is float or first is str):
            return compare(left, right)
        if _is_number(first) and _is_number(second):
            return compare(float(left), float(right))
        if first is Time and second is Time:
            return compare(left.nanoseconds, right.nanoseconds)
        if {first, second} == {Char} or {first, second} == {Char, int}:
            return compare(left if first is int else left.code, right if second is int else right.code)
        raise _invalid(operator, left, right)

    return order


lt = _ordered("<", lambda left, right: left < right)
le = _ordered("<=", lambda left, right: left <= right)
gt = _ordered(">", lambda left, right: left > right)
ge = _ordered(">=", lambda left, right: left >= right)


def neg(value: Any) -> Any:
    if type(value) is int:
        return wrap(-value)
    if type(value) is float:
        return -value
    raise Failure(f"invalid operation: -{type_name(value)}")


def invert(value: Any) -> Any:
    if type(value) is int:
        return ~value
    raise Failure(f"invalid operation: ^{type_name(value)}")


def same(left: Any, right: Any) -> bool:
    """Whether two values that Python finds equal are so in Tengo."""
    return left.__class__ is right.__class__ is str or equals(left, right)
