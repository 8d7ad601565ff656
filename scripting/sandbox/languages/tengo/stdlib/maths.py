"""The module math: Go's functions over floats, with NaN and infinities where Python raises."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.stdlib import bessel
from scripting.sandbox.languages.tengo.stdlib.arguments import taking

_NAN, _INF = math.nan, math.inf
_MAX_INT32 = (1 << 31) - 1


def _domain(function: Callable[[float], float]) -> Callable[[float], float]:
    """NaN outside the function's domain, an infinity where it overflows."""

    def compute(value: float) -> float:
        try:
            return float(function(value))
        except ValueError:
            return _NAN
        except OverflowError:
            return _INF

    return compute


def _log(function: Callable[[float], float]) -> Callable[[float], float]:
    def compute(value: float) -> float:
        return -_INF if value == 0 else _NAN if value < 0 else function(value)

    return compute


def _rounded(function: Callable[[float], int]) -> Callable[[float], float]:
    def compute(value: float) -> float:
        return math.copysign(float(function(value)), value) if math.isfinite(value) else value

    return compute


def _atanh(value: float) -> float:
    return math.copysign(_INF, value) if abs(value) == 1 else _domain(math.atanh)(value)


def _gamma(value: float) -> float:
    if value == 0:
        return math.copysign(_INF, value)
    return _domain(math.gamma)(value)


