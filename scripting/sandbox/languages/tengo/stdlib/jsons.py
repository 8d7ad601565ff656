"""The module json: encode, decode, indent and html_escape, with Go's texts for numbers and its errors as values."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

from scripting.sandbox.languages.tengo.runtime import moments
from scripting.sandbox.languages.tengo.runtime.conversions import bad_argument
from scripting.sandbox.languages.tengo.runtime.floats import format_float
from scripting.sandbox.languages.tengo.runtime.operators import INT_MAX, INT_MIN
from scripting.sandbox.languages.tengo.runtime.shown import text_bytes
from scripting.sandbox.languages.tengo.runtime.values import ARRAYS, BYTES, Char, Failure, ImmutableMap, Time
from scripting.sandbox.languages.tengo.stdlib.arguments import error, taking
from scripting.sandbox.languages.tengo.stdlib.json_errors import complaint

_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


class _Unencodable(Exception):
    pass


def encode(value: Any) -> Any:
    try:
        return bytearray(text_bytes(_encoded(value)))
    except _Unencodable as problem:
        return error(str(problem))
    except RecursionError:
        raise Failure("the value contains itself, or is nested too deeply") from None


def _encoded(value: Any) -> str:
    kind = type(value)
    if kind in ARRAYS:
        return f"[{','.join([_encoded(item) for item in (value if kind is list else value.items)])}]"
    if kind is dict or kind is ImmutableMap:
        entries = value if kind is dict else value.items
        return f"{{{','.join([f'{_string(key)}:{_encoded(item)}' for key, item in entries.items()])}}}"
    if kind is str:
        return _string(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return _float(value)
    if value is None:
        return "null"
    if kind is Char:
        return str(value.code)
    if kind in BYTES:
        return f'"{base64.b64encode(value).decode("ascii")}"'
    return f'"{moments.rfc3339(value)}"' if kind is Time else ""


def _string(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise _Unencodable("unsupported float value")
    size = abs(value)
    if size and (size < 1e-6 or size >= 1e21):
        text = format_float(value, "e", -1, 64)
        return f"{text[:-2]}{text[-1]}" if text[-4:-1] == "e-0" else text
    return format_float(value, "f", -1, 64)


def _text(name: str, value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) in BYTES:
        return bytes(value).decode("utf-8", "replace")
    raise bad_argument(f"user-function:{name}", "first", "bytes/string", value)


def decode(value: Any) -> Any:
    text = _text("decode", value)
    plain = _RAW_BYTES.sub("\ufffd", text)
    if "\\" in plain:
        plain = _ANY_ESCAPE.sub(_whole_characters, plain)
    try:
        return json.loads(plain, parse_int=_int, parse_constant=_constant)
    except json.JSONDecodeError:
        return error(complaint(text_bytes(text)))
    except RecursionError:
        raise Failure("the text is nested too deeply") from None


def _int(text: str) -> int:
    if len(text) > 25:
        return INT_MIN if text[0] == "-" else INT_MAX
    return max(INT_MIN, min(INT_MAX, int(text)))


def _constant(text: str) -> Any:
    raise json.JSONDecodeError("not JSON", text, 0)


_RAW_BYTES = re.compile("[\ud800-\udfff]")
_ANY_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def _whole_characters(escape: re.Match[str]) -> str:
    """The escape; half a character by itself as the replacement character."""
    return "\\ufffd" if escape[1] else escape[0]


_INDENT_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def indent(value: Any, prefix: str, step: str) -> Any:
    text = _text("encode", value)
    try:
        json.loads(text, parse_constant=_constant, parse_int=_int)
    except json.JSONDecodeError:
        return error(complaint(text_bytes(text)))
    out: list[str] = []
    depth, opened = 0, False
    for part in _INDENT_PART.findall(text):
        if part in {"}", "]"}:
            depth -= 1
            if not opened:
                out.append(f"\n{prefix}{step * depth}")
            out.append(part)
            opened = False
            continue
        if opened:
            out.append(f"\n{prefix}{step * depth}")
        opened = part in {"{", "["}
        depth += opened
        out.append(f",\n{prefix}{step * depth}" if part == "," else ": " if part == ":" else part)
    after = text[len(text.rstrip(" \t\r\n")) :]  # blanks at the end stay, as there
    return bytearray(text_bytes("".join(out) + after))


_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def html_escape(value: Any) -> Any:
    return bytearray(text_bytes("".join(_HTML.get(sign, sign) for sign in _text("html_escape", value))))


MEMBERS = {
    "encode": taking("encode", "any", encode),
    "decode": taking("decode", "any", decode),
    "indent": taking("encode", "any, text, text", indent),
    "html_escape": taking("html_escape", "any", html_escape),
}
