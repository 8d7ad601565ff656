"""PythonEngine: Python text to its ast.Module. Refuses what is not the grammar, with the parser's own position."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from scripting.sandbox.knobs.notation import NAME, Notation
from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.languages.python.mistakes import decimal_commas, hint_for
from scripting.sandbox.lint.finding import LanguageWarning
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.refusal import Refusal

# What opens, closes or hides brackets. An f-string's text is looked into, since its fields can nest.
_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    | (?P<long>(?P<prefix>[A-Za-z]{0,2})(?P<quotes>'{3}|"{3})(?:\\.|(?!(?P=quotes)).)*(?:(?P=quotes)|\Z))
    | (?P<short>(?P<prefix2>[A-Za-z]{0,2})(?:'(?:\\.|[^'\\\n])*'?|"(?:\\.|[^"\\\n])*"?))
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKET = re.compile(r"[(\[{}\])]")
_CONSTANT = re.compile(NAME + r"\s*(?::[^=#]*)?=(?!=)\s*(?P<value>.*)")
_INDENT = re.compile(r"^([ \t]*)\S", re.MULTILINE)
_PLAIN = r"""[^()\[\]{}'"#\n\\]"""
_FLAT = re.compile(rf"""[(\[{{]{_PLAIN}*(?:(?:"{_PLAIN}+"(?!")|'{_PLAIN}+'(?!')){_PLAIN}*)*[)\]}}]""")
"""Brackets of one line with none inside, and with whole short texts at the most: after a quote and its next one, code is code again, and a
text is a text. An empty text is left out, since it may be the beginning of a long one; so is whatever escapes a quote."""
_FLATTENED = 3


class PythonEngine(LanguageEngine):
    """The first language: what a designer writes is Python."""

    has_two_timestamps = True

    @property
    def notation(self) -> Notation:
        return Notation(_TOKEN, _CONSTANT, "#", ("False", "True"))

    places_all = True

    def check_bounds(self, source: str, max_nesting: int) -> None:
        if not _is_surely_flat(source, max_nesting):
            self._check_brackets(source, max_nesting)
        if "\t" in source or f"\n{' ' * (max_nesting + 1)}" in f"\n{source}":
            self._check_blocks(source, max_nesting)

    def _check_brackets(self, source: str, max_nesting: int) -> None:
        depth = 0
        for token in _TOKEN.finditer(source):
            kind = token.lastgroup
            if kind == "open":
                depth += 1
            elif kind == "close":
                depth = max(0, depth - 1)
            elif kind != "comment" and "f" in (token["prefix"] or token["prefix2"] or "").lower():
                self._check_depth(source, token.start(), depth + _deepest(token.group()), max_nesting)
            self._check_depth(source, token.start(), depth, max_nesting)

    def _check_blocks(self, source: str, max_nesting: int) -> None:
        levels = [0]
        for line in _INDENT.finditer(source):
            width = len(line[1].expandtabs())
            while levels[-1] > width:
                levels.pop()
            if width > levels[-1]:
                levels.append(width)
                self._check_depth(source, line.start(), len(levels) - 1, max_nesting)

    def _check_depth(self, source: str, position: int, depth: int, max_nesting: int) -> None:
        if depth > max_nesting:
            line = source.count("\n", 0, position) + 1
            column = position - (source.rfind("\n", 0, position) + 1) + 1
            message = f"brackets or blocks are nested deeper than {max_nesting}"
            raise Refusal("compilation", message, line, column, hint="split it over several statements or functions")

    def warnings(self, tree: ast.Module, around: Surroundings) -> Iterator[LanguageWarning]:
        yield from super().warnings(tree, around)
        yield from decimal_commas(tree)

    def explain_syntax(self, message: str, line: str, offset: int | None) -> str:
        return hint_for(message, line, offset)

    def parse(self, source: str, name: str) -> ast.Module:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(source, name)
        except SyntaxError as error:
            raise self._syntax_refusal(error, source) from None
        except ValueError as error:  # a NUL, on some versions
            raise Refusal("invalid_syntax", str(error)[:200]) from None
        except (RecursionError, MemoryError):
            message = "the text is too deeply nested to be read"
            raise Refusal("compilation", message, hint="split long expressions over several statements") from None

    def _syntax_refusal(self, error: SyntaxError, source: str) -> Refusal:
        message = str(error.msg)[:300]
        lines = source.split("\n")
        line = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
        deep = "too many nested" in message or "too many levels" in message
        return Refusal(
            "compilation" if deep else "invalid_syntax",
            message,
            error.lineno or None,
            error.offset or None,
            end_line=error.end_lineno or None,
            end_column=error.end_offset or None,
            hint=hint_for(message, line, error.offset),
        )


def _is_surely_flat(source: str, max_nesting: int) -> bool:
    """Whether brackets nest no deeper, told without reading token by token: what is left of them, could it nest, would not reach it."""
    for _ in range(_FLATTENED):
        source = _FLAT.sub("_", source)  # one level less; what is a text, a comment or code stays so
    return source.count("(") + source.count("[") + source.count("{") + _FLATTENED <= max_nesting


def _deepest(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest
