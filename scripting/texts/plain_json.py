"""Plain data, as scripts take and give it, written as JSON without loss: bytes and odd floats have a spelling of their own.

Data that looks like such a spelling is marked by one more `$`, so that neither is ever taken for the other.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SPELLING = re.compile(r"\$+(?:bytes|float)")
_ODD_FLOATS = {repr(value): value for value in (math.inf, -math.inf, math.nan)}


def jsonable(value: Any) -> Any:
    """Plain data as JSON can hold it: bytes as {"$bytes": base64}, NaN and infinities as {"$float": "nan"}."""
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case float() if not math.isfinite(value):
            return {"$float": repr(value)}
        case Mapping():
            return _mapping(value, jsonable)
        case list() | tuple():
            return [jsonable(item) for item in value]
    return value


def readable(value: Any) -> Any:
    """Plain data for people, who read NaN and Infinity as such: to be shown, not to be read back."""
    match value:
        case Mapping():
            return _mapping(value, readable)
        case list() | tuple():
            return [readable(item) for item in value]
        case float():
            return value
    return jsonable(value)


def _mapping(value: Mapping[Any, Any], inner: Any) -> dict[str, Any]:
    written = {str(key): inner(item) for key, item in value.items()}
    if len(written) == 1:
        (key,) = written
        if _SPELLING.fullmatch(key):
            return {f"${key}": written[key]}
    return written


def from_json(item: dict[str, Any]) -> Any:
    """The inverse, as `object_hook` of json.loads. What jsonable() does not write stays the data that it is."""
    if len(item) != 1:
        return item
    ((key, value),) = item.items()
    if key[:2] == "$$" and _SPELLING.fullmatch(key):
        return {key[1:]: value}
    if key == "$bytes" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return item
    if key == "$float" and isinstance(value, str):
        return _ODD_FLOATS.get(value, item)
    return item


def strict(text: str, made: Callable[[dict[str, Any]], Any] = lambda item: item) -> Any:
    """JSON that says one thing only: no name stands twice in an object, and every number is one. `made` of each object.

    Raises ValueError; where the text is no JSON, the JSONDecodeError tells the place.
    """

    def once(pairs: Sequence[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{json.dumps(twice)} stands twice in one object")
        return made(found)

    try:
        return json.loads(text, object_pairs_hook=once, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f'{text[:40]} is no number of JSON; write {{"$float": "inf"}}, "-inf" or "nan"')
    return value
