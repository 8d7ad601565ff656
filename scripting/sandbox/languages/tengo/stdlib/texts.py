"""The module text: Go's strings and strconv. Strings are counted and cut by bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.tengo.literals import BadLiteral, parse_float, parse_int, unquote, unquote_char
from scripting.sandbox.languages.tengo.runtime.conversions import bad_argument, to_text
from scripting.sandbox.languages.tengo.runtime.floats import format_float, single
from scripting.sandbox.languages.tengo.runtime.shown import byte_length, bytes_text, char_text, quote, text_bytes
from scripting.sandbox.languages.tengo.runtime.values import ARRAYS, Failure
from scripting.sandbox.languages.tengo.stdlib import regexps
from scripting.sandbox.languages.tengo.stdlib.arguments import error, taking

MAX_BYTES = 2_147_483_647
_SPACE = " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_FIELDS = re.compile(f"[^{_SPACE}]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _byte_index(text: str, index: int) -> int:
    return index if index < 0 or text.isascii() else byte_length(text[:index])


def _index_any(text: str, signs: str) -> int:
    return _byte_index(text, next((index for index, sign in enumerate(text) if sign in signs), -1))


def _last_index_any(text: str, signs: str) -> int:
    found = next((index for index in range(len(text) - 1, -1, -1) if text[index] in signs), -1)
    return _byte_index(text, found)


def _count(text: str, part: str) -> int:
    return text.count(part) if part else len(text) + 1


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if separator == "":
        if count < 0 or count > len(text):
            return list(text)
        return [*text[: count - 1], text[count - 1 :]]
    return text.split(separator, count - 1 if count > 0 else -1)


def _split_after(text: str, separator: str, count: int = -1) -> list[str]:
    pieces = _split(text, separator, count)
    return [piece + separator for piece in pieces[:-1]] + pieces[-1:]


def _mapped(text: str, change: Callable[[str], str]) -> str:
    """Each character changed for one other, as Go has it: where Python has several, the first of them if it is plain, or none."""
    if text.isascii():
        return change(text)
    return "".join([_changed(sign, change(sign)) for sign in text])


def _changed(sign: str, changed: str) -> str:
    if "\udc80" <= sign <= "\udcff":
        return "\ufffd"
    return changed if len(changed) == 1 else "i" if sign == "\u0130" and changed[0] == "i" else sign


def _upper(text: str) -> str:
    return _mapped(text, str.upper)


def _lower(text: str) -> str:
    return _mapped(text, str.lower)


def _to_title(text: str) -> str:
    return "".join([_changed(sign, sign.title()) for sign in text])


def _title(text: str) -> str:
    out: list[str] = []
    starts = True
    for sign in text:
        out.append(_to_title(sign) if starts else _changed(sign, sign))
        starts = not (sign.isalnum() or sign == "_") and (ord(sign) < 128 or sign in _SPACE)
    return "".join(out)


def _join(array: Any, separator: str) -> str:
    if type(array) not in ARRAYS:
        raise bad_argument("user-function:join", "first", "array", array)
    parts: list[str] = []
    for index, item in enumerate(array if type(array) is list else array.items):
        text = to_text(item)
        if text is None:
            raise bad_argument("user-function:join", f"first[{index}]", "string(compatible)", item)
        parts.append(text)
    return separator.join(parts)


def _repeat(text: str, count: int) -> str:
    if count < 0:
        raise Failure("strings: negative Repeat count")
    if byte_length(text) * count > MAX_BYTES:
        raise Failure("exceeding string size limit")
    return text * count


def _substr(text: str, low: int, high: int | None = None) -> str:
    data = text_bytes(text)
    if high is None:
        high = len(data)
    if low > high:
        raise Failure("invalid index type")
    return bytes_text(data[max(0, low) : max(0, high)])


def _pad(text: str, length: int, filling: str, *, left: bool) -> str:
    if length > MAX_BYTES:
        raise Failure("exceeding string size limit")
    data, fill = text_bytes(text), text_bytes(filling)
    missing = length - len(data)
    if missing <= 0 or not fill:
        return text
    count = (length - len(fill)) // len(fill) + 1 if length >= len(fill) else 1
    padded = fill * count + data if left else data + fill * count
    return bytes_text(padded[len(padded) - length :] if left else padded[:length])


def _syntax(function: str, text: str, problem: str = "invalid syntax") -> Failure:
    return Failure(f"strconv.{function}: parsing {quote(text)}: {problem}")


def _parse_bool(text: str) -> bool:
    if text in {"1", "t", "T", "TRUE", "true", "True"}:
        return True
    if text in {"0", "f", "F", "FALSE", "false", "False"}:
        return False
    raise _syntax("ParseBool", text)


def _parse_float(text: str, bits: int) -> float:
    try:
        value = parse_float(text)
        if bits != 32 or not math.isfinite(value):
            return value
        if math.isinf(single(value)):
            raise OverflowError
        return single(value)
    except OverflowError:
        raise _syntax("ParseFloat", text, "value out of range") from None
    except ValueError:
        raise _syntax("ParseFloat", text) from None


def _parse_int(text: str, base: int, bits: int) -> int:
    if base != 0 and not 2 <= base <= 36:
        raise _syntax("ParseInt", text, f"invalid base {base}")
    if not 0 <= bits <= 64:
        raise _syntax("ParseInt", text, f"invalid bit size {bits}")
    try:
        value = parse_int(text, base)
    except OverflowError:
        raise _syntax("ParseInt", text, "value out of range") from None
    except ValueError:
        raise _syntax("ParseInt", text) from None
    half = 1 << ((bits or 64) - 1)
    if not -half <= value < half:
        raise _syntax("ParseInt", text, "value out of range")
    return value


def _atoi(text: str) -> Any:
    try:
        return parse_int(text, 10)
    except OverflowError:
        return error(f"strconv.Atoi: parsing {quote(text)}: value out of range")
    except ValueError:
        return error(f"strconv.Atoi: parsing {quote(text)}: invalid syntax")


def _format_int(value: int, base: int) -> str:
    if not 2 <= base <= 36:
        raise Failure("strconv: illegal AppendInt/FormatInt base")
    left, digits = abs(value), ""
    while left or not digits:
        left, digit = divmod(left, base)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if value < 0 else digits


def _format_float(value: float, form: str, precision: int, bits: int) -> str:
    if not form:
        raise Failure("the format of a float is one of e, E, f, g, G, b, x, X")
    return format_float(value, form[0], min(precision, 1000), bits)


def _ends_early(mark: str, body: str) -> bool:
    """Whether the text between the marks would end the literal early."""
    return mark in body if mark == "`" else "\n" in body or mark in re.sub(r"\\.", "", body)


def _unquote(text: str) -> Any:
    try:
        if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"`'" and not _ends_early(text[0], text[1:-1]):
            return char_text(unquote_char(text)) if text[0] == "'" else unquote(text)
    except BadLiteral:
        pass
    return error("invalid syntax")


def _fold(text: str) -> str:
    return _lower(_upper(text))


def _cut_prefix(text: str, prefix: str) -> str:
    return text.removeprefix(prefix)


_TWO_TEXTS: dict[str, Callable[[str, str], Any]] = {
    "compare": lambda a, b: (a > b) - (a < b),
    "contains": lambda text, part: part in text,
    "contains_any": lambda text, signs: _index_any(text, signs) >= 0,
    "count": _count,
    "equal_fold": lambda a, b: _fold(a) == _fold(b),
    "has_prefix": lambda text, part: text.startswith(part),
    "has_suffix": lambda text, part: text.endswith(part),
    "index": lambda text, part: _byte_index(text, text.find(part)),
    "index_any": _index_any,
    "last_index": lambda text, part: _byte_index(text, text.rfind(part)),
    "last_index_any": _last_index_any,
    "split": _split,
    "split_after": _split_after,
    "trim": lambda text, signs: text.strip(signs) if signs else text,
    "trim_left": lambda text, signs: text.lstrip(signs) if signs else text,
    "trim_right": lambda text, signs: text.rstrip(signs) if signs else text,
    "trim_prefix": _cut_prefix,
    "trim_suffix": lambda text, part: text.removesuffix(part),
}
_ONE_TEXT: dict[str, Callable[[str], Any]] = {
    "fields": _FIELDS.findall,
    "title": _title,
    "to_lower": _lower,
    "to_title": _to_title,
    "to_upper": _upper,
    "trim_space": lambda text: text.strip(_SPACE),
    "atoi": _atoi,
    "quote": quote,
    "unquote": _unquote,
}

MEMBERS: dict[str, Any] = {
    **regexps.MEMBERS,
    **{name: taking(name, "text, text", function) for name, function in _TWO_TEXTS.items()},
    **{name: taking(name, "text", function) for name, function in _ONE_TEXT.items()},
    "join": taking("join", "any, text", _join),
    "repeat": taking("repeat", "text, int", _repeat),
    "replace": taking("replace", "text, text, text, int", lambda text, old, new, count: text.replace(old, new, count)),
    "substr": taking("substr", "text, int, int", _substr, optional=1),
    "split_n": taking("split_n", "text, text, int", _split),
    "split_after_n": taking("split_after_n", "text, text, int", _split_after),
    "pad_left": taking("pad_left", "text, int, text", lambda t, n, fill=" ": _pad(t, n, fill, left=True), optional=1),
    "pad_right": taking(
        "pad_right", "text, int, text", lambda t, n, fill=" ": _pad(t, n, fill, left=False), optional=1
    ),
    "format_bool": taking("format_bool", "bool", lambda value: "true" if value else "false"),
    "format_float": taking("format_float", "exact float, text, int, int", _format_float),
    "format_int": taking("format_int", "exact int, int", _format_int),
    "itoa": taking("itoa", "int", str),
    "parse_bool": taking("parse_bool", "string", _parse_bool),
    "parse_float": taking("parse_float", "string, int", _parse_float),
    "parse_int": taking("parse_int", "string, int, int", _parse_int),
}
