"""Helpers that import each other in a circle: none of them could be run first."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from scripting.sandbox.policy.helper_uses import outermost
from scripting.sandbox.policy.imports import HELPER_MODULE


def circle(helpers: Mapping[str, ast.Module | None]) -> tuple[list[str], int] | None:
    """The names of the first circle, from its first name in the alphabet on, and the line of the import that closes it there.

    Imports inside functions count not: they are carried out later.
    """
    imports = {name: dict(_imported(tree)) if tree else {} for name, tree in helpers.items()}
    for start in sorted(helpers):
        paths = [[start]]
        seen = {start}
        while paths:
            path = paths.pop(0)
            for name in sorted(imports.get(path[-1], ())):
                if name == start:
                    return path, imports[start][path[1] if len(path) > 1 else start]
                if name not in seen:
                    seen.add(name)
                    paths.append([*path, name])
    return None


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each helper that is imported when the text begins to run, with its line."""
    for node in outermost(tree):
        match node:
            case ast.ImportFrom(module=module, names=aliases) if module == HELPER_MODULE:
                yield from ((alias.name, node.lineno) for alias in aliases)
            case ast.ImportFrom(module=str(module)) if module.startswith(f"{HELPER_MODULE}."):
                yield module.partition(".")[2], node.lineno
            case ast.Import(names=aliases):
                for alias in aliases:
                    root, _, helper = alias.name.partition(".")
                    if root == HELPER_MODULE and helper:
                        yield helper, node.lineno
