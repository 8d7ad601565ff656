"""Check a folder of rules in sandboxes of this machine, as one program with the helpers in its `shared/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from scripting.client.folder import FolderWrong, RuleFile
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.supervisor.bundling import bundle_of
from scripting.supervisor.namespace import Namespace
from scripting.supervisor.pool import PoolConfig, SandboxPool
from scripting.types import Diagnostic, Source


@dataclass(frozen=True)
class CheckedRule:
    """A file with what its check found, in the order of its text."""

    rule: RuleFile
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> int:
        return sum(each.severity == "error" for each in self.diagnostics)


def check(rules: Sequence[RuleFile], namespaces: Mapping[str, Any], *, strict: bool = False) -> list[CheckedRule]:
    """Check every file. `namespaces` by module, as the server tells them; of a module without, errors alone are told.

    `strict` makes errors of warnings. Raises FolderWrong for namespaces that are none, SupervisorError.
    """
    known = {module: _namespace(document) for module, document in namespaces.items()}
    sources = {rule.label: Source(rule.label, rule.language, rule.text) for rule in rules}
    helpers = [sources[rule.label] for rule in rules if rule.module == HELPER_MODULE]
    pool = SandboxPool(PoolConfig(max_sandboxes=1))
    try:
        return [_checked(pool, rule, sources[rule.label], helpers, known.get(rule.module), strict) for rule in rules]
    finally:
        pool.close()


def _checked(
    pool: SandboxPool,
    rule: RuleFile,
    source: Source,
    helpers: Sequence[Source],
    namespace: Namespace | None,
    strict: bool,
) -> CheckedRule:
    beside = [helper for helper in helpers if helper.language == source.language]
    around = namespace or Namespace()
    runs = around.runs.get(rule.name, ())
    report = pool.check(bundle_of(source, beside), around.limits, around.functions, runs)
    found = report.diagnostics
    if namespace is None and rule.module != HELPER_MODULE:
        found = tuple(each for each in found if each.severity == "error")
    if strict:
        found = tuple(replace(each, severity="error", certain=False) for each in found)
    return CheckedRule(rule, found)


def _namespace(document: Any) -> Namespace:
    try:
        return Namespace.of_json(document)
    except msgspec.ValidationError as error:
        raise FolderWrong(f"the namespace that was pulled is of another release ({error}): pull again") from None
