"""Warnings of a check: names that nothing defines, names read before they have a value, a `result` that is never assigned."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from scripting.sandbox.advice import for_name
from scripting.sandbox.library.builtins import BUILTIN_NAMES
from scripting.sandbox.library.packages import PACKAGES
from scripting.sandbox.lint.finding import LanguageWarning, nothing_defines, warning_at
from scripting.sandbox.lint.scopes import Binding, Place, Scope, Scopes
from scripting.sandbox.lint.sure import Sure
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.names import REFUSED_BUILTINS


def names(scopes: Scopes, sure: Sure, around: Surroundings) -> Iterator[LanguageWarning]:
    """One warning for each name that goes wrong."""
    if scopes.has_star:
        return
    everywhere = BUILTIN_NAMES | around.called | REFUSED_BUILTINS.keys()
    yield from _undefined(scopes, sure, around, everywhere)
    yield from _too_early(scopes, sure, around, everywhere | around.context)


def _undefined(
    scopes: Scopes, sure: Sure, around: Surroundings, everywhere: Collection[str]
) -> Iterator[LanguageWarning]:
    found: dict[str, list[ast.Name]] = {}
    partly: dict[str, ast.Name] = {}
    for node, scope in scopes.reads:
        name = node.id
        if name in everywhere or name.startswith(("__", "$")) or scope.find(name) is not None:
            continue
        if name not in around.context:
            found.setdefault(name, []).append(node)
        elif around.inputs and around.lacking(name) and node in sure.always:
            partly.setdefault(name, node)
    bound = {name for scope in scopes.of.values() for name in scope.bindings}
    known = {*everywhere, *around.context, *scopes.top.bindings}
    for name, nodes in found.items():
        nodes.sort(key=lambda node: (node not in sure.always, node.lineno, node.col_offset))
        node = nodes[0]
        certain = node in sure.always and (around.knows_context or (not around.is_script and bool(around.functions)))
        yield warning_at(node, nothing_defines(name, around), _meant(name, around, known, bound), certain=certain)
    for name, node in partly.items():
        labels = around.lacking(name)
        hint = f'write get_context().get("{name}"): that is None where it does not come'
        yield warning_at(node, f'a run on {labels[0]} does not bring "{name}": it fails there', hint)


def _meant(name: str, around: Surroundings, known: Collection[str], bound: Collection[str]) -> str:
    """Guess what was meant by the name."""
    near = for_name(name, known, PACKAGES)
    if near.startswith("did you mean") or not near:
        way = around.way_to(name)
        if way:
            return f"the payload has it: write {way}"
        if not near and name in bound:
            return f'"{name[:60]}" belongs to a function: return it there, and use what the call gives'
    return near


def _too_early(
    scopes: Scopes, sure: Sure, around: Surroundings, everywhere: Collection[str]
) -> Iterator[LanguageWarning]:
    """Names that get their value only after they are read, in what runs from top to bottom."""
    firsts: dict[tuple[str, Scope], _First | None] = {}
    for node, scope in scopes.reads:
        name = node.id
        if name not in scope.bindings or scope.kind == "class" or name in scope.outside:
            continue
        if scope.kind == "module" and (name in everywhere or (around.is_script and not around.knows_context)):
            continue  # it may come with the context
        key = (name, scope)
        if key not in firsts:
            firsts[key] = _first(scope.bindings[name], scope)
        first = firsts[key]
        if first is None or not (first.only_steps or (first.after > _start(node) and node in sure.straight)):
            continue
        firsts[key] = None
        yield _early(node, scope, scopes, first, certain=node in sure.always)


class _First(NamedTuple):
    """When a name gets its first value."""

    after: Place
    only_steps: bool
    """Nothing but `name += 1` binds it."""


def _first(bindings: Sequence[Binding], scope: Scope) -> _First | None:
    """None where that cannot be told from the text."""
    for one in bindings:
        caught_or_deleted = one.by == "other" and isinstance(one.node, (ast.Name, ast.ExceptHandler))
        if one.scope is not scope or one.by == "parameter" or caught_or_deleted:
            return None
    return _First(min(one.after for one in bindings), all(one.by == "step" for one in bindings))


def _early(node: ast.Name, scope: Scope, scopes: Scopes, first: _First, *, certain: bool) -> LanguageWarning:
    name, (line, _) = node.id[:60], first.after
    if scope.kind == "function" and node.id in scopes.top.bindings:
        message = f'"{name}" has no value here: the function assigns it, so it is a name of its own'
        hint = f"write global {name} as the function's first line, or pass the value in and return it"
        return warning_at(node, message, hint, certain=certain)
    message = f'"{name}" has no value yet: it gets its first one in line {line}'
    hint = f"give {name} a value above" if line == node.lineno else f"move line {line} above this one"
    return warning_at(node, message, hint, certain=certain)


def _start(node: ast.Name) -> tuple[int, int]:
    return node.lineno, node.col_offset


# -- result ------------------------------------------------------------------------------------------------------------


def no_result(scopes: Scopes, around: Surroundings) -> Iterator[LanguageWarning]:
    """A script without a `result` gives nothing; a script that gives commands may mean that."""
    if not around.is_script or "result" in scopes.top.bindings or scopes.has_star:
        return
    commands = {name for name, function in around.functions.items() if function.kind == "effect"}
    certain = not any(node.id in commands for node, _ in scopes.reads)
    for scope in scopes.of.values():
        if scope.kind == "function" and "result" in scope.bindings:
            name = getattr(scope.node, "name", "")
            inside = f"inside {name}()" if name else "inside a function"
            message = (
                f"`result` is assigned only {inside}, where it is a name of the function's own: the run gives nothing"
            )
            hint = f"write return in {name}(), and result = {name}(…) at the end of the text, at the left margin"
            place = scope.bindings["result"][0].node
            if isinstance(place, (ast.expr, ast.stmt)) and name:
                yield warning_at(place, message, hint, certain=certain)
                return
    near = get_close_matches("result", [*scopes.top.bindings], 1, 0.8)
    hint = f'write result = …: "{near[0]}" is another name' if near else "assign result = …"
    yield LanguageWarning("`result` is never assigned: the run gives nothing", hint=hint, certain=certain)
