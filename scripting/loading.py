"""Scripts read from the database as they run: the active version with its helpers, and what runs when it fails."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery

from scripting.conf import conf
from scripting.models import SHARED, Activation, BundleHelper, Script, ScriptVersion
from scripting.models.execution import AttemptFields
from scripting.modules import limits_for, modules
from scripting.types import Bundle, SecurityLimits, Source, VersionInfo

Key = tuple[str, str]
"""(module, script): what a script is known by."""

_MANY = 400
"""More names than this are not listed in a query, whose parameters are bounded: everything is read."""


class ScriptNotFound(LookupError):
    """There is no such script, or it has no active version: the message names it and what there is."""


@dataclass(frozen=True)
class ActiveVersion:
    """A version ready to run."""

    id: int
    info: VersionInfo
    bundle: Bundle


@dataclass(frozen=True)
class ResolvedScript:
    """A script as it runs now in this process."""

    id: int
    module: str
    name: str
    enabled: bool
    active: ActiveVersion
    limits: SecurityLimits
    fallbacks: tuple[ActiveVersion, ...]
    """What runs when the active version fails: the previous good version, then the embedded default; each at most once."""

    def __str__(self) -> str:
        return f"{self.module}/{self.name}"

    @property
    def key(self) -> Key:
        return self.module, self.name


# -- reading -----------------------------------------------------------------------------------------------------------


def load(keys: Collection[Key] | None = None) -> dict[Key, ResolvedScript]:
    """The scripts of these keys (None: all) that could run now, in a number of queries that does not grow with them."""
    scripts = _with_versions(keys)
    earlier = ScriptVersion.objects.defer("source", "diagnostics").in_bulk(_previous(scripts))
    candidates = {script.pk: _candidates(script, earlier) for script in scripts}
    texts = [version for versions in candidates.values() for version in versions]
    helpers = active_helpers({version.language for version in texts if SHARED in version.text})
    found = {
        (script.module, script.name): _resolved(script, candidates[script.pk], helpers)
        for script in scripts
        if candidates[script.pk]
    }
    _remember_helpers([version.bundle for script in found.values() for version in (script.active, *script.fallbacks)])
    return found


def _with_versions(keys: Collection[Key] | None) -> list[Script]:
    """Rows of the scripts, with the version that was active before the present one as `previous`."""
    earlier = (
        Activation.objects.filter(script=OuterRef("pk"), version__accepted=True)
        .exclude(version=OuterRef("active_version"))
        .order_by("-id")
    )
    rows = (
        Script.objects.in_use()
        .exclude(active_version=None)
        .select_related("active_version", "default_version")
        .defer("active_version__source", "active_version__diagnostics", "default_version__source")
        .annotate(previous=Subquery(earlier.values("version")[:1]))
    )
    if keys is not None and len(keys) <= _MANY:
        wanted = Q(pk__in=[])
        for module, name in keys:
            wanted |= Q(module=module, name=name)
        rows = rows.filter(wanted)
    return [row for row in rows if keys is None or (row.module, row.name) in keys]


def _previous(scripts: Iterable[Script]) -> set[int]:
    """The versions that were active before, where they are not at hand as the default."""
    return {s.previous for s in scripts if s.previous not in {None, s.default_version_id}}  # type: ignore[attr-defined]


def _candidates(script: Script, earlier: Mapping[int, ScriptVersion]) -> list[ScriptVersion]:
    """The active version, the previous good one, the default: each at most once."""
    default = script.default_version
    previous_id: int | None = script.previous  # type: ignore[attr-defined]
    previous = default if previous_id == script.default_version_id else earlier.get(previous_id or 0)
    distinct = {version.pk: version for version in (script.active_version, previous, default) if version is not None}
    return list(distinct.values())


def _resolved(
    script: Script, versions: Sequence[ScriptVersion], helpers: dict[str, tuple[Source, ...]]
) -> ResolvedScript:
    active, *fallbacks = [_ready(script, version, helpers) for version in versions]
    limits = limits_for(modules.get(script.module), conf.default_limits(), script.limit_changes())
    return ResolvedScript(script.pk, script.module, script.name, script.enabled, active, limits, tuple(fallbacks))


def _ready(script: Script, version: ScriptVersion, helpers: dict[str, tuple[Source, ...]]) -> ActiveVersion:
    info = VersionInfo(version.number, version.sha256, version.origin, version.language)
    source = Source(str(script), version.language, version.text)
    return ActiveVersion(version.pk, info, Bundle(source, helpers_of(source, helpers.get(version.language, ()))))


def recorded(execution: AttemptFields) -> ActiveVersion:
    """The very bundle that an execution or attempt ran. Raises ScriptNotFound when it ran none (the built-in rule)."""
    version = execution.version
    if version is None:
        raise ScriptNotFound("no version decided this execution: there is nothing to repeat")
    name = str(version.script)
    helpers = tuple(
        Source(str(helper.version.script), helper.version.language, helper.version.text)
        for helper in BundleHelper.objects.filter(bundle_digest=execution.bundle_digest)
        .select_related("version__script")
        .order_by("version__script__name")
    )
    bundle = Bundle(Source(name, version.language, version.text), helpers)
    if bundle.digest != execution.bundle_digest:
        raise ScriptNotFound(f"the bundle {execution.bundle_digest[:12]} of {name} is not known whole")
    info = VersionInfo(version.number, version.sha256, version.origin, version.language)
    return ActiveVersion(version.pk, info, bundle)


# -- helpers -----------------------------------------------------------------------------------------------------------


def active_helpers(languages: Collection[str]) -> dict[str, tuple[Source, ...]]:
    """The helpers that scripts of these languages may import, by language."""
    found: dict[str, list[Source]] = {}
    if languages:
        for script in (
            Script.objects.in_use()
            .filter(module=SHARED, active_version__language__in=languages, enabled=True)
            .select_related("active_version")
            .order_by("name")
        ):
            version = script.active_version
            assert version is not None
            found.setdefault(version.language, []).append(Source(str(script), version.language, version.text))
    return {language: tuple(sources) for language, sources in found.items()}


def helpers_for(source: Source) -> tuple[Source, ...]:
    """The active helpers that `source` may import."""
    if SHARED not in source.text:
        return ()
    return helpers_of(source, active_helpers({source.language}).get(source.language, ()))


def helpers_of(source: Source, available: Sequence[Source]) -> tuple[Source, ...]:
    """The helpers that `source` may import, transitively: those whose name its text, or theirs, mentions.

    A text search without parsing (source is never parsed in a trusted process): it may take one too many, never one too few.
    """
    wanted: dict[str, Source] = {}
    texts = [source.text]
    while texts:
        text = texts.pop()
        if SHARED not in text:
            continue
        for helper in available:
            if helper.name not in wanted and helper.name != source.name and helper.name.split("/")[1] in text:
                wanted[helper.name] = helper
                texts.append(helper.text)
    return tuple(wanted[name] for name in sorted(wanted))


def _remember_helpers(bundles: Iterable[Bundle]) -> None:
    """Keep which helper versions each bundle took in; idempotent, and without a write where it is known."""
    new = {bundle.digest: bundle for bundle in bundles if bundle.helpers}
    if not new:
        return
    known = BundleHelper.objects.filter(bundle_digest__in=list(new)).values_list("bundle_digest", flat=True).distinct()
    missing = new.keys() - set(known)
    helpers = {(h.name, h.language, ScriptVersion.digest_of(h.text.encode())) for d in missing for h in new[d].helpers}
    versions = {
        (str(version.script), version.language, version.sha256): version
        for version in ScriptVersion.objects.filter(
            sha256__in=[digest for _, _, digest in helpers], script__module=SHARED
        ).select_related("script")
    }
    rows = [
        BundleHelper(
            bundle_digest=digest, version=versions[h.name, h.language, ScriptVersion.digest_of(h.text.encode())]
        )
        for digest in missing
        for h in new[digest].helpers
    ]
    if rows:
        BundleHelper.objects.bulk_create(rows, ignore_conflicts=True)
