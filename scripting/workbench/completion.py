"""The names that a script sees, with what they are: for completion and hover help.

Generated from what the sandbox, the module and the topics themselves say, so that it cannot drift from what runs.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from typing import Any

from scripting.models import Script
from scripting.modules.installed import limits_for, modules
from scripting.modules.scriptable import ScriptableModule
from scripting.texts.escaping import display
from scripting.workbench import inputs

EXAMPLE = 120
"""Characters of an example, which comes as text: a browser's numbers are not exact."""
DESCRIBE = (sys.executable, "-s", "-P", "-m", "scripting.sandbox.describe")
DESCRIBE_SECONDS = 30


@functools.cache
def sandbox_description() -> dict[str, Any]:
    """Names that every script may use, from a process that loads the sandbox's own tables; asked once."""
    said = subprocess.run(
        DESCRIBE, env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True, timeout=DESCRIBE_SECONDS
    )
    description: dict[str, Any] = json.loads(said.stdout)
    for entry in [*description["builtins"], *(one for listed in description["packages"].values() for one in listed)]:
        entry["signature"] = plain_signature(entry["signature"])
    return description


def namespace(script: Script, language: str) -> dict[str, Any]:
    """Names of this script, written in `language`, by kind; `fields` are the payload's, by their path."""
    offered = sandbox_description()
    module = modules.get(script.module)
    limits = limits_for(script.module, **script.limit_changes())
    own = offered["languages"].get(language)
    packages = {name: offered["packages"].get(name, []) for name in limits.allowed_packages}
    return {
        "functions": [*offered["functions"], *module_functions(module)],
        "builtins": own["builtins"] if own else offered["builtins"],
        "packages": own["packages"] if own else packages,
        "context": context_variables(script),
        "fields": payload_fields(script),
        "limits": {
            "seconds": limits.max_execution_time,
            "memory_bytes": limits.max_memory_bytes,
            "source_bytes": limits.max_source_bytes,
        },
    }


def module_functions(module: ScriptableModule | None) -> list[dict[str, str]]:
    if module is None:
        return []
    return [
        {
            "name": f.name,
            "kind": f.kind,
            "signature": plain_signature(f.name + f.signature),
            "doc": f.doc,
            "module": module.name,
        }
        for f in module.functions.values()
    ]


def plain_signature(text: str) -> str:
    """A signature without the quotes that postponed annotations are printed in."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


def context_variables(script: Script) -> list[dict[str, Any]]:
    """The variables that a run begins with, taken from an example of each of its inputs."""
    found: dict[str, dict[str, Any]] = {}
    for source in inputs.sources(script):
        for name, value in inputs.example_context(script, source).items():
            entry = found.setdefault(
                name,
                {"name": name, "type": type_name(value), "example": display(value, EXAMPLE), "when": [], "parts": {}},
            )
            entry["when"].append(source.label)
            for part, inner in value.items() if isinstance(value, dict) else ():
                shown = {"name": part, "type": type_name(inner), "example": display(inner, EXAMPLE), "doc": ""}
                entry["parts"].setdefault(part, shown)
    return [found[name] for name in sorted(found)]


def payload_fields(script: Script) -> list[dict[str, Any]]:
    """Every field of the payloads of the script's topics and of the bodies of its endpoints: path, type, what it means, an example.

    `root` are the names that lead to the payload from the context.
    """
    found: list[dict[str, Any]] = []
    for source in inputs.sources(script):
        root, schema = (
            ["message", "payload"] if source.topic else ["http_request", "body"],
            inputs.schema_of(script, source),
        )
        if schema is not None:
            example = inputs.example_payload(script, source)
            fields = fields_of(schema, schema.get("$defs", {}), source.label, (), example)
            found += [field | {"root": root} for field in fields]
    return found


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


def type_name(value: Any) -> str:
    return "None" if value is None else type(value).__name__
