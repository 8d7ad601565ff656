"""Floats as text in Go's formats: strconv.FormatFloat."""

from __future__ import annotations

import math
import struct

from scripting.sandbox.languages.tengo.runtime.shown import shortest


def format_float(value: float, form: str, precision: int, bits: int) -> str:
    """The float as `e`, `E`, `f`, `g`, `G`, `x`, `X` or `b`; precision -1 is the fewest digits that read back as it is."""
    if bits == 32:
        value = single(value)
    if not math.isfinite(value):
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    match form:
        case "f":
            return _plain(value, bits) if precision < 0 else f"{value:.{precision}f}"
        case "e" | "E":
            return _scientific(value, form, precision, bits)
        case "g" | "G":
            return _general(value, form, precision, bits)
        case "x" | "X":
            return _hexadecimal(value, form, precision)
        case "b":
            width, least = (24, -149) if bits == 32 else (53, -1074)
            exponent = max(math.frexp(value)[1] - width, least) if value else least
            sign = "-" if math.copysign(1, value) < 0 else ""
            return f"{sign}{int(math.ldexp(abs(value), -exponent))}p{exponent:+d}"
    return f"%{form}"


def single(value: float) -> float:
    """The nearest float of 32 bits; an infinity beyond the last."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _plain(value: float, bits: int) -> str:
    return shortest(value) if bits != 32 else shortest(float(_shortest32(value)))


def _shortest32(value: float) -> str:
    """The fewest digits that read back as the same 32-bit float."""
    for digits in range(1, 10):
        text = f"{value:.{digits - 1}e}"
        if struct.unpack("<f", struct.pack("<f", float(text)))[0] == value:
            return text
    return repr(value)


def _digits(value: float, bits: int) -> tuple[str, str, int]:
    """Sign, significant digits and exponent of the shortest form."""
    text = _shortest32(value) if bits == 32 else repr(value)
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    power = int(exponent or 0) + len(whole) - 1
    digits = whole + (fraction if fraction != "0" or exponent else "")
    stripped = digits.lstrip("0")
    if not stripped:
        return sign, "0", 0
    return sign, stripped.rstrip("0") or "0", power - (len(digits) - len(stripped))


def _scientific(value: float, form: str, precision: int, bits: int) -> str:
    if precision >= 0:
        return f"{value:.{precision}{form}}"
    sign, digits, power = _digits(value, bits)
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}{form}{'-' if power < 0 else '+'}{abs(power):02d}"


def _general(value: float, form: str, precision: int, bits: int) -> str:
    sign, digits, power = _digits(value, bits)
    limit = 6
    if precision >= 0:
        limit = precision = precision or 1
        text = f"{value:.{precision - 1}e}"
        mantissa, _, exponent = text.lstrip("-").partition("e")
        power = int(exponent)
        digits = mantissa.replace(".", "").rstrip("0") or "0"
        if limit > len(digits) and len(digits) >= power + 1:
            limit = len(digits)
    if power < -4 or power >= limit:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}{'e' if form == 'g' else 'E'}{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    if len(digits) <= power + 1:
        return f"{sign}{digits}{'0' * (power + 1 - len(digits))}"
    return f"{sign}{digits[: power + 1]}.{digits[power + 1 :]}"


def _hexadecimal(value: float, form: str, precision: int) -> str:
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        text = "0x0p+00" if precision <= 0 else f"0x0.{'0' * precision}p+00"
        return sign + (text if form == "x" else text.upper())
    mantissa, exponent = math.frexp(abs(value))
    number, exponent = int(math.ldexp(mantissa, 53)), exponent - 1
    if 0 <= precision < 13:
        shift = 52 - 4 * precision
        half, rest = 1 << (shift - 1), number & ((1 << shift) - 1)
        number >>= shift
        number += rest > half or (rest == half and number & 1)
        number <<= shift
        if number >= 1 << 53:
            number, exponent = number >> 1, exponent + 1
    fraction = (
        f"{number & ((1 << 52) - 1):013x}".rstrip("0")
        if precision < 0
        else f"{number & ((1 << 52) - 1):013x}"[:precision]
    )
    if precision > 13:
        fraction = fraction.ljust(precision, "0")
    text = f"0x1{'.' + fraction if fraction else ''}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return sign + (text if form == "x" else text.upper())
