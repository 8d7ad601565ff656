"""json, unjson, msgpack and base 64: bytes are a Raw."""

from __future__ import annotations

import base64
import binascii
import json as plain_json
import math
from typing import Any

import msgspec

from scripting.sandbox.languages.zygomys.runtime.numbers import wrap
from scripting.sandbox.languages.zygomys.runtime.shown import json_of, shown, text_of
from scripting.sandbox.languages.zygomys.runtime.values import Failure, Raw, Record, fail, go_name


def json(value: Any, /) -> Raw:
    return Raw(json_of(value).encode("utf-8", "surrogateescape"))


def json2(value: Any, /) -> str:
    return shown(value, json=True)


def _data(name: str, value: Any) -> bytes:
    if type(value) is Raw:
        return value.data
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    fail(name, f"{name} error: SexpRaw required, but we got {go_name(value)} instead.")


def _loaded(name: str, text: str) -> Any:
    try:
        return plain_json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        fail(name, f"no JSON: {str(problem)[:200]}")


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def unjson(value: Any, /) -> Any:
    return _decoded(_loaded("unjson", _data("unjson", value).decode("utf-8", "replace")))


def _decoded(value: Any) -> Any:
    """Plain data as values: objects are hashes of symbols in the order of their keys, or as `zKeyOrder` says."""
    if isinstance(value, dict):
        type_name = value.get("Atype")
        order = value.get("zKeyOrder")
        names = [
            name
            for name in sorted(map(str, value))
            if name != "zKeyOrder" and not (name == "Atype" and isinstance(type_name, str))
        ]
        if isinstance(order, list) and all(isinstance(name, str) for name in order):
            names = [name for name in order if name in value] + [name for name in names if name not in order]
        entries = [(name, _decoded(value[name])) for name in names]
        return Record(type_name, entries) if isinstance(type_name, str) and type_name != "hash" else dict(entries)
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        return float(value)
    return Raw(value) if isinstance(value, bytes) else value


def msgpack(value: Any, /) -> Raw:
    return Raw(msgspec.msgpack.encode(_sorted(_loaded("msgpack", json_of(value)))))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return wrap(value) if not isinstance(value, float) or math.isfinite(value) else None


def unmsgpack(value: Any, /) -> Any:
    try:
        return _decoded(msgspec.msgpack.decode(_data("unmsgpack", value)))
    except (msgspec.DecodeError, RecursionError) as problem:
        fail("unmsgpack", f"no msgpack: {str(problem)[:200]}")


# Bytes


def raw(*parts: Any) -> Raw:
    data = b""
    for part in parts:
        if type(part) is Raw:
            return part
        if not isinstance(part, str):
            fail("raw", f"raw takes only string arguments. We see {go_name(part)}: '{text_of(part)[:200]}'")
        data += str(part).encode("utf-8", "surrogateescape")
    return Raw(data)


def _flagged(name: str, flag: bool | None) -> Any:
    def flagged(value: Any = None, /, *more: Any) -> Raw:
        if value is None:
            return Raw(b"")
        if isinstance(value, (bytes, bytearray)):
            value = Raw(bytes(value))
        if type(value) is Raw:
            value.base64 = not value.base64 if flag is None else flag
            return value
        if isinstance(value, str):
            return raw64(value, *more)
        fail(name, "argument must be raw or base64 encoded string")

    return flagged


unbase64 = _flagged("unbase64", False)
to_base64 = _flagged("base64", True)
flipbase64 = _flagged("flipbase64", None)


def raw64(*parts: Any) -> Raw:
    text = "".join([text_of(part).strip("`").replace("\n", "") for part in parts])
    try:
        return Raw(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True), base64=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise Failure("Error calling 'raw64': illegal base64 data") from None


def is_base64(value: Any, /) -> bool:
    return type(value) is Raw and value.base64


def copyraw(value: Any, /) -> Raw:
    if type(value) is not Raw:
        fail("copyraw", "argument must be raw")
    return Raw(value.data, base64=value.base64)
