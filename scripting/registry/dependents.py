"""Which scripts import a helper, which of them a change of it would break, and changes of both kept one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripting.models import SHARED, Script, ScriptVersion
from scripting.modules.installed import limits_for, modules
from scripting.registry.bundles import active_helpers, bundle_of
from scripting.runtime import pool
from scripting.runtime.host_calls import host_functions
from scripting.types import Bundle, Diagnostic, Source


@dataclass(frozen=True)
class Broken:
    """An active version that passes its check today and would not pass it after the change."""

    script: str
    number: int
    diagnostic: Diagnostic
    """What would be wrong with it."""

    def __str__(self) -> str:
        where = f" line {self.diagnostic.line}" if self.diagnostic.line is not None else ""
        return f"{self.script} (v{self.number}){where}: {self.diagnostic.message}"


def hold(script: Script, version: ScriptVersion | None) -> bool:
    """Whether a change of `script` to `version` concerns helpers; if so, no other that does happens until the transaction ends.

    Else a helper and what imports it, each judged beside the other as it was, might both become active and not fit.
    Call it before the script itself is locked: whoever takes both takes them in this order.
    """
    if script.module != SHARED and (version is None or SHARED not in version.source):
        return False
    list(Script.objects.select_for_update().filter(module=SHARED).order_by("pk").values_list("pk", flat=True))
    return True


def dependents_of(name: str) -> list[ScriptVersion]:
    """The active versions that take in the helper `shared/<name>`, other helpers among them."""
    helper = f"{SHARED}/{name}"
    return [version for version, bundle in _bundles() if any(source.name == helper for source in bundle.helpers)]


def broken_by(name: str, changed: Source | None) -> list[Broken]:
    """What breaks when the helper `shared/<name>` becomes `changed` (None: when it is there no longer)."""
    helper = f"{SHARED}/{name}"
    found = []
    for version, today in _bundles():
        others = tuple(source for source in _helpers(version.language) if source.name != helper)
        offered = (*others, changed) if changed is not None and changed.language == version.language else others
        then = bundle_of(today.script, offered)
        if then.digest == today.digest:
            continue
        problem = _problem(version.script, then)
        if problem is not None and _problem(version.script, today) is None:
            found.append(Broken(str(version.script), version.number, problem))
    return found


def _bundles() -> Iterator[tuple[ScriptVersion, Bundle]]:
    """Every active version that may import helpers, as it is compiled today."""
    rows = Script.objects.in_use().exclude(active_version=None).select_related("active_version")
    for script in rows.order_by("module", "name"):
        version = script.active_version
        assert version is not None
        version.script = script
        source = Source(str(script), version.language, version.text)
        if SHARED in source.text:
            yield version, bundle_of(source, _helpers(version.language))


def _helpers(language: str) -> tuple[Source, ...]:
    return active_helpers({language}).get(language, ())


def _problem(script: Script, bundle: Bundle) -> Diagnostic | None:
    """The first error that its check finds."""
    module = modules.get(script.module)
    report = pool.check(bundle, limits_for(script.module), host_functions(module))
    return None if report.ok else next(d for d in report.diagnostics if d.severity == "error")
