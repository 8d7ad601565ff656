"""Bodies of requests and answers: JSON as every door of this site reads and writes it."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from scripting.texts.plain_json import from_json, jsonable


def read(body: bytes) -> Any:
    """Plain data: int64 exact, `$bytes` and `$float` as plain_json writes them. Raises ValueError, RecursionError."""
    return json.loads(body, object_hook=from_json, parse_float=_finite, parse_constant=_no_constant)


def written(data: Any) -> str:
    """Plain data as JSON without loss."""
    return json.dumps(jsonable(data), default=_text, ensure_ascii=False)


def _text(value: Any) -> str:
    """Times as RFC 3339 has them; else as everywhere, which is right for UUIDs."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is too large for a decimal number")
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")
