"""Plain data as msgpack: what scripts take in and give out, checked before it is encoded and scanned before it is decoded.

Plain data is None, bool, int64, float, str, bytes, list and dict with string keys. A tuple goes out as a list.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import re
import struct
import types
import uuid
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
DEFAULT_MAX_BYTES = 16 << 20
DEFAULT_MAX_DEPTH = 64
DEFAULT_MAX_NODES = 1_000_000

_encode = msgspec.msgpack.Encoder(enc_hook=int).encode
_decode = msgspec.msgpack.Decoder().decode
decode_trusted: Callable[[bytes], Any] = _decode
"""The value of bytes that our own side has made: no scan."""


class ValueProblem(ValueError):
    """The value is not plain data, or is over a bound: `path` says where, `problem` says what."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def encode_value(
    value: object,
    name: str = "value",
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
) -> bytes:
    """The value as msgpack. Raises ValueProblem naming the path (`name["units"][3]`) of what is not plain data.

    `max_depth` counts containers inside one another, `max_nodes` values and keys, `max_bytes` the encoded length.
    """
    if type(value) is dict and max_nodes > 2 * _FEW and max_depth >= _SHALLOW and _left(value, _FEW, _SHALLOW) >= 0:
        try:
            data = _encode(value)
        except (UnicodeEncodeError, OverflowError):
            pass  # the checker says where the lone surrogate or the large integer is
        else:
            if len(data) <= max_bytes and _UNSIGNED not in data:
                return data
    checker = _Checker(max_depth, max_nodes, max_bytes)
    problem = checker.problem(value, 0)
    if problem is not None:
        raise ValueProblem(name + "".join(reversed(checker.path)), problem)
    data = _encode(value)
    if len(data) > max_bytes:
        raise ValueProblem(name, f"takes {len(data)} bytes, over the limit of {max_bytes}")
    return data


def _left(mapping: dict[object, object], left: int, depth: int) -> int:
    """How many of `left` items there may be still beside those of this dict; below 0 if it is not small.

    A small one holds a few numbers and short texts, and dicts of such down to `depth`: the commonest values, in which there is nothing to look for.
    """
    left -= len(mapping)
    if left < 0:
        return left
    for key, item in mapping.items():
        if type(key) is not str:
            return -1
        kind = type(item)
        if kind in _NUMBERS:
            continue
        if kind is str:
            if len(item) > _SHORT:  # type: ignore[arg-type]
                return -1
        elif kind is dict and depth > 1:
            left = _left(item, left, depth - 1)  # type: ignore[arg-type]
            if left < 0:
                return left
        else:
            return -1
    return left


def decode_value(
    data: bytes,
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
) -> Any:
    """The value that the bytes stand for. Raises ValueProblem if they are not one plain value within the bounds."""
    scan_value(data, max_bytes=max_bytes, max_depth=max_depth, max_nodes=max_nodes)
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueProblem("value", f"is not well-formed msgpack: {error}") from None


def check_value(data: bytes, max_bytes: int, max_depth: int, max_nodes: int) -> None:
    """Raise ValueProblem unless decode_value would take these bytes within these bounds."""
    # Values of little depth are held to their types by the decoder itself, in a tenth of the time. No value takes less than
    # a byte; and the decoder makes room for as many items as a list says it has, which only after 0xDD are too many.
    if max_bytes >= len(data) <= max_nodes and max_depth >= _SHALLOW and 0xDD not in data:
        try:
            _decode_shallow(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass  # the scan says what is wrong, or takes what is only deeper
        else:
            return
    decode_value(data, max_bytes=max_bytes, max_depth=max_depth, max_nodes=max_nodes)


def _shallow(depth: int) -> Any:
    """The type of plain data without bytes that has so many containers inside one another at the most."""
    scalar = None | bool | Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)] | float | str
    if depth == 0:
        return scalar
    item = _shallow(depth - 1)
    return scalar | types.GenericAlias(list, (item,)) | types.GenericAlias(dict, (str, item))


_SHALLOW = 4
_decode_shallow = msgspec.msgpack.Decoder(_shallow(_SHALLOW)).decode


