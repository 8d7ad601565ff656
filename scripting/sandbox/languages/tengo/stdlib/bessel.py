"""Bessel functions of the first and second kind, for math.j0 and its like: by their integrals, to about twelve digits."""

from __future__ import annotations

import math

_STEPS = 400
_MAX_ORDER = 10_000


def j(order: int, value: float) -> float:
    """The function of the first kind."""
    if value != value:
        return math.nan
    if math.isinf(value):
        return 0.0
    if order > _MAX_ORDER:
        return 0.0
    if order < 0:
        return j(-order, value) * (-1.0 if order % 2 else 1.0)
    if abs(value) < 12 and order <= 60:
        return _series(order, value)
    steps = _STEPS + 2 * int(min(abs(value), 20_000)) + order
    return math.fsum(math.cos(order * t - value * math.sin(t)) for t in _midpoints(0, math.pi, steps)) / steps


def y(order: int, value: float) -> float:
    """The function of the second kind."""
    if value < 0 or value != value:
        return math.nan
    if value == 0:
        return -math.inf if order >= 0 or order % 2 == 0 else math.inf
    if math.isinf(value):
        return 0.0
    if order > _MAX_ORDER:
        return -math.inf
    if order < 0:
        return y(-order, value) * (-1.0 if order % 2 else 1.0)
    if order > 1:
        before, current = y(0, value), y(1, value)
        for step in range(1, order):
            before, current = current, 2 * step / value * current - before
            if math.isinf(current):
                return -math.inf
        return current
    steps = _STEPS * 10 + 4 * int(min(value, 20_000))
    first = math.fsum(math.sin(value * math.sin(t) - order * t) for t in _midpoints(0, math.pi, steps)) / steps
    end = math.asinh(40 / value) + 1
    width = end / steps
    sign = -1.0 if order % 2 else 1.0
    second = math.fsum(
        (math.exp(order * t) + sign * math.exp(-order * t)) * math.exp(-value * math.sinh(t))
        for t in _midpoints(0, end, steps)
    )
    return first - second * width / math.pi


def _series(order: int, value: float) -> float:
    half = value / 2
    term = half**order / math.factorial(order)
    terms = [term]
    for step in range(1, 100):
        term *= -half * half / (step * (step + order))
        terms.append(term)
        if abs(term) < 1e-20:
            break
    return math.fsum(terms)


def _midpoints(start: float, end: float, steps: int) -> list[float]:
    width = (end - start) / steps
    return [start + (step + 0.5) * width for step in range(steps)]
