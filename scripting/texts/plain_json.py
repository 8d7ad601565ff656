"""Plain data, as scripts take and give it, written as JSON without loss: bytes and odd floats have a spelling of their own."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any


def jsonable(value: Any) -> Any:
    """Plain data as JSON can hold it: bytes as {"$bytes": base64}, NaN and infinities as {"$float": "nan"}."""
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case float() if not math.isfinite(value):
            return {"$float": repr(value)}
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [jsonable(item) for item in value]
    return value


def from_json(item: dict[str, Any]) -> Any:
    """The inverse, as `object_hook` of json.loads. Raises ValueError for a spelling that is none."""
    match item:
        case {"$bytes": str(text), **rest} if not rest:
            return base64.b64decode(text, validate=True)
        case {"$float": str(text), **rest} if not rest:
            return float(text)
    return item