def _odd_overflow(function: Callable[[float], float]) -> Callable[[float], float]:
    def compute(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.copysign(_INF, value)

    return compute


def _pow(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent % 2 == 1
        return -_INF if base < 0 and odd else _INF
    except ValueError:
        if base == 0 and exponent < 0:
            return math.copysign(_INF, base) if exponent % 2 == 1 else _INF
        return _NAN


def _pow10(exponent: int) -> float:
    return 0.0 if exponent < -323 else _INF if exponent > 308 else float(f"1e{exponent}")


def _mod(value: float, divisor: float) -> float:
    return (
        _NAN if divisor == 0 or math.isinf(value) or value != value or divisor != divisor else math.fmod(value, divisor)
    )


def _remainder(value: float, divisor: float) -> float:
    return (
        _NAN
        if divisor == 0 or math.isinf(value) or value != value or divisor != divisor
        else math.remainder(value, divisor)
    )


def _dim(left: float, right: float) -> float:
    return (
        _NAN
        if left == right and math.isinf(left)
        else max(left - right, 0.0)
        if left == left and right == right
        else _NAN
    )


def _max(left: float, right: float) -> float:
    if _INF in (left, right):
        return _INF
    if left != left or right != right:
        return _NAN
    return left if left > right or (left == right == 0 and math.copysign(1, left) > 0) else right


def _min(left: float, right: float) -> float:
    if -_INF in (left, right):
        return -_INF
    if left != left or right != right:
        return _NAN
    return left if left < right or (left == right == 0 and math.copysign(1, left) < 0) else right


def _ldexp(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, max(-5000, min(5000, exponent)))
    except OverflowError:
        return math.copysign(_INF, value)


def _ilogb(value: float) -> int:
    if value == 0:
        return -_MAX_INT32 - 1
    return math.frexp(value)[1] - 1 if math.isfinite(value) else _MAX_INT32


def _logb(value: float) -> float:
    if value == 0:
        return -_INF
    return float(_ilogb(value)) if math.isfinite(value) else _INF if math.isinf(value) else value


def _is_inf(value: float, sign: int) -> bool:
    return (sign >= 0 and value == _INF) or (sign <= 0 and value == -_INF)


def _cbrt(value: float) -> float:
    """Go's own way (after FreeBSD's s_cbrt.c): exact where the root is a whole number."""
    if not value or not math.isfinite(value):
        return value
    size = abs(value)
    root = _float_of(_bits_of(size) // 3 + (715094163 << 32))
    if size < 2.22507385850720138309e-308:
        root = _float_of(_bits_of(float(1 << 54) * size) // 3 + (696219795 << 32))
    ratio = root * root / size
    step = 5.42857142857142815906e-01 + ratio * root
    root *= 3.57142857142857150787e-01 + 1.60714285714285720630e00 / (
        step + 1.41428571428571436819e00 + -7.05306122448979611050e-01 / step
    )
    root = _float_of((_bits_of(root) & (0xFFFFFFFFC << 28)) + (1 << 30))
    ratio = size / (root * root)
    return math.copysign(root + root * ((ratio - root) / (root + root + ratio)), value)


def _bits_of(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def _float_of(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


_OF_FLOAT: dict[str, Callable[[float], float]] = {
    "abs": abs,
    **{
        name: _domain(getattr(math, name))
        for name in "acos acosh asin asinh atan cos erf erfc sin sqrt tan tanh".split()
    },
    "atanh": _atanh,
    "cbrt": _cbrt,
    "ceil": _rounded(math.ceil),
    "floor": _rounded(math.floor),
    "trunc": _rounded(math.trunc),
    "cosh": _domain(math.cosh),
    "sinh": _odd_overflow(math.sinh),
    "exp": _domain(math.exp),
    "exp2": _domain(math.exp2),
    "expm1": _domain(math.expm1),
    "gamma": _gamma,
    "log": _log(math.log),
    "log10": _log(math.log10),
    "log2": _log(math.log2),
    "log1p": lambda value: -_INF if value == -1 else _domain(math.log1p)(value),
    "logb": _logb,
    "j0": lambda value: bessel.j(0, value),
    "j1": lambda value: bessel.j(1, value),
    "y0": lambda value: bessel.y(0, value),
    "y1": lambda value: bessel.y(1, value),
}
_OF_TWO: dict[str, Callable[[float, float], float]] = {
    "atan2": math.atan2,
    "copysign": math.copysign,
    "dim": _dim,
    "hypot": math.hypot,
    "max": _max,
    "min": _min,
    "mod": _mod,
    "nextafter": math.nextafter,
    "pow": _pow,
    "remainder": _remainder,
}
_PHI = (1 + math.sqrt(5)) / 2

MEMBERS: dict[str, Any] = {
    "e": math.e, "pi": math.pi, "phi": _PHI, "sqrt2": math.sqrt(2), "sqrtE": math.sqrt(math.e), "sqrtPi": math.sqrt(math.pi),
    "sqrtPhi": math.sqrt(_PHI), "ln2": math.log(2), "log2E": 1 / math.log(2), "ln10": math.log(10), "log10E": 1 / math.log(10),
    "maxFloat32": 3.4028234663852886e38, "smallestNonzeroFloat32": 1.401298464324817e-45,
    "maxFloat64": 1.7976931348623157e308, "smallestNonzeroFloat64": 5e-324,
    "maxInt": (1 << 63) - 1, "minInt": -(1 << 63),
    **{f"maxInt{bits}": (1 << (bits - 1)) - 1 for bits in (8, 16, 32, 64)},
    **{f"minInt{bits}": -(1 << (bits - 1)) for bits in (8, 16, 32, 64)},
    **{name: taking(name, "float", function) for name, function in _OF_FLOAT.items()},
    **{name: taking(name, "float, float", function) for name, function in _OF_TWO.items()},
    "ilogb": taking("ilogb", "float", _ilogb),
    "inf": taking("inf", "int", lambda sign: _INF if sign >= 0 else -_INF),
    "nan": taking("nan", "", lambda: _NAN),
    "is_inf": taking("is_inf", "float, int", _is_inf),
    "is_nan": taking("is_nan", "float", lambda value: value != value),
    "signbit": taking("signbit", "float", lambda value: math.copysign(1, value) < 0),
    "ldexp": taking("ldexp", "float, int", _ldexp),
    "pow10": taking("pow10", "int", _pow10),
    "jn": taking("jn", "int, float", bessel.j),
    "yn": taking("yn", "int, float", bessel.y),
}  # fmt: skip
