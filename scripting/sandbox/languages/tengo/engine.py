"""TengoEngine: Tengo v2 text to a Python module, and the names that the module needs at run."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scripting.sandbox.knobs.notation import NAME, Notation
from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.languages.names_ahead import NamesAhead
from scripting.sandbox.languages.tengo import catalog, nodes, runtime_names
from scripting.sandbox.languages.tengo.explain import explain
from scripting.sandbox.languages.tengo.kinds import Kinds
from scripting.sandbox.languages.tengo.lint import gives_commands, text_warnings
from scripting.sandbox.languages.tengo.lowering.build import Builder
from scripting.sandbox.languages.tengo.lowering.statements import Statements
from scripting.sandbox.languages.tengo.parser import parse
from scripting.sandbox.languages.tengo.plain_results import offered
from scripting.sandbox.languages.tengo.resolver import Meaning, resolve
from scripting.sandbox.languages.tengo.runtime import moments
from scripting.sandbox.languages.tengo.scanner import Places, Token, scan
from scripting.sandbox.lint.finding import LanguageWarning
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.context_names import CONTEXT_NAMES
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.sandbox.policy.names import REFUSED_BUILTINS
from scripting.sandbox.policy.refusal import Refusal

_RECURSION = 12_000
"""Frames that reading a text may take: each level of nesting takes about ten."""
_FRAMES = 1_060
"""As many calls inside one another as the original's machine has frames, with room for the runner's own."""
_LEXEME = re.compile(
    r"""(?P<comment>//[^\n]*)|(?P<block>/\*.*?(?:\*/|\Z))|(?P<text>"(?:[^"\\\n]|\\[^\n])*"?|`[^`]*`?|'(?:[^'\\\n]|\\[^\n])*'?)""",
    re.DOTALL,
)
_CONSTANT = re.compile(NAME + r"[ \t]*:=[ \t]*(?P<value>[^;]*?)[ \t]*;?")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class TengoEngine(LanguageEngine):
    """The second language: the scripts of the original framework run as they are."""

    reserved = ()

    def __init__(self) -> None:
        self._names = NamesAhead(_names)
        self._meanings: dict[int, tuple[Meaning, Places]] = {}
        self._tokens: tuple[str, list[Token]] = ("", [])
        """Of the text whose bounds were checked last: it is read next."""
        moments.load_zones()

    def check_bounds(self, source: str, max_nesting: int) -> None:
        places = Places(source)
        depth = 0
        tokens = scan(source, places)
        self._tokens = source, tokens
        for token in tokens:
            if token.kind in _OPEN:
                depth += 1
                if depth > max_nesting:
                    hint = "split it over several statements or functions"
                    message = f"brackets or blocks are nested deeper than {max_nesting}"
                    places.refuse(message, token.start, kind="compilation", hint=hint)
            elif token.kind in _CLOSE:
                depth = max(0, depth - 1)

    def parse(self, source: str, name: str) -> ast.Module:
        is_helper = name.startswith(HELPER_MODULE + "/")
        try:
            with _deep_recursion():
                checked, tokens = self._tokens
                statements, places = parse(source, tokens if checked is source else None)
                meaning = resolve(statements, places, is_helper=is_helper)
                kinds = Kinds(meaning)
                kinds.settle()
                tree = Statements(meaning, kinds, Builder(places)).module(is_helper=is_helper)
        except RecursionError:
            message = "the text is too deeply nested to be read"
            raise Refusal("compilation", message, 1, 1, hint="split long expressions over several statements") from None
        self._meanings[id(tree)] = meaning, places
        return tree

    def warnings(self, tree: ast.Module, around: Surroundings) -> Iterator[LanguageWarning]:
        meaning, places = self._meanings[id(tree)]
        for found in text_warnings(meaning, around):
            line, column = places.position(found.start)
            last, end = places.position(found.end)
            end_offset = end if last == line else None
            yield LanguageWarning(found.message, line, column, end_offset, found.hint, found.certain, found.is_error)
        for warning in meaning.warnings:
            certain = warning.is_final and not gives_commands(meaning, around)
            if warning.start < 0:
                yield LanguageWarning(warning.message, hint=warning.hint, certain=certain)
                continue
            line, column = places.position(warning.start)
            end = places.position(warning.end)[1]
            yield LanguageWarning(warning.message, line, column, end, warning.hint, certain)

    @property
    def notation(self) -> Notation:
        return Notation(_LEXEME, _CONSTANT)

    def bindings(self, tree: ast.Module) -> Iterator[tuple[str, int, int]]:
        meaning, places = self._meanings[id(tree)]
        for ident in nodes.bound(meaning.statements):
            yield ident.name, *places.position(ident.start)

    def forget(self, tree: ast.Module) -> None:
        self._meanings.pop(id(tree), None)

    def draws(self, tree: ast.Module) -> bool:
        return self._meanings[id(tree)][0].draws

    def builtins(
        self,
        functions: Mapping[str, Callable[..., Any]],
        import_: Callable[..., Any],
        print_: Callable[..., None],
    ) -> dict[str, Any]:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))
        names = self._names.take(print_)
        names |= {name: offered(name, function) for name, function in functions.items()}
        names["__import__"] = import_
        return names

    def make_ahead(self) -> None:
        self._names.make()

    @property
    def foreign(self) -> frozenset[str]:
        return frozenset(REFUSED_BUILTINS)

    def explain(self, error: BaseException) -> tuple[str, str] | None:
        return explain(error)

    def shown_name(self, name: str) -> str:
        return name[2:].partition(".")[0] if name.startswith("$.") else "" if name.startswith("$") else name

    def described(self) -> dict[str, Any]:
        return {
            "builtins": [_described(name, signature) for name, (signature, _, _) in catalog.BUILTINS.items()],
            "packages": {
                module: [
                    *[_described(name, f"{module}.{name}(…)") for name in functions],
                    *[_described(name, f"{module}.{name}", "constant") for name in catalog.CONSTANTS.get(module, ())],
                ]
                for module, functions in catalog.MODULES.items()
            },
        }


def _names(print_: Callable[..., None]) -> dict[str, Any]:
    # Not dict.fromkeys: of a set it makes a dict in which CPython finds global names the slow way.
    names: dict[str, Any] = {name: None for name in CONTEXT_NAMES}  # noqa: C420
    return names | runtime_names.names(print_)


def _described(name: str, signature: str, kind: str = "function") -> dict[str, str]:
    return {"name": name, "kind": kind, "signature": signature, "doc": ""}


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Reading is recursive; how deep a text may nest is bounded apart."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
