"""The helpers that a script imports and the names that they define, found in their texts by search: nothing is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripting.client.folder import RuleFile
from scripting.client.lsp.places import WIDE, lines_of
from scripting.sandbox.policy.imports import HELPER_MODULE

_ALIASES = {
    "tengo": r'(?P<alias>\w+)\s*:?=\s*import\(\s*"shared/(?P<helper>\w+)"',
    "zygomys": r'\(import\s+(?P<alias>\w+)\s+"shared/(?P<helper>\w+)"',
}
_DEFINED = {
    "python": r"^(?:def|class)\s+(\w+)|^(\w+)\s*(?::[^=]+)?=(?!=)",
    "tengo": r"^\s*(\w+)\s*:(?!=)|^(\w+)\s*:=",
    "zygomys": r"\((?:defn|def)\s+([A-Z]\w*)",
}
"""Names that a helper defines for others, by language."""


@dataclass(frozen=True)
class Definition:
    """A name that a helper defines, or the helper itself (line 0, without text)."""

    helper: RuleFile
    name: str
    line: int
    text: str


def helpers_of(rule: RuleFile, rules: Sequence[RuleFile]) -> dict[str, RuleFile]:
    """The helpers that it may import, by name."""
    return {each.name: each for each in rules if each.module == HELPER_MODULE and each.language == rule.language}


def definitions(helper: RuleFile) -> Iterator[Definition]:
    pattern = re.compile(_DEFINED.get(helper.language, r"(?!)"))
    for number, line in enumerate(lines_of(helper.text)):
        if found := pattern.search(line[:WIDE]):
            yield Definition(helper, next(name for name in found.groups() if name), number, line[:WIDE].strip())


def imported(rule: RuleFile, rules: Sequence[RuleFile]) -> dict[str, Definition]:
    """Look up the script's own names for helpers, and for names out of them."""
    helpers, found = helpers_of(rule, rules), dict[str, Definition]()
    for line in lines_of(rule.text):
        if HELPER_MODULE not in line:
            continue
        for helper, name, alias in _imports(rule.language, line[:WIDE]):
            if helper not in helpers:
                continue
            defined = next((each for each in definitions(helpers[helper]) if each.name == name), None)
            if defined or not name:
                found[alias] = defined or Definition(helpers[helper], helper, 0, "")
    return found


def _imports(language: str, line: str) -> Iterator[tuple[str, str, str]]:
    """Helper, name out of it (empty: the helper itself), and how the script calls it."""
    if language in _ALIASES:
        yield from ((each["helper"], "", each["alias"]) for each in re.finditer(_ALIASES[language], line))
    elif found := re.match(r"\s*from\s+shared(?:\.(\w+))?\s+import\s+(.+)$", line):
        for name, alias in re.findall(r"(\w+)(?:\s+as\s+(\w+))?", found[2].partition("#")[0]):
            yield (found[1], name, alias or name) if found[1] else (name, "", alias or name)
