"""`goby stubs`: a type checker knows what a script may ask of its inputs and functions, and what it may not."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripting.client import stubs
from scripting.client.folder import FolderWrong

TOPICS: list[dict[str, Any]] = [
    {
        "name": "tavern.order",
        "schema": {
            "$ref": "#/$defs/Order",
            "$defs": {
                "Order": {
                    "type": "object",
                    "properties": {
                        "guest": {"$ref": "#/$defs/Guest"},
                        "beers": {"type": "integer", "default": 1},
                        "note-to-cook": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "class": {"enum": ["knave", "knight"]},
                    },
                    "required": ["guest", "class"],
                },
                "Guest": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            },
        },
    },
    {"name": "tavern.closing", "schema": {"type": "object", "additionalProperties": {"type": "number"}}},
]
NAMESPACES: dict[str, Any] = {
    "tavern": {
        "functions": [
            {"name": "price_of", "signature": "(beers: 'int', tip: 'float' = 0) -> 'int'", "doc": 'What """it""" costs.'},
            {"name": "call_guard", "signature": "(why: 'tavern.Reason', *, now: 'Clock | None' = <x>) -> 'None'", "doc": ""},
        ],
        "runs": {"barkeeper": [["tavern.order", {}]], "porter": [["tavern.closing", {}]]},
    }
}  # fmt: skip


def complaints(folder: Path, script: str) -> list[str]:
    """mypy's output for a script that knows the stub's names."""
    (folder / "names.pyi").write_text(stubs.text_of(NAMESPACES, TOPICS, "tavern/barkeeper"))
    (folder / "script.py").write_text(f"from names import *\n{script}")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-incremental", "script.py"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not ran.stderr, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.once
def test_a_type_checker_knows_fields_functions_and_what_is_neither(tmp_path: Path) -> None:
    good = "order = message['payload']\nlog(order['guest']['name'].upper())\nx: int = price_of(order['beers'], tip=0.5)\nwhen = now().year\n"
    bad = "message['payload']['guest']['nmae']\nprice_of('two')\norder['class'] == 'king'\norder['beers'].upper()\n"
    said = complaints(tmp_path, good + bad)
    assert [line.split(":")[1] for line in said if "error" in line] == ["6", "7", "8", "9"], said
    assert 'has no key "nmae"' in said[0]


def test_what_a_server_says_becomes_declarations_and_nothing_else() -> None:
    hostile: dict[str, Any] = {
        "tavern": {
            "functions": [
                {"name": "f", "signature": "(): ...\nimport os\ndef g()", "doc": ""},
                {"name": "import os", "signature": "()", "doc": ""},
                {"name": "h", "signature": "(x: '__import__(\"os\").system(\"x\")') -> 'int'", "doc": "'''\nimport os"},
            ],
            "runs": {},
        }
    }
    schema = {"type": "object", "properties": {"a'] import os": {"type": "string"}}}
    text = stubs.text_of(hostile, [{"name": "tavern.x", "schema": {"$ref": "#/$defs/X", "$defs": {"X": schema}}}])
    imports = [ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == ["from datetime import datetime", "from typing import Any, Literal, NotRequired, TypedDict"]
    assert "def h(x: Any) -> int" in text
    assert "def f(*arguments: Any, **named: Any) -> Any: ..." in text


def test_a_script_that_nothing_runs_has_no_inputs_to_tell() -> None:
    with pytest.raises(FolderWrong, match="no event runs tavern/cook"):
        stubs.text_of(NAMESPACES, TOPICS, "tavern/cook")
