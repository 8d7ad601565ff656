"""ZygomysEngine: Zygomys text to a Python module, and the names that the module needs at run."""

from __future__ import annotations

import ast
import gc
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scripting.sandbox.knobs.notation import NAME, Notation
from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.languages.names_ahead import NamesAhead
from scripting.sandbox.languages.tengo.runtime import moments
from scripting.sandbox.languages.zygomys import catalog, runtime_names
from scripting.sandbox.languages.zygomys.bindings import Bindings
from scripting.sandbox.languages.zygomys.explain import explain
from scripting.sandbox.languages.zygomys.kinds import Kinds
from scripting.sandbox.languages.zygomys.lint import lacking_fields
from scripting.sandbox.languages.zygomys.lowering.build import Builder
from scripting.sandbox.languages.zygomys.lowering.statements import Statements
from scripting.sandbox.languages.zygomys.nodes import Node, bound
from scripting.sandbox.languages.zygomys.plain_results import offered
from scripting.sandbox.languages.zygomys.reader import read
from scripting.sandbox.languages.zygomys.resolver import Resolver
from scripting.sandbox.languages.zygomys.scanner import Places, Token, scan
from scripting.sandbox.lint.finding import LanguageWarning, did_you_mean, nothing_defines
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.context_names import CONTEXT_NAMES
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.sandbox.policy.names import REFUSED_BUILTINS
from scripting.sandbox.policy.refusal import Refusal

_RECURSION = 12_000
"""Frames that reading a text may take: each level of nesting takes about ten."""
_FRAMES = 5_000
"""Calls inside one another, with room for the runner's own."""
_LEXEME = re.compile(
    r"""(?P<comment>//[^\n]*)|(?P<block>/\*.*?(?:\*/|\Z))|(?P<text>"(?:[^"\\]|\\.)*"?|`[^`]*`?|'(?:[^'\\\n]|\\.)')""",
    re.DOTALL,
)
_CONSTANT = re.compile(r"\([ \t]*def[ \t]+" + NAME + r"(?:[ \t]+(?P<value>.*?))?[ \t]*\)")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_PREFIXES = frozenset({"%", "^", "~", "~@"})


class ZygomysEngine(LanguageEngine):
    """The third language: the seed's own second one."""

    reserved = ()

    def __init__(self) -> None:
        self._names = NamesAhead(_names)
        self._bindings: dict[int, tuple[Bindings, Resolver, Places]] = {}
        self._tokens: tuple[str, list[Token]] = ("", [])
        """Of the text whose bounds were checked last: it is read next."""
        moments.load_zones()

    def check_bounds(self, source: str, max_nesting: int) -> None:
        places = Places(source)
        depth = prefixes = 0
        tokens = scan(source, places)
        self._tokens = source, tokens
        for token in tokens:
            kind = token.kind
            if kind in _OPEN:
                depth += 1
            elif kind in _CLOSE:
                depth = max(0, depth - 1)
            prefixes = prefixes + 1 if kind in _PREFIXES else 0
            if depth + prefixes > max_nesting:
                hint = "split it over several functions"
                message = f"brackets are nested deeper than {max_nesting}"
                places.refuse(message, token.start, kind="compilation", hint=hint)

    def parse(self, source: str, name: str) -> ast.Module:
        is_helper = name.startswith(HELPER_MODULE + "/")
        try:
            with _reading():
                checked, tokens = self._tokens
                places = Places(source)
                resolver = Resolver(places, is_helper=is_helper)
                body = resolver.text(read(source, places, tokens if checked is source else None))
                bindings = Bindings(resolver.top, body)
                bindings.settle()
                kinds = Kinds(resolver.every_scope)
                kinds.settle(body, is_helper=is_helper)
                lowering = Statements(kinds, bindings, Builder(places))
                tree = lowering.module(body, resolver.helpers, name=name.rpartition("/")[2], is_helper=is_helper)
        except RecursionError:
            message = "the text is too deeply nested to be read"
            raise Refusal("compilation", message, 1, 1, hint="split long expressions over several functions") from None
        self._bindings[id(tree)] = bindings, resolver, places
        return tree

    def warnings(self, tree: ast.Module, around: Surroundings) -> Iterator[LanguageWarning]:
        bindings, resolver, places = self._bindings[id(tree)]
        bound = {name for scope in resolver.every_scope for name in scope.variables}
        for name, use in bindings.free.items():
            if name in around.called or name in around.context or name in bound or use.start < 0:
                continue
            if around.is_script and name in CONTEXT_NAMES:  # nil where a run does not bring it
                continue
            line, column = places.position(use.start)
            end = use.end if places.position(use.end)[0] == line else use.start + 1
            near = around.way_to(name)
            hint = (
                f"the payload has it: write {near}"
                if near
                else did_you_mean(name, {*bound, *around.known, *catalog.BUILTINS})
            )
            yield LanguageWarning(nothing_defines(name, around), line, column, places.position(end)[1], hint)

        for lack in lacking_fields(bindings.body, around, has_helpers=bool(resolver.helpers)):
            place = lack.use.place
            assert isinstance(place, Node)
            line, column = places.position(max(place.start, 0))
            last, end = places.position(max(place.end, 0))
            yield LanguageWarning(lack.message, line, column, end if last == line else None, lack.hint, lack.is_certain)

    @property
    def notation(self) -> Notation:
        return Notation(_LEXEME, _CONSTANT)

    def bindings(self, tree: ast.Module) -> Iterator[tuple[str, int, int]]:
        bindings, _, places = self._bindings[id(tree)]
        for name, start in bound(bindings.body):
            yield name, *places.position(max(start, 0))

    def forget(self, tree: ast.Module) -> None:
        self._bindings.pop(id(tree), None)

    def draws(self, tree: ast.Module) -> bool:
        return False

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
        return name[2:].partition(" ")[0] if name.startswith("$.") else "" if name.startswith("$") else name

    def described(self) -> dict[str, Any]:
        listed = {**catalog.FORMS, **{name: signature for name, (signature, _) in catalog.BUILTINS.items()}}
        listed |= {name: signature for name, (signature, _) in catalog.PREDEFINED.items()}
        builtins = [
            {"name": name, "kind": "function", "signature": signature, "doc": ""} for name, signature in listed.items()
        ]
        return {"builtins": builtins, "packages": {}}


def _names(print_: Callable[..., None]) -> dict[str, Any]:
    # Not dict.fromkeys: of a set it makes a dict in which CPython finds global names the slow way.
    names: dict[str, Any] = {name: None for name in CONTEXT_NAMES}  # noqa: C420
    return names | runtime_names.names(print_)


@contextmanager
def _reading() -> Iterator[None]:
    """Reading is recursive; how deep a text may nest is bounded apart. It makes many objects and no garbage: a collection
    would only look at them, which takes a third of the time."""
    before = sys.getrecursionlimit()
    collects = gc.isenabled()
    gc.disable()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        if collects:
            gc.enable()
