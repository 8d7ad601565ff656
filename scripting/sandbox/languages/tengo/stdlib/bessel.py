"""Bessel functions of whole order, for math.j0 and its like: the power series in whole numbers of many digits, or Hankel's for large values."""

from __future__ import annotations

import math

_LARGE = 30.0
"""From here on Hankel's series is exact enough, for orders 0 and 1."""
_ONE = 1 << 220
"""The scale of 1 in the power series: its terms grow to e**30 before they cancel each other."""
_EULER = 57721566490153286060651209008240243104215933593992 * _ONE // 10**50
_PI = 314159265358979323846264338327950288419716939937511 * _ONE // 10**50
_MAX_ORDER = 10_000


def j(order: int, value: float) -> float:
    """The function of the first kind."""
    if value != value:
        return math.nan
    if math.isinf(value):
        return 0.0
    if order < 0:
        return j(-order, -value)
    if value < 0:
        return -j(order, -value) if order % 2 else j(order, -value)
    if value == 0 or order > _MAX_ORDER:
        return 1.0 if order == 0 else 0.0
    if value < _LARGE:
        return _first_series(order, value)
    if order < 2:
        amplitude, cosine, _ = _hankel(order, value)
        return amplitude * cosine
    return _forward(j, order, value) if order < value else _backward(order, value)


def y(order: int, value: float) -> float:
    """The function of the second kind."""
    if value < 0 or value != value:
        return math.nan
    if order < 0:
        return y(-order, value) * (-1.0 if order % 2 else 1.0)
    if value == 0:
        return -math.inf
    if math.isinf(value):
        return 0.0
    if order > _MAX_ORDER:
        return -math.inf
    if order > 1:
        return _forward(y, order, value)
    if value < _LARGE:
        return _second_series(order, value)
    amplitude, _, sine = _hankel(order, value)
    return amplitude * sine


def _forward(function: object, order: int, value: float) -> float:
    """The recurrence from orders 0 and 1, which is steady as long as the order is below the value, and for y always."""
    assert callable(function)
    before, current = function(0, value), function(1, value)
    for step in range(1, order):
        before, current = current, 2 * step / value * current - before
        if math.isinf(current):
            return -math.inf
    return float(current)


def _backward(order: int, value: float) -> float:
    """Miller's: the recurrence from far above, made to fit by the sum of all even orders, which is 1."""
    start = 2 * ((order + int(math.sqrt(60 * order)) + 20) // 2)
    above, current, total, found = 0.0, 1e-300, 0.0, 0.0
    for step in range(start, 0, -1):
        above, current = current, 2 * step / value * current - above
        if abs(current) > 1e250:
            above, current, total, found = above * 1e-250, current * 1e-250, total * 1e-250, found * 1e-250
        if step - 1 == order:
            found = current
        if (step - 1) % 2 == 0:
            total += current * (2 if step > 1 else 1)
    return found / total


def _fixed(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * _ONE // denominator


def _first_series(order: int, value: float) -> float:
    half = value / 2
    exponent = order * math.log(half) - math.lgamma(order + 1)
    if exponent < -745:
        return 0.0
    square, term, total, step = _fixed(half * half), _ONE, _ONE, 0
    while term:
        step += 1
        term = -term * square // _ONE // (step * (step + order))
        total += term
        if abs(term) < 2:
            break
    factor = half**order / math.factorial(order) if order <= 100 else math.exp(exponent)
    return total / _ONE * factor


def _second_series(order: int, value: float) -> float:
    """2/pi (ln(x/2) + gamma) J - … : the parts that cancel each other are added up in whole numbers."""
    half = value / 2
    fixed, square = _fixed(half), _fixed(half * half)
    first = term = _ONE if order == 0 else fixed
    harmonic = 0 if order == 0 else _ONE
    rest = 0 if order == 0 else term
    for step in range(1, 400):
        term = -term * square // _ONE // (step * (step + order))
        first += term
        harmonic += _ONE // step + (_ONE // (step + 1) if order else _ONE // step)
        rest += term * harmonic // _ONE
        if abs(term) < 2:
            break
    series = (_fixed(math.log(half)) + _EULER) * 2 * first // _ONE - rest
    return series / _PI - (1 / math.pi / half if order else 0.0)


def _hankel(order: int, value: float) -> tuple[float, float, float]:
    """Amplitude, and cosine and sine of the phase, as Hankel's series gives them."""
    even = term = 1.0
    odd = 0.0
    for step in range(1, 60):
        grown = term * (4 * order * order - (2 * step - 1) ** 2) / (step * 8 * value)
        if abs(grown) > abs(term) or abs(grown) < 1e-20:
            break
        term = grown
        sign = -1.0 if step % 4 in {2, 3} else 1.0
        if step % 2:
            odd += sign * term
        else:
            even += sign * term
    sine, cosine = math.sin(value), math.cos(value)
    root = math.sqrt(0.5)
    cos_phase, sin_phase = ((cosine + sine) * root, (sine - cosine) * root)
    if order == 1:
        cos_phase, sin_phase = sin_phase, -cos_phase
    amplitude = math.sqrt(2 / math.pi) / math.sqrt(value)
    return amplitude, even * cos_phase - odd * sin_phase, even * sin_phase + odd * cos_phase
