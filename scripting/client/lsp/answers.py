"""Completion, hover help and definitions: the names that a script may write at a place, and what each of them is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripting.client.folder import RuleFile
from scripting.client.lsp.helpers import Definition, definitions, helpers_of, imported
from scripting.client.lsp.inputs import Finder, Part, inputs_of
from scripting.client.lsp.places import WIDE, lines_of
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.supervisor.namespace import Namespace
from scripting.supervisor.offered import offered, plain_signature
from scripting.types import Knob

MEANING = {
    "pure": "pure: depends on its arguments alone",
    "read": "read: looks at the game, changes nothing",
    "effect": "effect: carried out only when the run has succeeded; a trial only lists it",
}
_COMMENT = {"python": "#", "tengo": "//", "zygomys": "//"}
_OWN = {
    "python": r"(?:^|\bdef |\bfor |\bas )\s*([A-Za-z_]\w*)\s*(?=[=(,]|\bin\b)",
    "tengo": r"([A-Za-z_]\w*)\s*:=",
    "zygomys": r"\((?:def|defn)\s+([A-Za-z_]\w*)",
}
"""Names that a text defines itself, by language."""


@dataclass(frozen=True)
class Help:
    """One name, with what there is to say of it."""

    name: str
    kind: str
    """`function`, `class`, `exception`, `constant`, `variable`, `field`, `package`, `helper`, `knob` or `here`."""
    signature: str = ""
    doc: str = ""
    more: str = ""


class Answers:
    """All that is known of one script, as it is written now."""

    def __init__(
        self,
        rule: RuleFile,
        rules: Sequence[RuleFile],
        namespace: Namespace | None,
        topics: Iterable[Mapping[str, Any]],
        knobs: Iterable[Knob] = (),
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self._rule = rule
        self._rules = rules
        self._lines = [line[:WIDE] for line in lines_of(rule.text)]
        around = namespace or Namespace()
        runs = around.runs.get(rule.name)
        if runs is None and rule.module != HELPER_MODULE:  # a new script: any input of the module may be meant
            runs = tuple(run for several in around.runs.values() for run in several)
        self._inputs = inputs_of(runs or (), topics)
        names = offered()
        own = names["languages"].get(rule.language)
        self._packages: dict[str, list[Help]] = {
            package: [_help(each) for each in members]
            for package, members in (own or names)["packages"].items()
            if own or package in around.limits.allowed_packages
        }
        functions = [_help(each) for each in names["functions"]]
        functions += [
            Help(
                each.name, "function", plain_signature(each.name + each.signature), each.doc, MEANING.get(each.kind, "")
            )
            for each in around.functions
        ]
        variables = [_part_help(part, "variable") for part in self._inputs.parts.values()]
        builtins = [_help(each) for each in (own or names)["builtins"]]
        self._names = {each.name: each for each in [*builtins, *functions, *variables]}
        self._knobs = {each.name: _knob_help(each, (values or {}).get(each.name)) for each in knobs}

    def completion(self, row: int, column: int) -> list[Help]:
        """The names that may stand at a place."""
        before = self._lines[row][:column]
        if self._in_comment(before):
            return []
        if asked := Finder(self._inputs, self._rule.language, self._lines).before(row, column):
            return [_part_help(part, "field") for part in asked.parts.values()]
        helpers = helpers_of(self._rule, self._rules)
        if re.search(r"""\bfrom\s+shared\s+import\b[^#]*$|\bfrom\s+shared\.\w*$|["']shared/\w*$""", before):
            return [Help(name, "helper") for name in helpers]
        if re.search(r"""(?:\[|\.get\(|\bin\s)\s*f?["']\w*$""", before):
            return [_part_help(part, "field") for part in _fields(self._inputs)]
        if found := re.search(r"\bfrom\s+shared\.(\w+)\s+import\b[^#]*$", before):
            return [_defined_help(each) for each in definitions(helpers[found[1]])] if found[1] in helpers else []
        if found := re.search(r"\b(\w+)\.\w*$", before) or re.match(r"\s*from\s+(\w+)\s+import\b", before):
            return self._members(found[1])
        if self._rule.language == "python" and re.match(r"\s*(?:import|from)\s+\w*$", before):
            return [*(Help(name, "package") for name in self._packages), Help(HELPER_MODULE, "package")]
        if len(re.findall(r"""(?<!\\)["'`]""", before)) % 2:
            return []
        known = {
            **self._names,
            **{name: _defined_help(each) for name, each in imported(self._rule, self._rules).items()},
        }
        return [*known.values(), *self._own(row, known)]

    def hover(self, row: int, column: int) -> Help | None:
        """Help on the word at a place; None where nothing is known of it."""
        start, word, before = self._word(row, column)
        if not word or self._in_comment(before):
            return None
        asked = Finder(self._inputs, self._rule.language, self._lines).before(row, start + len(word))
        if asked and word in asked.parts:
            return _part_help(asked.parts[word], "field")
        if owner := re.search(r"\b(\w+)\.$", before):
            return next((each for each in self._members(owner[1]) if each.name == word), None)
        if re.search(r"""["']$""", before):
            return next((_part_help(part, "field") for part in _fields(self._inputs) if part.name == word), None)
        if word in self._knobs:
            return self._knobs[word]
        if defined := imported(self._rule, self._rules).get(word):
            return _defined_help(defined)
        if word in self._packages:
            return Help(word, "package", word, "", ", ".join(each.name for each in self._packages[word]))
        return self._names.get(word)

    def definition(self, row: int, column: int) -> Definition | None:
        """Where a helper, or a name of one, is defined."""
        _, word, before = self._word(row, column)
        names = imported(self._rule, self._rules)
        if owner := re.search(r"\b(\w+)\.$", before):
            of = names.get(owner[1])
            found = definitions(of.helper) if of is not None and not of.text else iter(())
            if defined := next((each for each in found if each.name == word), None):
                return defined
        if word in names:
            return names[word]
        helper = helpers_of(self._rule, self._rules).get(word)
        return Definition(helper, word, 0, "") if helper and HELPER_MODULE in before else None

    def _members(self, name: str) -> list[Help]:
        helper = imported(self._rule, self._rules).get(name)
        if helper is not None and not helper.text:
            return [_defined_help(each) for each in definitions(helper.helper)]
        return self._packages.get(name, [])

    def _own(self, row: int, known: Mapping[str, Help]) -> list[Help]:
        pattern = re.compile(_OWN.get(self._rule.language, r"(?!)"))
        others = (line for number, line in enumerate(self._lines) if number != row)
        found = dict.fromkeys(name for line in others for name in pattern.findall(line) if name not in known)
        return [self._knobs.get(name, Help(name, "here")) for name in found]

    def _word(self, row: int, column: int) -> tuple[int, str, str]:
        """The word at a place: its column, itself, and the text before it."""
        line = self._lines[row]
        word = next((each for each in re.finditer(r"[A-Za-z_]\w*", line) if each.start() <= column <= each.end()), None)
        return (word.start(), word[0], line[: word.start()]) if word else (column, "", line[:column])

    def _in_comment(self, before: str) -> bool:
        mark = _COMMENT.get(self._rule.language, "#")
        return mark in re.sub(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", "", before)


def _help(entry: Mapping[str, Any]) -> Help:
    return Help(entry["name"], entry["kind"], plain_signature(entry["signature"]), entry["doc"])


def _part_help(part: Part, kind: str) -> Help:
    signature = f"{part.name}: {part.type}" if part.type else part.name
    example = [f"for example {part.example}"] if part.example else []
    return Help(part.name, kind, signature, part.doc, "\n".join([*part.places[:4], *example]))


def _fields(inputs: Part) -> list[Part]:
    """Every field of the inputs, each name once."""
    found: dict[str, Part] = {}
    left = list(inputs.parts.values())
    while left:
        for part in left.pop().parts.values():
            found.setdefault(part.name, part)
            left.append(part)
    return list(found.values())


def _defined_help(defined: Definition) -> Help:
    return Help(defined.name, "helper", defined.text, "", f"of the helper {defined.helper.label}")


def _knob_help(knob: Knob, value: Any) -> Help:
    bounds = f"{knob.low} to {knob.high}" if knob.is_number else ", ".join(knob.choices)
    more = [f"a knob: {bounds}" if bounds else "a knob"]
    if value is not None:
        more.append(f"set to {value!r} in this folder")
    return Help(knob.name, "knob", f"{knob.name} = {knob.default!r}", knob.label, "\n".join(more))
