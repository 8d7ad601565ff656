"""Stubs (`.pyi`) for a folder's Python scripts: the names that a script finds, with their types, for type checkers and editors."""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripting.client import folder as folders
from scripting.client.folder import FolderWrong
from scripting.client.server import Server
from scripting.supervisor.offered import offered

TOPICS = Path(".goby") / "topics.json"
STUB = Path("__builtins__.pyi")
"""Pyright, and with it VS Code, takes the names of this file as known in every file of the project whose root it lies in."""
SCHEMAS = Path(".goby") / "schemas"
PLAIN = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "null": "None"}
KNOWN = {"int", "float", "str", "bool", "bytes", "dict", "list", "tuple", "None", "Any", "Literal", "datetime"}
WHOLE = {"dict": "dict[str, Any]", "list": "list[Any]", "tuple": "tuple[Any, ...]"}
HEAD = """# Names that scripts find, for pyright and editors. Written by `goby stubs`: do not change it.
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict
"""


def write(folder: Path, server: Server | None, script: str = "") -> list[Path]:
    """Write the stub and a JSON Schema for each topic: the files. Asks the server, or takes what the last pull said.

    With `script` (`module/name`) the inputs are those of that script alone; else those of all. Raises FolderWrong, ServerRefused.
    """
    if server is not None:
        remember(folder, server)
    namespaces, topics = folders.namespace_of(folder), topics_of(folder)
    if not namespaces or not topics:
        raise FolderWrong(f"nothing is known of the modules in {folder}: name the server, or pull first")
    folders.write(folder / STUB, text_of(namespaces, topics, script))
    written = [folder / STUB]
    for topic in topics:
        path = folder / SCHEMAS / f"{topic['name']}.json"
        folders.write(path, json.dumps({"$id": topic["name"], **topic["schema"]}, indent=1) + "\n")
        written.append(path)
    return written


def remember(folder: Path, server: Server) -> None:
    """Keep what the server says of its modules and topics. Raises ServerRefused."""
    folders.write(folder / folders.NAMESPACE, json.dumps(server.get("namespace"), indent=1) + "\n")
    folders.write(folder / TOPICS, json.dumps(server.get("topics"), indent=1) + "\n")


def topics_of(folder: Path) -> list[dict[str, Any]]:
    """The topics as the last pull told them; empty where none did. Raises FolderWrong."""
    try:
        found = json.loads((folder / TOPICS).read_bytes())
        return [each for each in found if re.fullmatch(r"[a-z0-9_.]{1,128}", each["name"])]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        raise FolderWrong(f"{folder / TOPICS} is damaged: delete it, then pull") from None


def text_of(namespaces: Mapping[str, Any], topics: Iterable[Mapping[str, Any]], script: str = "") -> str:
    """The stub."""
    module, _, name = script.partition("/")
    heard = _heard(namespaces, module, name)
    if script and not heard:
        raise FolderWrong(f"no event runs {script}, so nothing is known of its inputs")
    wanted = [topic for topic in topics if not script or topic["name"] in heard]
    parts = [HEAD, *_messages(wanted)]
    functions = [each for own in namespaces if not module or own == module for each in namespaces[own]["functions"]]
    parts += [_function(each["name"], each["signature"], each["doc"]) for each in functions]
    parts += [_function(*_described(each), each["doc"]) for each in offered()["functions"]]
    return "\n".join(parts) + "\n"


def _heard(namespaces: Mapping[str, Any], module: str, name: str) -> set[str]:
    """The topics that the script runs on; without a script nothing is asked."""
    runs = namespaces.get(module, {}).get("runs", {}).get(name, [])
    return {each[0] for each in runs}


