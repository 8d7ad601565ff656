"""Let a server decide a folder's cases by the folder's scripts, in as many requests as it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripting.client.folder import CaseFile, RuleFile
from scripting.client.server import MAX_BODY_BYTES, Server
from scripting.sandbox.policy.imports import HELPER_MODULE

MOST_TEXTS, MOST_CASES = 200, 2000
"""Scripts and cases of one request, as the server has it."""


def test(cases: Sequence[CaseFile], rules: Sequence[RuleFile], server: Server) -> list[dict[str, Any]]:
    """The server's outcome of each case, in their order. Raises ServerRefused."""
    return [tested for document in requests(cases, rules) for tested in server.post("tests", document)]


def requests(cases: Sequence[CaseFile], rules: Sequence[RuleFile]) -> Iterator[dict[str, Any]]:
    """Bodies that bring all cases, each with the texts that decide its own: the scripts', and those of all helpers."""
    helpers = [rule for rule in rules if rule.module == HELPER_MODULE]
    scripts = {rule.label: rule for rule in rules}
    one = _Request(helpers)
    for case in cases:
        script = scripts.get(f"{case.module}/{case.script}")
        if one.cases and not one.has_room(case, script):
            yield one.document
            one = _Request(helpers)
        one.add(case, script)
    yield one.document


@dataclass
class _Request:
    """One request, as far as it is put together."""

    helpers: Sequence[RuleFile]
    texts: dict[str, Any] = field(default_factory=dict)
    cases: list[Any] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        for helper in self.helpers:
            self._add_text(helper)

    @property
    def document(self) -> dict[str, Any]:
        return {"scripts": list(self.texts.values()), "cases": self.cases}

    def has_room(self, case: CaseFile, script: RuleFile | None) -> bool:
        more = [_text(script)] if script and script.label not in self.texts else []
        return (
            len(self.texts) + len(more) <= MOST_TEXTS
            and len(self.cases) < MOST_CASES
            and self.size + _size(_case(case)) + sum(map(_size, more)) <= MAX_BODY_BYTES
        )

    def add(self, case: CaseFile, script: RuleFile | None) -> None:
        if script and script.label not in self.texts:
            self._add_text(script)
        self.cases.append(_case(case))
        self.size += _size(self.cases[-1])

    def _add_text(self, rule: RuleFile) -> None:
        self.texts[rule.label] = _text(rule)
        self.size += _size(self.texts[rule.label])


def _text(rule: RuleFile) -> dict[str, Any]:
    return {"module": rule.module, "name": rule.name, "language": rule.language, "source": rule.text}


def _case(case: CaseFile) -> dict[str, Any]:
    return {"module": case.module, "script": case.script, "name": case.name, "case": case.case}


def _size(part: Any) -> int:
    """Bytes of a part in a request's body, with the little that stands around it."""
    return len(json.dumps(part)) + 20
