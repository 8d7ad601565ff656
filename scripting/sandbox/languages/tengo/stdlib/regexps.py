"""Regular expressions of the module text, as patterns.py translates them. Positions are in bytes, as Go's are.

Python's engine backtracks, so a pattern can be slow: the run's time limit ends it.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from scripting.sandbox.languages.tengo.runtime.shown import byte_length
from scripting.sandbox.languages.tengo.runtime.values import Failure, ImmutableMap
from scripting.sandbox.languages.tengo.stdlib.arguments import taking
from scripting.sandbox.languages.tengo.stdlib.patterns import BadPattern, translate

_TEMPLATE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@functools.lru_cache(maxsize=200)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern compiled. Raises Failure (a bad pattern ends the run, as in the original)."""
    try:
        return re.compile(translate(pattern))
    except BadPattern as problem:
        raise Failure(f"error parsing regexp: {problem}") from None
    except (re.error, OverflowError, RecursionError) as problem:
        what = problem.msg if isinstance(problem, re.error) else "expression nests too deeply"
        raise Failure(f"error parsing regexp: {what}: `{pattern[:200]}`") from None


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
    position, last = 0, -1
    while position <= len(text) and not 0 <= count <= len(found):
        match = pattern.search(text, position)
        if match is None:
            break
        if not match.start() == match.end() == last:
            found.append(match)
        last = match.end()
        position = last + 1 if last == position else last
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
