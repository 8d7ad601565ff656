"""There is one way by which a version becomes active, and the gate stands in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("scripting", "goby_site", "wargame")
WORDS = r"active_version|Activation\b"
"""One of them stands wherever a version can be made active: see `activates`."""
ONE_WAY = {("scripting/registry/activating.py", "_move")}


def functions(word: str) -> Iterator[tuple[str, str, ast.AST]]:
    """(file, function, node) of every function that runs in the project, in the files that have the word somewhere."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts or (package == "wargame" and "scripts" in path.parts):
                continue
            text = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(text)) if re.search(word, text) else ():
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield path.relative_to(ROOT).as_posix(), node.name, node


def activates(node: ast.AST) -> bool:
    """Whether it sets a script's active version or writes an activation: by attribute, by name in an update, or by a new row."""
    match node:
        case ast.Assign(targets=targets):
            return any(isinstance(each, ast.Attribute) and each.attr.startswith("active_version") for each in targets)
        case ast.Call(
            func=ast.Attribute(attr="update" | "create" | "get_or_create" | "update_or_create" | "bulk_create"),
            keywords=keywords,
        ):
            names = {keyword.arg for keyword in keywords}
            return bool(names & {"active_version", "active_version_id"}) or bool(
                re.search(r"\bActivation\.objects", ast.unparse(node.func))
            )
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), *_]):
            return name.startswith("active_version")
        case ast.Call(func=ast.Attribute(attr="bulk_update"), args=[_, *names]):
            return "active_version" in ast.unparse(ast.List(elts=names))
    return False


def calls(node: ast.AST, name: str) -> bool:
    func = node.func if isinstance(node, ast.Call) else None
    return getattr(func, "id", getattr(func, "attr", "")) == name


def test_only_one_function_makes_a_version_active() -> None:
    found = {(file, name) for file, name, function in functions(WORDS) if any(map(activates, ast.walk(function)))}
    assert found == ONE_WAY


def test_only_activate_together_calls_it_once_the_gate_let_the_moves_through() -> None:
    [file] = {file for file, _ in ONE_WAY}
    here = {name: function for path, name, function in functions("_move") if path == file}
    [caller] = [name for name, function in here.items() if any(calls(node, "_move") for node in ast.walk(function))]
    assert caller == "activate_together"
    nodes = list(ast.walk(here[caller]))
    [gate] = [node.lineno for node in nodes if calls(node, "pass_gate")]  # type: ignore[attr-defined]
    [move] = [node.lineno for node in nodes if calls(node, "_move")]  # type: ignore[attr-defined]
    assert gate < move
