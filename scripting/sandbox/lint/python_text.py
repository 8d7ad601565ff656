"""All warnings of a check about a Python tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scripting.sandbox.lint.calls import calls
from scripting.sandbox.lint.fields import fields
from scripting.sandbox.lint.finding import LanguageWarning
from scripting.sandbox.lint.names import names, no_result
from scripting.sandbox.lint.scopes import Scopes
from scripting.sandbox.lint.sure import Sure
from scripting.sandbox.lint.surroundings import Surroundings


def warnings_of(tree: ast.Module, around: Surroundings) -> Iterator[LanguageWarning]:
    """In the order of the text, those without a place last."""
    scopes = Scopes(tree)
    sure = Sure(scopes)
    found = [*names(scopes, sure, around), *calls(scopes, sure, around), *fields(scopes, sure, around)]
    yield from sorted(found, key=lambda one: (one.line or 0, one.column_offset or 0))
    yield from no_result(scopes, around)
