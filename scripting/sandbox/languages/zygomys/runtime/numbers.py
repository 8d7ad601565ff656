"""Arithmetic, bits and comparison: int64, uint64, float64 and char with Go's wrap-around and division."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys.runtime.values import (
    Char,
    Failure,
    Moment,
    Pair,
    Raw,
    Record,
    Scientific,
    Symbol,
    Uint64,
    Vector,
    fail,
    go_name,
)  # fmt: skip

_MASK = (1 << 64) - 1
_HALF = 1 << 63
_FLOATS = frozenset({float, Scientific})
_TYPES = "operands have invalid type"


def wrap(value: Any) -> Any:
    """An int brought back to 64 bits; anything else as it is."""
    if type(value) is not int or -_HALF <= value < _HALF:
        return value
    return ((value + _HALF) & _MASK) - _HALF


def _to_int(value: float) -> int:
    """int64(value) as amd64 converts."""
    return int(value) if -9.3e18 < value < 9.3e18 and -_HALF <= int(value) < _HALF else -_HALF


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        return math.inf if left == 0 else math.nan


def _float_div(left: float, right: float) -> float:
    if right == 0:
        if left == 0 or left != left:
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return left / right


def _int_op(operator: str, left: int, right: int) -> Any:
    match operator:
        case "+":
            return wrap(left + right)
        case "-":
            return wrap(left - right)
        case "*":
            return wrap(left * right)
        case "/":
            if right == 0:
                fail("/", "integer divide by zero")
            return wrap(left // right) if left % right == 0 else left / right
    return _to_int(_power(float(left), float(right)))


def _uint_op(operator: str, left: int, right: int) -> Any:
    match operator:
        case "+":
            return Uint64(left + right)
        case "-":
            return Uint64(left - right)
        case "*":
            return Uint64(left * right)
        case "/":
            if right == 0:
                fail("/", "integer divide by zero")
            return Uint64(left // right) if left % right == 0 else float(left) / float(right)
    power = _power(float(left), float(right))
    return Uint64(int(power) if 0 <= power < float(1 << 64) else _HALF)


def _float_op(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return _float_div(left, right)
    return _power(left, right)


def compute(operator: str, left: Any, right: Any) -> Any:
    """left operator right, whatever they are."""
    first, second = type(left), type(right)
    if first is int and second is int:
        return _int_op(operator, left, right)
    if first is Moment:
        return _moment_op(operator, left, right)
    numbers = _number(operator, left), _number(operator, right)
    if first in _FLOATS or second in _FLOATS:
        return _float_op(operator, float(numbers[0]), float(numbers[1]))
    if first is Uint64 or second is Uint64:
        return _uint_op(operator, numbers[0] & _MASK, numbers[1] & _MASK)
    result = _int_op(operator, *numbers)
    if first is Char and type(result) is int:
        return Char(((result + (1 << 31)) & 0xFFFFFFFF) - (1 << 31))
    return result


def _number(operator: str, value: Any) -> Any:
    kind = type(value)
    if kind is int or kind in _FLOATS:
        return value
    if kind is Char:
        return value.code
    if kind is Uint64:
        return value.number
    fail(operator, _TYPES)


def _moment_op(operator: str, left: Moment, right: Any) -> Moment:
    kind = type(right)
    if kind in _FLOATS:
        other = _to_int(right)
    elif kind is int:
        other = right
    elif kind is Moment:
        other = right.nanoseconds
    else:
        fail(operator, _TYPES)
    return Moment(_int_op(operator, left.nanoseconds, other) if operator != "/" else left.nanoseconds // other, "Local")


def _folded(operator: str) -> Callable[..., Any]:
    def fold(first: Any, *more: Any) -> Any:
        for value in more:
            first = compute(operator, first, value)
        return first

    return fold


add, sub, mul, div, power = map(_folded, ("+", "-", "*", "/", "**"))


def _binary_dunder(operator: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: compute(operator, self, other)


def _reflected_dunder(operator: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: compute(operator, other, self)


for _kind in (Char, Uint64, Moment):
    # So that lowered `a + b` need not ask what they are.
    for _operator, _word in (("+", "add"), ("-", "sub"), ("*", "mul")):
        setattr(_kind, f"__{_word}__", _binary_dunder(_operator))
        setattr(_kind, f"__r{_word}__", _reflected_dunder(_operator))
    # Beyond the bounds of a small int: `wrap` then leaves them as they are.
    setattr(_kind, "__lt__", lambda self, other: False)  # noqa: B010
    setattr(_kind, "__gt__", lambda self, other: False)  # noqa: B010


# Bits


def _bits(
    name: str, compute_: Callable[[int, int], int], unsigned: Callable[[int, int], int]
) -> Callable[[Any, Any], Any]:
    def bits(left: Any, right: Any, /) -> Any:
        numbers = _whole(name, left), _whole(name, right)
        if type(left) is Uint64 or type(right) is Uint64:
            return Uint64(unsigned(numbers[0] & _MASK, numbers[1] & _MASK))
        return wrap(compute_(*numbers))

    return bits


def _whole(name: str, value: Any) -> int:
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is Char:
        return int(value.code)
    if kind is Uint64:
        return int(value.number)
    fail(name, _TYPES)


def _count(right: int) -> int:
    return min(right & _MASK, 64)


def _modulo(left: int, right: int) -> int:
    if right == 0:
        fail("mod", "integer divide by zero")
    return int(math.fmod(left, right)) if abs(left) < 1 << 52 and abs(right) < 1 << 52 else _remainder(left, right)


def _remainder(left: int, right: int) -> int:
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


shift_left = _bits("sll", lambda a, b: a << _count(b), lambda a, b: a << _count(b))
shift_right = _bits("sra", lambda a, b: a >> _count(b), lambda a, b: a >> _count(b))
shift_logical = _bits("srl", lambda a, b: (a & _MASK) >> _count(b), lambda a, b: a >> _count(b))
mod = _bits("mod", _modulo, _modulo)
bit_and = _bits("bitAnd", lambda a, b: a & b, lambda a, b: a & b)
bit_or = _bits("bitOr", lambda a, b: a | b, lambda a, b: a | b)
bit_xor = _bits("bitXor", lambda a, b: a ^ b, lambda a, b: a ^ b)


def bit_not(value: Any, /) -> Any:
    if type(value) is int:
        return ~value
    if type(value) is Char:
        return Char(~value.code)
    fail("bitNot", "Argument to bitNot should be integer")


def as_uint64(value: Any, /) -> Uint64:
    if type(value) is int:
        return Uint64(value)
    if type(value) in _FLOATS:
        return Uint64(int(value) if math.isfinite(value) else _HALF)
    fail("asUint64", f"Cannot convert {go_name(value)} to uint64")


# Comparison

_NAN = 2


def _sign(left: Any, right: Any) -> int:
    return 1 if left > right else -1 if left < right else 0


def order(left: Any, right: Any, name: str = "==") -> int:
    """Below, equal or above zero; 2 where a number is none (NaN). Raises Failure for what cannot be compared.

    Where the original's subtraction overflows, this compares the numbers as they are.
    """
    first, second = type(left), type(right)
    if first is int and second is int:
        return _sign(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _sign(str(left), str(right))
    if left is None:
        return 0 if right is None else -1
    compare = _ORDERS.get(first)
    found = compare(left, right, name) if compare is not None else _other_order(left, right)
    if found is None:
        fail(name, f"cannot compare {go_name(left)} to {go_name(right)}")
    return found


def _other_order(left: Any, right: Any) -> int | None:
    if isinstance(left, dict) and isinstance(right, dict):
        return 0 if record_name(left) == record_name(right) else 1
    if isinstance(left, (Raw, bytes)) and isinstance(right, (Raw, bytes)):
        return _sign(_data(left), _data(right))
    compare = getattr(left, "zygomys_order", None)
    return int(compare(right)) if compare is not None else None


def _number_order(left: Any, right: Any, name: str) -> int | None:
    if type(right) not in _NUMBERS:
        return None
    one = left.code if type(left) is Char else left
    other = right.code if type(right) is Char else right
    return _NAN if one != one or other != other else _sign(one, other)


def _like(value: Callable[[Any], Any]) -> Callable[[Any, Any, str], int | None]:
    """The order of two values of the same kind."""
    return lambda left, right, name: _sign(value(left), value(right)) if type(left) is type(right) else None


def _moment_order(left: Any, right: Any, name: str) -> int | None:
    if type(right) is not Moment:
        return None
    return 0 if left.nanoseconds // 10**9 == right.nanoseconds // 10**9 else -1


_NUMBERS = frozenset({int, float, Scientific, Char})


def _data(value: Any) -> bytes:
    return value.data if type(value) is Raw else bytes(value)


def record_name(value: Any) -> str:
    """The type of a hash."""
    return str(value.type_name) if isinstance(value, Record) else "hash"


def _pairs(left: Any, right: Any, name: str) -> int:
    while type(left) is Pair and type(right) is Pair:
        result = order(left.head, right.head, name)
        if result != 0:
            return result
        left, right = left.tail, right.tail
    return order(left, right, name)


def _arrays(left: list[Any], right: list[Any], name: str) -> int:
    for one, other in zip(left, right, strict=False):
        result = order(one, other, name)
        if result != 0:
            return result
    return _sign(len(left), len(right))


_ORDERS: dict[type, Callable[[Any, Any, str], int | None]] = {
    **dict.fromkeys(_NUMBERS, _number_order),
    Uint64: _like(lambda value: value.number),
    bool: _like(bool),
    Symbol: _like(lambda value: value.name),
    Pair: lambda left, right, name: _pairs(left, right, name) if type(right) is Pair else None,
    list: lambda left, right, name: _arrays(left, right, name) if isinstance(right, list) else None,
    Vector: lambda left, right, name: _arrays(left, right, name) if isinstance(right, list) else None,
    Moment: _moment_order,
}


def lt(left: Any, right: Any, /) -> bool:
    return order(left, right, "<") < 0


def gt(left: Any, right: Any, /) -> bool:
    return order(left, right, ">") == 1


def le(left: Any, right: Any, /) -> bool:
    return order(left, right, "<=") <= 0


def ge(left: Any, right: Any, /) -> bool:
    return 0 <= order(left, right, ">=") < _NAN


def eq(left: Any, right: Any, /) -> bool:
    return order(left, right, "==") == 0


def ne(left: Any, right: Any, /) -> bool:
    return order(left, right, "!=") != 0


def equals(left: Any, right: Any) -> bool:
    """As eq; what cannot be compared differs."""
    try:
        return order(left, right) == 0
    except Failure:
        return False
