"""Regular expressions of the module text: Go's RE2 syntax on Python's engine. Positions are in bytes, as Go's are.

What differs is translated (`\\z`, `(?<name>…)`, `[[:alpha:]]`, `(?U)`); what RE2 refuses is refused here too (backreferences,
lookaround, possessive forms). Python's engine backtracks, so a pattern can be slow: the run's time limit ends it.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from scripting.sandbox.languages.tengo.runtime.shown import byte_length
from scripting.sandbox.languages.tengo.runtime.values import Failure, ImmutableMap
from scripting.sandbox.languages.tengo.stdlib.arguments import taking

_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7f", "blank": "\\t ", "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_POSIX = re.compile(r"\[:(\^?)(\w+):\]")
_PART = re.compile(
    r"\\(.)|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?<(?![=!])|\(\?(?:[=!>]|<[=!]|P=)|[*+?}]\+|\$", re.DOTALL
)
_MULTILINE = re.compile(r"\(\?[a-z]*m")
_TEMPLATE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@functools.lru_cache(maxsize=200)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern compiled. Raises Failure (a bad pattern ends the run, as in the original)."""
    end = "$" if _MULTILINE.search(pattern) else r"\Z"  # before a last newline it matches in Python only
    try:
        return re.compile(_PART.sub(lambda match: end if match[0] == "$" else _translate(match), pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as problem:
        raise Failure(f"error parsing regexp: {problem}: `{pattern[:200]}`") from None


def _translate(match: re.Match[str]) -> str:
    text = match[0]
    if text[0] == "\\":
        escaped = text[1]
        if escaped.isdigit() and escaped != "0":
            raise re.error(f"invalid escape sequence: `\\{escaped}`")
        return {"z": "\\Z", "C": "."}.get(escaped, text)
    if text[0] == "[":
        return _POSIX.sub(_posix, text)
    if text == "(?<":
        return "(?P<"
    if text.startswith("(?"):
        raise re.error(f"invalid or unsupported Perl syntax: `{text}`")
    if len(text) == 2 and text[1] == "+":
        raise re.error(f"invalid nested repetition operator: `{text}`")
    return text


def _posix(match: re.Match[str]) -> str:
    if match[2] not in _CLASSES or match[1]:
        raise re.error(f"invalid character class range: `{match[0]}`")
    return _CLASSES[match[2]]


def _groups(match: re.Match[str], text: str, *, all_groups: bool) -> list[Any]:
    found: list[Any] = []
    for group in range(match.re.groups + 1):
        begin, end = match.span(group)
        if begin < 0:
            if all_groups:
                raise Failure("a group of the regular expression matched nothing")
            continue
        if not text.isascii():
            begin, end = byte_length(text[:begin]), byte_length(text[:end])
        found.append(ImmutableMap({"text": match[group], "begin": begin, "end": end}))
    return found


def _matches(pattern: re.Pattern[str], text: str, count: int) -> list[re.Match[str]]:
    """The matches as Go finds them: none that is empty and touches the end of the one before."""
    found: list[re.Match[str]] = []
    last = -1
    for match in pattern.finditer(text):
        if 0 <= count <= len(found):
            break
        if match.start() == match.end() == last:
            continue
        found.append(match)
        last = match.end()
    return found


def find(pattern: re.Pattern[str], text: str, count: int | None, *, all_groups: bool = False) -> Any:
    if count is None:
        match = pattern.search(text)
        return None if match is None else [_groups(match, text, all_groups=all_groups)]
    found = [_groups(match, text, all_groups=all_groups) for match in _matches(pattern, text, count)]
    return found or None


def replace(pattern: re.Pattern[str], text: str, template: str) -> str:
    out: list[str] = []
    position = 0
    for match in _matches(pattern, text, -1):
        out += (text[position : match.start()], _expanded(template, match))
        position = match.end()
    return "".join(out) + text[position:]


def _expanded(template: str, match: re.Match[str]) -> str:
    def value(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return match[int(name) if name.isdigit() else name] or ""
        except (IndexError, re.error):
            return ""

    return _TEMPLATE.sub(value, template)


def split(pattern: re.Pattern[str], text: str, count: int) -> list[str]:
    if count == 0:
        return []
    if pattern.pattern and text == "":
        return [""]
    pieces: list[str] = []
    begin = end = 0
    for match in _matches(pattern, text, count):
        if count > 0 and len(pieces) == count - 1:
            break
        end = match.start()
        if match.end() != 0:
            pieces.append(text[begin:end])
        begin = match.end()
    if end != len(text):
        pieces.append(text[begin:])
    return pieces


def _compiled(pattern: str) -> ImmutableMap:
    made = compile_pattern(pattern)
    return ImmutableMap(
        {
            "match": taking("", "text", lambda text: made.search(text) is not None),
            "find": taking(
                "", "text, int", lambda text, count=None: find(made, text, count, all_groups=True), optional=1
            ),
            "replace": taking("", "text, text", lambda text, template: replace(made, text, template)),
            "split": taking("", "text, int", lambda text, count=-1: split(made, text, count), optional=1),
        }
    )


MEMBERS = {
    "re_match": taking(
        "re_match", "text, text", lambda pattern, text: compile_pattern(pattern).search(text) is not None
    ),
    "re_find": taking(
        "re_find",
        "text, text, int",
        lambda pattern, text, count=None: find(compile_pattern(pattern), text, count),
        optional=1,
    ),
    "re_replace": taking(
        "re_replace",
        "text, text, text",
        lambda pattern, text, template: replace(compile_pattern(pattern), text, template),
    ),
    "re_split": taking(
        "re_split",
        "text, text, int",
        lambda pattern, text, count=-1: split(compile_pattern(pattern), text, count),
        optional=1,
    ),
    "re_compile": taking("re_compile", "text", _compiled),
}
