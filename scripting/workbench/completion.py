"""The names that a script sees, with what they are: for completion and hover help.

Generated from what the sandbox, the module and the topics themselves say, so that it cannot drift from what runs.
"""

from __future__ import annotations

from typing import Any

from scripting.models import Script
from scripting.modules.installed import limits_for, modules
from scripting.modules.scriptable import ScriptableModule
from scripting.supervisor.offered import offered, plain_signature
from scripting.texts.escaping import display
from scripting.texts.schema_fields import EXAMPLE, fields_of
from scripting.workbench import inputs


def namespace(script: Script, language: str) -> dict[str, Any]:
    """Names of this script, written in `language`, by kind; `fields` are the payload's, by their path."""
    names = offered()
    module = modules.get(script.module)
    limits = limits_for(script.module, **script.limit_changes())
    own = names["languages"].get(language)
    packages = {name: names["packages"].get(name, []) for name in limits.allowed_packages}
    return {
        "functions": [*names["functions"], *module_functions(module)],
        "builtins": own["builtins"] if own else names["builtins"],
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


def type_name(value: Any) -> str:
    return "None" if value is None else type(value).__name__
