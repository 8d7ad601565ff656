"""List the fields of a JSON schema for those who write scripts: path, type in their words, meaning, an example."""

from __future__ import annotations

from typing import Any

from scripting.texts.escaping import display

EXAMPLE = 120
"""Characters of an example, which comes as text: a browser's numbers are not exact."""


def fields_of(
    schema: dict[str, Any], definitions: dict[str, Any], topic: str, path: tuple[str, ...], example: Any
) -> list[dict[str, Any]]:
    """The fields of a JSON schema, those of nested objects too; lists stop at their items' fields."""
    found = []
    for name, part in resolved(schema, definitions).get("properties", {}).items():
        inner = resolved(part, definitions)
        value = example.get(name) if isinstance(example, dict) else None
        here = (*path, name)
        found.append(
            {
                "name": name,
                "path": ".".join(here),
                "topic": topic,
                "type": schema_type(part, definitions),
                "doc": part.get("description") or inner.get("description", ""),
                "example": display(next(iter(part.get("examples", [])), None) if value is None else value, EXAMPLE),
            }
        )
        item = inner.get("items")
        below = resolved(item, definitions) if isinstance(item, dict) else inner
        if len(here) < 4 and "properties" in below:
            first = value[0] if isinstance(value, list) and value else value
            found += fields_of(below, definitions, topic, here, first)
    return found


def resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names; of alternatives the one that is an object, else the first that is not null."""
    if "$ref" in schema:
        target: dict[str, Any] = definitions.get(schema["$ref"].rsplit("/", 1)[-1], {})
        return resolved(target, definitions)
    if "anyOf" in schema:
        some = [option for option in schema["anyOf"] if option.get("type") != "null"]
        chosen = next((o for o in some if "$ref" in o or "properties" in o), some[0] if some else {})
        return {**resolved(chosen, definitions), **{k: v for k, v in schema.items() if k == "description"}}
    return schema


def schema_type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON schema's type in the words of a script's author."""
    names = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "null": "None", "object": "dict"}
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(schema_type(option, definitions) for option in schema["anyOf"]))
    inner = resolved(schema, definitions)
    if inner.get("type") == "array":
        item = inner.get("items")
        return f"list of {schema_type(item, definitions)}" if isinstance(item, dict) and item else "list"
    return names.get(str(inner.get("type")), "dict" if "properties" in inner else "any")