class _Checker:
    """Looks for the first value that is not plain data; `path` is then the way to it, innermost step first."""

    __slots__ = ("bytes", "max_bytes", "max_depth", "max_nodes", "nodes", "path")

    def __init__(self, max_depth: int, max_nodes: int, max_bytes: int) -> None:
        self.max_depth = max_depth
        self.max_nodes = max_nodes
        self.max_bytes = max_bytes
        self.nodes = 0
        self.bytes = 0
        self.path: list[str] = []

    def problem(self, value: object, depth: int) -> str | None:
        kind = type(value)
        if kind in _MAPPINGS:
            return self._mapping_problem(value, depth)  # type: ignore[arg-type]
        if kind is list or kind is tuple:
            return self._sequence_problem(value, depth)  # type: ignore[arg-type]
        if kind in _SCALARS:
            return self._scalar_problem(kind, value)
        if type(kind) is type and issubclass(
            kind, tuple
        ):  # a named tuple; a script's own classes have another metaclass
            return self._sequence_problem(tuple(tuple.__iter__(value)), depth)  # type: ignore[arg-type]
        if type(kind) is type and issubclass(kind, int):  # `timestamp`, an int of ours that can be called
            return self._scalar_problem(int, value)
        return f"is of type {kind.__name__[:60]}, not plain data{_instead(value)}"

    def _scalar_problem(self, kind: type, value: Any) -> str | None:
        if kind is str:
            return self._text_problem(value)
        if kind is int and not INT64_MIN <= value <= INT64_MAX:
            return "is an integer beyond 64 bits; use a float or a string"
        return self._size_problem(len(value)) if kind is bytes else None

    def _text_problem(self, text: str) -> str | None:
        if not text.isascii():
            try:
                return self._size_problem(len(text.encode()))
            except UnicodeEncodeError:
                return "is text with a lone surrogate, which cannot be encoded"
        return self._size_problem(len(text))

    def _size_problem(self, size: int) -> str | None:
        self.bytes += size
        return f"takes more than {self.max_bytes} bytes" if self.bytes > self.max_bytes else None

    def _count(self, more: int, depth: int) -> str | None:
        if depth >= self.max_depth:
            return f"is nested deeper than {self.max_depth}, or contains itself"
        self.nodes += more
        return f"holds more than {self.max_nodes} values" if self.nodes > self.max_nodes else None

    def _sequence_problem(self, values: Sequence[object], depth: int) -> str | None:
        problem = self._count(len(values), depth)
        if problem is not None:
            return problem
        for index, item in enumerate(values):
            kind = type(item)
            if kind is float or kind is bool or item is None:
                continue
            problem = self._scalar_problem(kind, item) if kind in _SCALARS else self.problem(item, depth + 1)
            if problem is not None:
                self.path.append(f"[{index}]")
                return problem
        return None

    def _mapping_problem(self, mapping: dict[object, object], depth: int) -> str | None:
        problem = self._count(2 * len(mapping), depth)
        if problem is not None:
            return problem
        size = 0
        for key, item in mapping.items():
            if type(key) is not str:
                return f"has a key of type {type(key).__name__[:60]}; keys must be strings: use str(key)"
            if key.isascii():
                size += len(key)
            else:
                problem = self._text_problem(key)
                if problem is not None:
                    return f"has a key that {problem}"
            # The commonest kinds here, without a call each.
            kind = type(item)
            if kind is str and item.isascii():  # type: ignore[attr-defined]
                size += len(item)  # type: ignore[arg-type]
                continue
            if kind is float or kind is bool or item is None or (kind is int and _SMALL_MIN < item < _SMALL_MAX):  # type: ignore[operator]
                continue
            problem = self._scalar_problem(kind, item) if kind in _SCALARS else self.problem(item, depth + 1)
            if problem is not None:
                self.path.append(f"[{_shown(key)}]")
                return problem
        return self._size_problem(size)


_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})
_NUMBERS = frozenset({int, float, bool, type(None)})
_UNSIGNED = 0xCF
"""Begins a large integer in msgpack, which may be one beyond int64; as a byte of text it does no harm but to take the longer way."""
_SMALL_MIN, _SMALL_MAX = -(1 << 31), 1 << 31
_FEW, _SHORT = 30, 1000
_MAPPINGS = frozenset({dict, defaultdict, Counter, OrderedDict})


def _instead(value: object) -> str:
    """Say what to write in place of a value that is not plain data, by its class: no code of the value is called."""
    kind = type(value)
    for classes, advice in _ADVICE:
        if issubclass(kind, classes):
            return f"; {advice}"
    if hasattr(kind, "__dataclass_fields__"):
        return "; use asdict(…) of dataclasses"
    if "__next__" in dir(kind) or kind.__name__ in _VIEWS:
        return "; use list(…)"
    return '; give what you need of it, such as {"name": value.name}'


