"""Find the names that a script uses of helpers imported as a whole: `from shared import dice`, then `dice.roll(6)`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping

from scripting.sandbox.policy.imports import HELPER_MODULE, some
from scripting.sandbox.policy.transformer import bound_by
from scripting.sandbox.policy.tree import children, walk


def offered_by(tree: ast.Module) -> frozenset[str]:
    """The names that a helper binds at its outermost level, where alone importers see them."""
    found = {name for node in outermost(tree) for name in bound_by(node) if name}
    inner = (node for node in walk(tree) if isinstance(node, ast.Global))
    return frozenset(found.union(*(node.names for node in inner)))


def lacking(
    tree: ast.Module, helpers: Mapping[str, Collection[str] | None]
) -> Iterator[tuple[ast.Attribute, str, str]]:
    """Each attribute of a helper that the helper does not offer, with what to say about it and what it offers.

    Only of names that nothing else in the script binds, so that what is refused would fail in every run that gets there.
    """
    names = _names_of_helpers(tree)
    if not names:
        return
    for node in walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        helper = _helper(node.value, names)
        offered = helpers.get(helper) if helper else None
        if helper and offered is not None and node.attr not in offered and not node.attr.startswith("_"):
            yield (
                node,
                f'"{HELPER_MODULE}.{helper[:60]}" does not offer "{node.attr[:60]}"',
                f"it offers {some(offered)}",
            )


def _names_of_helpers(tree: ast.Module) -> dict[str, str]:
    """Name to the helper that it stands for; the name `shared` itself to the empty text."""
    found: dict[str, str] = {}
    others: set[str] = set()
    for node in walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=aliases) if module == HELPER_MODULE:
                given = [(alias.asname or alias.name, alias.name) for alias in aliases]
            case ast.Import(names=aliases):
                given = [pair for alias in aliases if (pair := _imported(alias)) is not None]
                others.update(a.asname or a.name.partition(".")[0] for a in aliases if _imported(a) is None)
            case ast.ImportFrom(names=aliases):
                others.update(alias.asname or alias.name for alias in aliases)
                continue
            case ast.alias():
                continue
            case _:
                others.update(name for name in bound_by(node) if name)
                continue
        for name, helper in given:
            if found.setdefault(name, helper) != helper:
                others.add(name)
    return {name: helper for name, helper in found.items() if name not in others}


def _imported(alias: ast.alias) -> tuple[str, str] | None:
    """Names that `import shared.dice [as d]` binds."""
    root, _, helper = alias.name.partition(".")
    if root != HELPER_MODULE:
        return None
    return (alias.asname, helper) if alias.asname else (root, "")


def _helper(value: ast.expr, names: Mapping[str, str]) -> str:
    """The helper that an expression stands for; empty for any other."""
    if isinstance(value, ast.Name):
        return names.get(value.id, "")
    is_shared = isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id in names
    if is_shared and names[value.value.id] == "":  # type: ignore[attr-defined] # narrowed just above
        return str(value.attr)  # type: ignore[attr-defined]
    return ""


def outermost(tree: ast.Module) -> Iterable[ast.AST]:
    """Every node but those inside functions, classes and comprehensions, which have names of their own."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        if isinstance(node, inner):
            continue
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            waiting += [each for each in walk(node) if isinstance(each, ast.NamedExpr)]
            continue
        waiting += children(node)
