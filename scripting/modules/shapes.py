"""Schemas as the check of a script needs them: which fields a value has, out of the JSON schema of a struct."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from scripting.sandbox.protocol import Shape

MAX_DEPTH = 6
"""Structs inside one another; of what lies deeper nothing is known, as in a struct that contains itself."""

PLAIN = (Shape(),)
ANYTHING: tuple[Shape, ...] = ()


@functools.lru_cache(maxsize=256)
def shapes_of(schema: type[msgspec.Struct], name: str = "") -> tuple[Shape, ...]:
    """A value that fits the struct; `name` is what messages call it, in place of the struct's own."""
    document = msgspec.json.schema(schema)
    found = _shapes(document, document.get("$defs", {}), MAX_DEPTH)
    if not name:
        return found
    return tuple(Shape(name, one.fields, one.items, one.is_open) for one in found)


def _shapes(part: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> tuple[Shape, ...]:
    if depth == 0:
        return ANYTHING
    if "$ref" in part:
        return _shapes(definitions.get(part["$ref"].rsplit("/", 1)[-1], {}), definitions, depth)
    if "anyOf" in part:
        every = [_shapes(option, definitions, depth) for option in part["anyOf"]]
        return tuple(shape for shapes in every for shape in shapes) if all(every) else ANYTHING
    if "properties" in part:
        inner = {name: _shapes(field, definitions, depth - 1) for name, field in part["properties"].items()}
        return (Shape(part.get("title", ""), inner),)
    if part.get("type") == "array":
        items = part.get("items")
        inside = _shapes(items, definitions, depth - 1) if isinstance(items, dict) else ANYTHING
        return (Shape(items=inside),) if "prefixItems" not in part else ANYTHING
    kinds = part.get("type")
    if kinds == "object" or (kinds is None and "enum" not in part and "const" not in part):
        return ANYTHING
    return PLAIN
