"""format and fmt.sprintf: the verbs of Go's fmt as Tengo has them, %v being the text of the value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripting.sandbox.languages.tengo.runtime.conversions import to_int
from scripting.sandbox.languages.tengo.runtime.floats import format_float
from scripting.sandbox.languages.tengo.runtime.shown import byte_length, char_text, quote, shown, text_bytes
from scripting.sandbox.languages.tengo.runtime.values import BYTES, Failure, type_name

_TOO_LARGE = 1_000_000
MAX_BYTES = 2_147_483_647


@dataclass(slots=True)
class _Spec:
    """Flags, width and precision between % and the verb."""

    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str, *, zero: bool | None = None) -> str:
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if self.minus:
            return text + " " * missing
        return ("0" if (self.zero if zero is None else zero) else " ") * missing + text


def format_text(pattern: str, arguments: tuple[Any, ...], as_value: Callable[[Any], str] = shown) -> str:
    """The pattern with its verbs replaced, %v by what `as_value` gives. Faults of the pattern are told in the text, as Go does."""
    return _Printer(pattern, arguments, as_value).text()


class _Printer:
    def __init__(self, pattern: str, arguments: tuple[Any, ...], as_value: Callable[[Any], str]) -> None:
        self.as_value = as_value
        self.pattern = pattern
        self.arguments = arguments
        self.position = 0
        self.next = 0
        self.reordered = False
        self.good_number = True
        self.out: list[str] = []

    def text(self) -> str:
        pattern = self.pattern
        while True:
            percent = pattern.find("%", self.position)
            if percent < 0:
                self.out.append(pattern[self.position :])
                break
            self.out.append(pattern[self.position : percent])
            self.position = percent + 1
            if not self._verb():
                break
        if not self.reordered and self.next < len(self.arguments):
            extra = [f"{type_name(value)}={shown_plain(value)}" for value in self.arguments[self.next :]]
            self.out.append(f"%!(EXTRA {', '.join(extra)})")
        text = "".join(self.out)
        if len(text) > MAX_BYTES // 4 and byte_length(text) > MAX_BYTES:
            raise Failure("exceeding string size limit")
        return text

    def _peek(self) -> str:
        return self.pattern[self.position : self.position + 1]

    def _verb(self) -> bool:
        """Print one verb; False if the pattern ends in the middle."""
        spec = _Spec()
        self.good_number = True
        self._flags(spec)
        after_index = self._argument_number()
        after_index = self._width(spec, after_index=after_index)
        if self._peek() == "." and self.position + 1 <= len(self.pattern):
            after_index = self._precision(spec, after_index=after_index)
        if not after_index:
            self._argument_number()
        verb = self._peek()
        if not verb:
            self.out.append("%!(NOVERB)")
            return False
        self.position += 1
        if verb == "%":
            self.out.append("%")
        elif not self.good_number:
            self.out.append(f"%!{verb}(BADINDEX)")
        elif self.next >= len(self.arguments):
            self.out.append(f"%!{verb}(MISSING)")
        else:
            value = self.arguments[self.next]
            self.out.append(_string(self.as_value(value), "s", spec) if verb == "v" else _argument(value, verb, spec))
            self.next += 1
        return True

    def _flags(self, spec: _Spec) -> None:
        while True:
            match self._peek():
                case "#":
                    spec.sharp = True
                case "0":
                    spec.zero = not spec.minus
                case "+":
                    spec.plus = True
                case "-":
                    spec.minus, spec.zero = True, False
                case " ":
                    spec.space = True
                case _:
                    return
            self.position += 1

    def _number(self) -> int | None:
        start = self.position
        while self._peek() and self._peek() in "0123456789":
            self.position += 1
        digits = self.pattern[start : self.position]
        if not digits:
            return None
        if len(digits) > 8 or int(digits[:-1] or "0") > _TOO_LARGE:
            self.position = len(self.pattern)
            return None
        return int(digits)

    def _argument_number(self) -> bool:
        """Read `[n]`; gives whether there was one."""
        if self._peek() != "[":
            return False
        self.reordered = True
        close = self.pattern.find("]", self.position)
        if close < 0 or len(self.pattern) - self.position < 3:
            self.position += 1
            self.good_number = False
            return False
        digits = self.pattern[self.position + 1 : close]
        self.position = close + 1
        is_number = digits.isdigit() and digits.isascii() and len(digits) < 8
        if is_number and 1 <= int(digits) <= len(self.arguments):
            self.next = int(digits) - 1
            return True
        self.good_number = False
        return is_number

    def _from_argument(self) -> int | None:
        if self.next >= len(self.arguments):
            return None
        number = to_int(self.arguments[self.next])
        self.next += 1
        return None if number is None or abs(number) > _TOO_LARGE else number

    def _width(self, spec: _Spec, *, after_index: bool) -> bool:
        if self._peek() != "*":
            spec.width = self._number()
            if after_index and spec.width is not None:
                self.good_number = False
            return after_index
        self.position += 1
        spec.width = self._from_argument()
        if spec.width is None:
            self.out.append("%!(BADWIDTH)")
        elif spec.width < 0:
            spec.width, spec.minus, spec.zero = -spec.width, True, False
        return False

    def _precision(self, spec: _Spec, *, after_index: bool) -> bool:
        self.position += 1
        if after_index:
            self.good_number = False
        after_index = self._argument_number()
        if self._peek() != "*":
            spec.precision = self._number() or 0
            return after_index
        self.position += 1
        precision = self._from_argument()
        spec.precision = precision if precision is not None and precision >= 0 else None
        if spec.precision is None:
            self.out.append("%!(BADPREC)")
        return False


def shown_plain(value: Any) -> str:
    """%v of a value: as it is shown, strings in quotes."""
    return shown(value)


def _argument(value: Any, verb: str, spec: _Spec) -> str:
    if verb == "T":
        return _string(type_name(value), "s", spec)
    kind = type(value)
    if kind is bool:
        return spec.pad("true" if value else "false", zero=spec.zero) if verb == "t" else _bad(value, verb, spec)
    if kind is float:
        return _float(value, verb, spec)
    if kind is int:
        return _int(value, verb, spec)
    if kind in BYTES:
        return _bytes(bytes(value), verb, spec)
    return _string(value if kind is str else shown(value), verb, spec, value)


def _bad(value: Any, verb: str, spec: _Spec) -> str:
    return f"%!{verb}({shown(value)}={_string(shown(value), 's', spec)})"


_ITSELF = object()


def _string(text: str, verb: str, spec: _Spec, value: Any = _ITSELF) -> str:
    match verb:
        case "s":
            return spec.pad(text if spec.precision is None else text[: spec.precision])
        case "x" | "X":
            return _hex(text_bytes(text), verb, spec)
        case "q":
            cut = text if spec.precision is None else text[: spec.precision]
            if spec.sharp and "`" not in cut and all(sign.isprintable() or sign == "\t" for sign in cut):
                return spec.pad(f"`{cut}`")
            return spec.pad(quote(cut, ascii_only=spec.plus))
    return _bad(text if value is _ITSELF else value, verb, spec)


def _bytes(data: bytes, verb: str, spec: _Spec) -> str:
    match verb:
        case "d":
            return f"[{' '.join([_int(byte, 'd', spec) for byte in data])}]"
        case "s" | "q":
            return _string(data.decode("utf-8", "surrogateescape"), verb, spec)
        case "x" | "X":
            return _hex(data, verb, spec)
    return ""


def _hex(data: bytes, verb: str, spec: _Spec) -> str:
    if spec.precision is not None:
        data = data[: spec.precision]
    if not data:
        return " " * (spec.width or 0)
    prefix = "0x" if spec.sharp else ""
    text = " ".join(f"{prefix}{byte:02x}" for byte in data) if spec.space else prefix + data.hex()
    return spec.pad(text.upper() if verb == "X" else text)


def _int(value: int, verb: str, spec: _Spec) -> str:
    match verb:
        case "d" | "v":
            return _digits(value, f"{abs(value):d}", "", spec)
        case "b":
            return _digits(value, f"{abs(value):b}", "0b" if spec.sharp else "", spec)
        case "o" | "O":
            return _digits(value, f"{abs(value):o}", "0o" if verb == "O" else "0" if spec.sharp and value else "", spec)
        case "x":
            return _digits(value, f"{abs(value):x}", "0x" if spec.sharp else "", spec)
        case "X":
            return _digits(value, f"{abs(value):X}", "0X" if spec.sharp else "", spec)
        case "c":
            return spec.pad(char_text(value))
        case "q":
            if 0 <= value <= 0x10FFFF:
                return spec.pad(quote(char_text(value), "'", ascii_only=spec.plus))
        case "U":
            code = value & ((1 << 64) - 1)
            text = f"U+{code:0{max(4, spec.precision or 0)}X}"
            if spec.sharp and code <= 0x10FFFF and chr(code).isprintable():
                text += f" '{chr(code)}'"
            return spec.pad(text, zero=False)
    return _bad(value, verb, spec)


def _digits(value: int, digits: str, prefix: str, spec: _Spec) -> str:
    sign = "-" if value < 0 else "+" if spec.plus else " " if spec.space else ""
    if spec.precision is not None:
        if spec.precision == 0 and value == 0:
            return " " * (spec.width or 0)
        digits = digits.rjust(spec.precision, "0")
    elif spec.zero and spec.width is not None:
        digits = digits.rjust(spec.width - len(sign), "0")
    if prefix == "0" and digits.startswith("0"):
        prefix = ""
    return spec.pad(sign + prefix + digits, zero=False)


def _float(value: float, verb: str, spec: _Spec) -> str:
    if verb not in "bgGxXfFeE":
        return _bad(value, verb, spec)
    form = "f" if verb == "F" else verb
    precision = spec.precision if spec.precision is not None else 6 if form in "feE" else -1
    number = format_float(value, form, precision, 64)
    if number[0] not in "+-":
        number = "+" + number
    if spec.space and number[0] == "+" and not spec.plus:
        number = " " + number[1:]
    if not math.isfinite(value):
        bare = math.isnan(value) and not spec.space and not spec.plus
        return spec.pad(number[1:] if bare else number, zero=False)
    if spec.sharp and form != "b":
        number = _with_point(number, form, precision)
    if spec.plus or number[0] != "+":
        if spec.zero and spec.width is not None and spec.width > len(number):
            return number[0] + number[1:].rjust(spec.width - 1, "0")
        return spec.pad(number)
    return spec.pad(number[1:])


def _with_point(number: str, form: str, precision: int) -> str:
    """The `#` flag: always a point, and for %g the zeros up to the precision."""
    split = next((index for index, sign in enumerate(number) if sign in "eEpP" and form not in "xX"), len(number))
    body, tail = number[:split], number[split:]
    missing = (6 if precision == -1 else precision) if form in "gG" else 0
    missing -= sum(sign.isdigit() for sign in body)
    if "." not in body:
        body += "."
    return body + "0" * max(0, missing) + tail
