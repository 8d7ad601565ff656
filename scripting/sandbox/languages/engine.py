"""The interface of a script language: turn source text into a Python `ast.Module`. Policy, runner and limits are shared."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

from scripting.sandbox.knobs.notation import Notation
from scripting.sandbox.library.builtins import BUILTIN_NAMES, make_builtins
from scripting.sandbox.lint.finding import LanguageWarning
from scripting.sandbox.lint.python_text import warnings_of
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.transformer import bound_by
from scripting.sandbox.policy.tree import walk


class LanguageEngine(ABC):
    """One script language inside the sandbox."""

    has_two_timestamps: ClassVar[bool] = False
    """Whether `timestamp` is the context variable and timestamp() the function, both at once."""

    reserved: ClassVar[Collection[str]] = BUILTIN_NAMES
    """Names that no context variable may take."""

    places_all: ClassVar[bool] = False
    """Whether `parse` gives every node its place. Else one without has that of the node above it."""

    @abstractmethod
    def parse(self, source: str, name: str) -> ast.Module:
        """The module that the source stands for, its nodes placed where the source has them. Raises Refusal
        (`invalid_syntax`, `compilation`) with the position. The source is already within its bounds."""

    @abstractmethod
    def check_bounds(self, source: str, max_nesting: int) -> None:
        """Raise Refusal if the text nests deeper than this, by one pass over its characters."""

    # What differs between languages at check and at run; as it stands here it is Python's.

    def warnings(self, tree: ast.Module, around: Surroundings) -> Iterator[LanguageWarning]:
        """Warnings for a parsed text."""
        return warnings_of(tree, around)

    def forget(self, tree: ast.Module) -> None:  # noqa: B027 - most know nothing beside the tree
        """Drop what is known of a parsed text beside its tree: nobody asks any more."""

    def draws(self, tree: ast.Module) -> bool:
        """Whether a run can draw from the library's random numbers by names that the policy does not see."""
        return False

    def builtins(
        self,
        functions: Mapping[str, Callable[..., Any]],
        import_: Callable[..., Any],
        print_: Callable[..., None],
    ) -> dict[str, Any]:
        """The names that a script finds without defining them; functions are those of the run (log, rand, the module's own)."""
        return make_builtins(dict(functions), import_, print_)

    def make_ahead(self) -> None:  # noqa: B027 - Python's names are made ahead for all languages that take them
        """In the light parent: make what `builtins` would make anew in each sandbox."""

    @property
    def foreign(self) -> frozenset[str]:
        """Names that the policy refuses as Python's builtins, but that mean nothing in this language."""
        return frozenset()

    @property
    def notation(self) -> Notation | None:
        """How a constant is written that may be a knob; None where the language has no knobs."""
        return None

    def bindings(self, tree: ast.Module) -> Iterator[tuple[str, int, int]]:
        """Every place where a parsed text gives a name a value: the name, line, and the column's offset in bytes."""
        for node in walk(tree):
            for name in bound_by(node):
                if name:
                    yield name, getattr(node, "lineno", 1), getattr(node, "col_offset", 0)

    def shown_name(self, name: str) -> str:
        """A variable of the lowered text as the script writes it; empty for one that the script does not have."""
        return name

    def described(self) -> dict[str, Any] | None:
        """For editors: `builtins` and `packages` as describe.py lists Python's; None where they are Python's."""
        return None

    def explain_syntax(self, message: str, line: str, offset: int | None) -> str:
        """Say what to write instead of what the compiler refuses; `offset` is a 1-based column."""
        return ""

    def explain(self, error: BaseException) -> tuple[str, str] | None:
        """Message and hint for what a script raised, in the language's words; None leaves it to Python's."""
        return None
