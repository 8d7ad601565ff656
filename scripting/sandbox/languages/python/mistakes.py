"""Say what to write instead of text that is no Python: words and signs of other languages, pasted characters, decimal commas."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from typing import Any

from scripting.sandbox.lint.finding import LanguageWarning
from scripting.sandbox.policy.tree import of_kinds

_CHARACTERS = {
    **dict.fromkeys("“”„‟«»″", 'type the quote " instead'),
    **dict.fromkeys("‘’‚‛‹›′`´", "type the quote ' instead"),
    **dict.fromkeys("‐‑‒–—―−", "type the minus sign - instead"),
    "×": "write * to multiply",
    "÷": "write / to divide",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "…": "write ... or leave it out",
    "²": "write ** 2",
    "³": "write ** 3",
}
_LINES: tuple[tuple[str, str], ...] = (
    (r"\s*\}?\s*(else\s+if|elseif|elsif)\b", "write elif condition:"),
    (r"\s*(//|/\*)", "comments begin with #"),
    (
        r"\s*(var|let|const|local|int|float|double|string|bool|auto)\s+\w+\s*(=|;|$)",
        "write name = value, without a word before",
    ),
    (r"\s*(function|func|fn|sub|void)\b", "write def name(arguments):"),
    (r"\s*(switch|select)\b", "write match value: with case …: below, or if and elif"),
    (r"\s*(for|foreach)\s*\(", "write for item in items: or for i in range(10):"),
    (r"\s*do\b", "write while condition:"),
    (r"\s*(try|except|catch)\s*(\{|\(|.*\bcatch\b)", "write try: and except Exception as error:"),
    (r".*(\w\+\+|\+\+\w)", "write i += 1"),
    (r"\s*(\w+--|--\w+)\s*;?\s*$", "write i -= 1"),
    (r".*&&", "write and"),
    (r".*\|\|", "write or"),
    (r".*(^|[\s(])!(?!=)", "write not"),
    (r".*=>", "write lambda x: …, or def"),
    (r".*\?.*:", "write value if condition else other"),
    (
        r"\s*(if|elif|while|for|else|def|class)\b.*\{",
        "a block begins with : and its lines are indented; there are no braces",
    ),
    (r"\s*\}", "a block ends with its indentation; there are no braces"),
    (r"\s*(if|elif|while)\b.*\bthen\s*$", "write : in place of then"),
)
"""In order: how a line begins, and what to write instead."""
_MESSAGES: tuple[tuple[str, str], ...] = (
    (r"non-printable character", "a special blank was pasted here: delete it and type a blank"),
    (r"'return' outside", "assign it: result = …; to leave early, put the lines into a function and call it"),
    (r"'(yield|await).*' outside", "write it inside a function"),
    (r"Maybe you meant '=='", "write == to compare"),
    (r"expected ':'", "end the line with :"),
    (r"leading zeros", "write the number without the zeros before it"),
    (r"tabs and spaces", "indent every line with blanks, four for each step"),
    (r"unexpected indent", "begin the line where the line above begins"),
    (r"unindent does not match", "begin the line exactly below a line that begins the block"),
    (r"expected an indented block", "begin the line with four blanks more than the line above"),
    (r"unterminated (triple-quoted )?(string|f-string)", "end the text with the quote that it begins with"),
    (r"was never closed", "write its other half, or take it away"),
)
_COMMA = re.compile(r"(\d+),(\d+)")


def hint_for(message: str, line: str, offset: int | None) -> str:
    """Say what to write instead, from the parser's message, its line and 1-based column; empty if unknown."""
    if message.startswith("invalid character"):
        found = re.search(r"'(.)'", message)
        return _CHARACTERS.get(found[1] if found else "", "delete it and type it on the keyboard")
    comma = _COMMA.search(line)
    if "leading zeros" in message and comma:
        return f"write {comma[1]}.{comma[2]}: the decimal sign is a point"
    word = re.match(r"\w+", line[max(0, (offset or 1) - 1) :])
    plain = message.startswith(("invalid syntax", "expected ':'", "cannot assign"))
    for pattern, hint in _LINES if plain else ():
        if re.match(pattern, line):
            return hint
    for pattern, hint in _MESSAGES:
        if re.search(pattern, message):
            return hint
    named = re.match(r"\s*(\w+)\s*=[^=]", line)
    used = named[1] if named else word[0] if word else ""
    if plain and keyword.iskeyword(used) and used not in {"None", "True", "False"} and named:
        return f"{used} is a word of the language: choose another name"
    return ""


def decimal_commas(tree: ast.Module) -> Iterator[LanguageWarning]:
    """A warning for each `0,25`, which is two numbers."""
    tuples: Iterator[Any] = of_kinds(tree, {ast.Tuple})
    pairs = [node for node in tuples if len(node.elts) == 2 and _is_like_a_number(node)]
    if not pairs:
        return
    around: Iterator[Any] = of_kinds(tree, {ast.Subscript, ast.For})
    meant = {id(child) for node in around for child in _lists(node)}
    for node in pairs:
        if id(node) in meant:
            continue
        first, second = node.elts
        left, right = _last(first).value, second.value  # type: ignore[attr-defined]
        yield LanguageWarning(
            f'"{left},{right}" is two numbers',
            second.lineno,
            _last(first).col_offset,
            second.end_col_offset,
            f"write {left}.{right}: the decimal sign is a point; for two numbers write ({left}, {right})",
        )


def _is_like_a_number(pair: ast.Tuple) -> bool:
    first, second = pair.elts
    adjacent = first.end_col_offset is not None and second.col_offset == first.end_col_offset + 1
    return pair.col_offset == first.col_offset and adjacent and _whole(_last(first)) and _whole(second)


def _lists(node: ast.Subscript | ast.For) -> tuple[ast.AST, ...]:
    return (node.slice,) if isinstance(node, ast.Subscript) else (node.iter, node.target)


def _last(node: ast.expr) -> ast.expr:
    """Return the text right before the comma."""
    match node:
        case ast.BinOp(right=inner) | ast.UnaryOp(operand=inner):
            return _last(inner)
        case ast.Compare(comparators=[*_, inner]) | ast.BoolOp(values=[*_, inner]):
            return _last(inner)
    return node


def _whole(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int