def _messages(topics: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Types of each topic's payload and message, then the variables that every run on an event begins with."""
    names = []
    for topic in topics:
        base = _class_name(topic["name"])
        schema = topic["schema"]
        definitions = {key: f"{base}{_class_name(key)}" for key in schema.get("$defs", {})}
        for key, part in schema.get("$defs", {}).items():
            yield _typed_dict(definitions[key], part, definitions)
        yield f"{base}Payload = {_type(schema, definitions)}"
        fields = f'{{"topic": Literal[{topic["name"]!r}], "user_id": str, "payload": {base}Payload, "metadata": dict[str, Any]}}'
        yield f'{base}Message = TypedDict("{base}Message", {fields})'
        names.append(f"{base}Message")
    yield f"message: {' | '.join(names) or 'dict[str, Any]'}"
    yield "http_request: dict[str, Any]"
    for variable in ("topic", "module", "event_id", "endpoint", "message_topic", "message_user_id", "message_payload", "http_method", "http_path", "http_body"):  # fmt: skip
        yield f"{variable}: str"
    yield "result: Any"


def _typed_dict(name: str, schema: Mapping[str, Any], definitions: Mapping[str, str]) -> str:
    if "properties" not in schema:
        return f"{name} = {_type(schema, definitions)}"
    required = set(schema.get("required", ()))
    fields = []
    for key, part in schema["properties"].items():
        kind = _type(part, definitions)
        always = key in required or "default" in part  # a payload that was taken has its defaults
        fields.append(f"{key!r}: {kind if always else f'NotRequired[{kind}]'}")
    return f'{name} = TypedDict("{name}", {{{", ".join(fields)}}})'


def _type(schema: Mapping[str, Any], definitions: Mapping[str, str]) -> str:
    if "$ref" in schema:
        return definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], "Any")
    if "enum" in schema:
        return f"Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(option, definitions) for option in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema['items'], definitions) if schema.get('items') else 'Any'}]"
    if kind == "object":
        more = schema.get("additionalProperties")
        return f"dict[str, {_type(more, definitions) if isinstance(more, dict) and more else 'Any'}]"
    return PLAIN.get(str(kind), "Any")


def _class_name(name: str) -> str:
    """`tavern.order` → `TavernOrder`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name)) or "Unnamed"


# -- functions -----------------------------------------------------------------------------------------------------------


class _Plain(ast.NodeTransformer):
    """Leaves of an annotation the names that a stub knows; every other type is Any."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        whole = WHOLE.get(node.id, node.id if node.id in KNOWN else "Any")
        return ast.parse(whole, mode="eval").body

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if not isinstance(node.value, ast.Name) or node.value.id not in KNOWN:
            return ast.Name("Any")
        if node.value.id != "Literal":
            node.slice = self.visit(node.slice)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Name("Any")

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name("Any")

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        try:
            found: ast.expr = self.visit(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return ast.Name("Any")
        return found


def _function(name: str, signature: str, doc: str) -> str:
    """A declaration; of a signature that cannot be read, one that takes anything."""
    if not name.isidentifier() or keyword.iskeyword(name):
        return ""
    try:
        [made] = ast.parse(f"def {name}{signature}: ...").body
        assert isinstance(made, ast.FunctionDef)
    except (SyntaxError, ValueError, AssertionError):
        return f"def {name}(*arguments: Any, **named: Any) -> Any: ..."
    arguments = made.args
    for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        each.annotation = _Plain().visit(each.annotation) if each.annotation else ast.Name("Any")
    arguments.defaults = [ast.Constant(...) for _ in arguments.defaults]
    arguments.kw_defaults = [ast.Constant(...) if each else None for each in arguments.kw_defaults]
    made.returns = _Plain().visit(made.returns) if made.returns else ast.Name("Any")
    made.body = [ast.Expr(ast.Constant(doc))] if doc else [ast.Expr(ast.Constant(...))]
    return ast.unparse(ast.fix_missing_locations(made))


def _described(function: Mapping[str, Any]) -> tuple[str, str]:
    """Name and signature: `log(text)` → `log`, `(text)`."""
    name: str = function["name"]
    return name, str(function["signature"]).removeprefix(name)
