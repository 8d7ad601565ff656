"""Check a folder of rules in sandboxes of this machine, as one program with the helpers in its `shared/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from scripting.client.folder import FolderWrong, RuleFile
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.supervisor.bundling import bundle_of
from scripting.supervisor.namespace import Namespace
from scripting.supervisor.pool import PoolConfig, SandboxPool
from scripting.types import Diagnostic, Knob, Source


@dataclass(frozen=True)
class CheckedRule:
    """A file with what its check found, in the order of its text."""

    rule: RuleFile
    diagnostics: tuple[Diagnostic, ...]
    knobs: tuple[Knob, ...] = ()

    @property
    def errors(self) -> int:
        return sum(each.severity == "error" for each in self.diagnostics)


def check(rules: Sequence[RuleFile], namespaces: Mapping[str, Any], *, strict: bool = False) -> list[CheckedRule]:
    """Check every file. `namespaces` by module, as the server tells them; of a module without, errors alone are told.

    `strict` makes errors of warnings. Raises FolderWrong for namespaces that are none, SupervisorError.
    """
    with closing(Checker()) as checker:
        return checker.check(rules, known(namespaces), rules, strict=strict)


def known(namespaces: Mapping[str, Any]) -> dict[str, Namespace]:
    """The namespaces of modules, out of what a server says of them. Raises FolderWrong."""
    try:
        return {module: Namespace.of_json(document) for module, document in namespaces.items()}
    except msgspec.ValidationError as error:
        raise FolderWrong(f"the namespace that was pulled is of another release ({error}): pull again") from None


class Checker:
    """Checks rules until it is closed, in one sandbox at a time."""

    def __init__(self) -> None:
        self._pool = SandboxPool(PoolConfig(max_sandboxes=1))

    def check(
        self,
        wanted: Sequence[RuleFile],
        namespaces: Mapping[str, Namespace],
        rules: Sequence[RuleFile],
        *,
        strict: bool = False,
    ) -> list[CheckedRule]:
        """Check the wanted files with the helpers that are among all `rules`. Raises SupervisorError."""
        helpers = [_source(rule) for rule in rules if rule.module == HELPER_MODULE]
        return [self._checked(rule, helpers, namespaces.get(rule.module), strict) for rule in wanted]

    def close(self) -> None:
        """End the sandboxes."""
        self._pool.close()

    def _checked(
        self, rule: RuleFile, helpers: Sequence[Source], namespace: Namespace | None, strict: bool
    ) -> CheckedRule:
        beside = [helper for helper in helpers if helper.language == rule.language]
        around = namespace or Namespace()
        runs = around.runs.get(rule.name, ())
        report = self._pool.check(bundle_of(_source(rule), beside), around.limits, around.functions, runs)
        found = report.diagnostics
        if namespace is None and rule.module != HELPER_MODULE:
            found = tuple(each for each in found if each.severity == "error")
        if strict:
            found = tuple(replace(each, severity="error", certain=False) for each in found)
        return CheckedRule(rule, found, report.knobs)


def _source(rule: RuleFile) -> Source:
    return Source(rule.label, rule.language, rule.text)
