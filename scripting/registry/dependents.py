"""Which scripts import a helper, which of them a change of it would break, and changes of both kept one after another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db import router
from django.db.models import Q

from scripting.models import SHARED, Script, ScriptVersion
from scripting.registry.bundles import Values, values_in, with_values
from scripting.registry.checking import check_bundle
from scripting.storage.compiled_query import Prepared
from scripting.supervisor.bundling import bundle_of
from scripting.types import Bundle, Diagnostic, Source

Key = tuple[str, str]
"""(module, script)."""


@dataclass(frozen=True)
class Broken:
    """An active version that passes its check today and would not pass it after the change."""

    script: str
    number: int
    diagnostic: Diagnostic
    """The diagnostic that it would have."""
    helpers: frozenset[str] = frozenset()
    """The changed helpers that it takes in, before or after."""

    def __str__(self) -> str:
        where = f" line {self.diagnostic.line}" if self.diagnostic.line is not None else ""
        return f"{self.script} (v{self.number}){where}: {self.diagnostic.message}"


class World:
    """The active versions that helpers concern, read once: how they are bundled today, and with other texts in their place."""

    @classmethod
    def empty(cls) -> World:
        """Nothing is active: texts are judged beside each other alone, without a database."""
        world = cls()
        world.__dict__["versions"] = {}
        world.__dict__["knobs"] = {}
        return world

    @cached_property
    def versions(self) -> dict[Key, ScriptVersion]:
        """Every active version that may import helpers, and every helper."""
        rows = Script.objects.in_use().exclude(active_version=None).select_related("active_version")
        concerned = Q(module=SHARED) | Q(active_version__source__contains=SHARED)
        found = {}
        for script in rows.filter(concerned).order_by("module", "name"):
            version = script.active_version
            assert version is not None
            version.script = script
            found[script.module, script.name] = version
        return found

    @cached_property
    def knobs(self) -> dict[str, Values]:
        """The values that are active for knobs, by script."""
        rows = _knobs.rows(router.db_for_read(Script))
        return {f"{module}/{name}": values_in(content) for module, name, content in rows}

    def with_knobs(self, knobs: Mapping[str, Values]) -> World:
        """The same world with other values active, by script."""
        other = World()
        other.__dict__["versions"] = self.versions
        other.__dict__["knobs"] = self.knobs | {name: dict(values) for name, values in knobs.items()}
        return other

    def tuned(self, source: Source) -> Source:
        """A text with the values that are active for its knobs."""
        return with_values(source, self.knobs.get(source.name, {}))

    def helpers(self, language: str, instead: Mapping[str, Source | None]) -> tuple[Source, ...]:
        """The helpers of a language, with those of `instead`, by name, in the place of the active ones (None: gone)."""
        active = {
            str(version.script): Source(str(version.script), language, version.text)
            for (module, _), version in self.versions.items()
            if module == SHARED and version.language == language and version.script.enabled
        }
        kept = [helper for name, helper in active.items() if name not in instead]
        new = [helper for helper in instead.values() if helper is not None and helper.language == language]
        return tuple(sorted(map(self.tuned, (*kept, *new)), key=lambda helper: helper.name))

    def bundle(self, source: Source, instead: Mapping[str, Source | None]) -> Bundle:
        """A text as it is compiled beside these helpers."""
        source = self.tuned(source)
        if SHARED not in source.text:
            return Bundle(source)
        return bundle_of(source, self.helpers(source.language, instead))

    def today(self, key: Key) -> Bundle | None:
        """Return the version of a script that runs now, if it imports helpers."""
        version = self.versions.get(key)
        return None if version is None else self.bundle(_source(version), {})

    def touched(
        self, changes: Mapping[str, Source | None], aside: Collection[Key] = ()
    ) -> Iterator[tuple[ScriptVersion, Bundle, Bundle]]:
        """Active versions that are compiled otherwise once the helpers change: each with its bundle of today and of then.

        Those of the scripts `aside` are left out.
        """
        for key, version in self.versions.items():
            if key in aside or SHARED not in version.source:
                continue
            today, then = self.bundle(_source(version), {}), self.bundle(_source(version), changes)
            if today.digest != then.digest:
                yield version, today, then


_knobs = Prepared(
    lambda: (
        Script.objects.in_use()
        .exclude(active_knobs=None)
        .order_by("pk")
        .values_list("module", "name", "active_knobs__content")
    )
)


def hold(script: Script, version: ScriptVersion | None) -> bool:
    """Whether a change of `script` to `version` concerns helpers; if so, no other that does happens until the transaction ends: see `hold_for`."""
    return hold_for(script, "" if version is None else version.source)


def hold_for(script: Script, text: str) -> bool:
    """Whether a change of `script` to this text concerns helpers; if so, no other that does happens until the transaction ends.

    Else a helper and what imports it, each judged beside the other as it was, might both become active and not fit.
    Call it before the script itself is locked: whoever takes both takes them in this order.
    """
    if script.module != SHARED and SHARED not in text:
        return False
    list(Script.objects.select_for_update().filter(module=SHARED).order_by("pk").values_list("pk", flat=True))
    return True


def dependents_of(name: str) -> list[ScriptVersion]:
    """The active versions that take in the helper `shared/<name>`, other helpers among them."""
    helper, world = f"{SHARED}/{name}", World()
    found = ((version, world.bundle(_source(version), {})) for version in world.versions.values())
    return [version for version, bundle in found if any(source.name == helper for source in bundle.helpers)]


def imported() -> set[str]:
    """The helpers, as `shared/<name>`, that some active version takes in."""
    world = World()
    bundles = (world.bundle(_source(version), {}) for version in world.versions.values())
    return {helper.name for bundle in bundles for helper in bundle.helpers}


def broken_by(
    changes: Mapping[str, Source | None], *, aside: Collection[Key] = (), world: World | None = None
) -> list[Broken]:
    """Find what breaks when the helpers `shared/<name>` change (None: when one is there no longer), apart from scripts `aside`."""
    found = []
    for version, today, then in (world or World()).touched(changes, aside):
        problem = _problem(version.script, then)
        if problem is not None and _problem(version.script, today) is None:
            takes_in = {source.name for source in (*today.helpers, *then.helpers)} & changes.keys()
            found.append(Broken(str(version.script), version.number, problem, frozenset(takes_in)))
    return found


def _source(version: ScriptVersion) -> Source:
    return Source(str(version.script), version.language, version.text)


def _problem(script: Script, bundle: Bundle) -> Diagnostic | None:
    """The first error that its check finds."""
    report = check_bundle(script.module, bundle)
    return None if report.ok else next(d for d in report.diagnostics if d.severity == "error")