_VIEWS = frozenset({"dict_keys", "dict_values", "dict_items", "deque", "range"})
_ADVICE: tuple[tuple[Any, str], ...] = (
    ((set, frozenset), "use sorted(…) to make it a list"),
    (complex, "give its real and imaginary parts"),
    (enum.Enum, "use its .value or .name"),
    ((datetime.date, datetime.time), "use .isoformat()"),
    (datetime.timedelta, "use .total_seconds()"),
    ((decimal.Decimal, fractions.Fraction), "use float(…) or str(…)"),
    (uuid.UUID, "use str(…)"),
    (bytearray, "use bytes(…)"),
    (BaseException, "use str(…)"),
    ((types.FunctionType, types.BuiltinFunctionType, types.MethodType), "call it: write () after its name"),
    (type, "make an object of it, and give what you need of that"),
    (re.Match, "use .group()"),
    ((str, int, float), "give the plain value: str(…), int(…) or float(…)"),
    (dict, "use dict(…)"),
    ((list, tuple), "use list(…)"),
)


def _shown(key: str) -> str:
    text = key if len(key) <= 40 else key[:40] + "…"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def scan_value(  # noqa: C901 - one loop over the table of the format is quicker, and no harder to read, than its parts
    data: bytes,
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
) -> None:
    """Walk over msgpack bytes without building anything. Raises ValueProblem unless they are one plain value in bounds."""
    end = len(data)
    if end > max_bytes:
        raise ValueProblem("value", f"takes {end} bytes, over the limit of {max_bytes}")
    position = nodes = 0
    # What is still to come at each level: keys and values of a mapping count apart, an odd rest means a value is next.
    open_maps: list[bool] = [False]
    rest: list[int] = [1]
    while rest:
        left = rest[-1]
        if left == 0:
            rest.pop()
            open_maps.pop()
            continue
        rest[-1] = left - 1
        nodes += 1
        if nodes > max_nodes:
            raise ValueProblem("value", f"holds more than {max_nodes} values")
        if position >= end:
            raise ValueProblem("value", "ends too early")
        head = data[position]
        position += 1
        is_key = open_maps[-1] and left & 1 == 0
        if 0xA0 <= head <= 0xBF:
            position += head & 0x1F
            continue
        if is_key and not 0xD9 <= head <= 0xDB:
            raise ValueProblem("value", "has a key that is not a string")
        if head <= 0x7F or head >= 0xE0 or head in _SINGLE:
            continue
        if head <= 0x8F:
            count, is_map = head & 0x0F, True
        elif head <= 0x9F:
            count, is_map = head & 0x0F, False
        elif head in _FIXED:
            if head == 0xCF and position < end and data[position] & 0x80:
                raise ValueProblem("value", "has an integer beyond 64 bits")
            position += _FIXED[head]
            continue
        elif head in _SIZED:
            width, code = _SIZED[head]
            if position + width > end:
                raise ValueProblem("value", "ends too early")
            position += width + struct.unpack_from(code, data, position)[0]
            continue
        elif head in _COUNTED:
            width, code = _COUNTED[head]
            if position + width > end:
                raise ValueProblem("value", "ends too early")
            count, is_map = struct.unpack_from(code, data, position)[0], head >= 0xDE
            position += width
        else:
            raise ValueProblem("value", f"has a byte 0x{head:02x} that is not plain data")
        if len(rest) > max_depth:
            raise ValueProblem("value", f"is nested deeper than {max_depth}")
        if count > end - position:
            raise ValueProblem("value", "ends too early")
        rest.append(count * 2 if is_map else count)
        open_maps.append(is_map)
    if position != end:
        raise ValueProblem("value", "ends too early" if position > end else "has bytes after its end")


_SINGLE = frozenset({0xC0, 0xC2, 0xC3})
_FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_SIZED = {0xC4: (1, ">B"), 0xC5: (2, ">H"), 0xC6: (4, ">I"), 0xD9: (1, ">B"), 0xDA: (2, ">H"), 0xDB: (4, ">I")}
_COUNTED = {0xDC: (2, ">H"), 0xDD: (4, ">I"), 0xDE: (2, ">H"), 0xDF: (4, ">I")}
