"""The fields of a topic's events, as rows for people: a field, its kind, its meaning, its value in an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripting.modules.topics import Topic
from scripting.texts.escaping import one_line
from scripting.texts.plain_json import jsonable

DEEPEST = 3
"""Objects inside one another whose fields are listed."""
LONGEST = 80
KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "yes or no",
    "array": "list",
    "object": "group",
}


@dataclass(frozen=True)
class Field:
    """One field. `name` is how a condition names it, too."""

    name: str
    kind: str
    words: str
    value: str
    is_optional: bool
    depth: int

    @property
    def is_comparable(self) -> bool:
        """Whether a condition can compare it with the value shown."""
        return self.kind in ("text", "number", "whole number") and bool(self.value)


def fields_of(topic: Topic, payload: Mapping[str, Any]) -> list[Field]:
    """The fields of the topic's events, those of groups below them, with their values in this payload."""
    schema = topic.json_schema()
    return list(_rows(schema, schema, payload, "", 0))


def _rows(shape: Mapping[str, Any], schema: Mapping[str, Any], value: Any, prefix: str, depth: int) -> Iterator[Field]:
    [first, *_] = [each for each in _alternatives(shape, schema) if each.get("type") != "null"] or [{}]
    required = set(first.get("required", ()))
    for name, inner in first.get("properties", {}).items():
        inside = value.get(name) if isinstance(value, Mapping) else None
        forms = list(_alternatives(inner, schema))
        kinds = dict.fromkeys(_kind(form, schema) for form in forms if form.get("type") != "null")
        if len(kinds) > 1:
            kinds.pop("whole number", None)
        yield Field(
            prefix + name,
            " or ".join(kinds) or "anything",
            _meaning(inner) or next((_meaning(form) for form in forms if _meaning(form)), ""),
            "" if _is_group(forms) and inside is not None else _shown(inside),
            name not in required,
            depth,
        )
        if depth + 1 < DEEPEST and _is_group(forms):
            yield from _rows(inner, schema, inside, f"{prefix}{name}.", depth + 1)


def _alternatives(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in shape:
        yield from _alternatives(schema["$defs"][shape["$ref"].rpartition("/")[2]], schema)
    elif "anyOf" in shape:
        for one in shape["anyOf"]:
            yield from _alternatives(one, schema)
    else:
        yield shape


def _kind(form: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    given = form.get("type")
    if given == "array":
        inner = dict.fromkeys(_kind(each, schema) for each in _alternatives(form.get("items", {}), schema))
        return f"list of {'s or '.join(inner)}s" if inner.keys() - {"anything"} else "list"
    return KINDS.get(str(given), "anything")


def _is_group(forms: list[Mapping[str, Any]]) -> bool:
    return any(form.get("properties") for form in forms)


def _meaning(shape: Mapping[str, Any]) -> str:
    return str(shape.get("description", ""))


def _shown(value: Any) -> str:
    return "" if value is None else one_line(json.dumps(jsonable(value), ensure_ascii=False), LONGEST)
