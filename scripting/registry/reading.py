"""Scripts read from the database, or out of what another process read, as they run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import router
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When

from scripting.models import SHARED, Activation, Breaker, BundleHelper, BundleKnobs, KnobSet, Script, ScriptVersion
from scripting.models.execution import AttemptFields
from scripting.modules.installed import fallbacks_for, limits_for
from scripting.registry.bundles import active_helpers, remember, source_with, variants
from scripting.registry.resolved import ActiveVersion, BreakerState, Key, ResolvedScript, ScriptNotFound
from scripting.sandbox import source_text
from scripting.storage.compiled_query import Among, Parameter, Prepared, number
from scripting.supervisor.bundling import bundle_of
from scripting.types import Bundle, Source, VersionInfo

# Every process does this within milliseconds of every change: rows are tuples, the query is compiled once, and what never
# changes, the text of a version, is read once.

_MANY = 400
"""More names than this are not listed in a query, whose parameters are bounded: everything is read."""


class _Version(NamedTuple):
    """A version's row, as far as it takes part in a run."""

    id: int
    number: int
    sha256: str
    origin: str
    language: str
    text: str

    @staticmethod
    def of(row: Sequence[Any]) -> _Version:
        """From the columns of _VERSION."""
        return _Version._make((*row[:-1], source_text.decode(bytes(row[-1]))))

    @staticmethod
    def at_hand(version: ActiveVersion) -> _Version:
        source, info = version.bundle.script, version.info
        return _Version(version.id, info.number, info.digest, info.origin, info.language, source.text)


class _Row(NamedTuple):
    """A script's row with the ids of what runs when its active version fails."""

    id: int
    module: str
    name: str
    enabled: bool
    max_execution_time: float | None
    max_memory_bytes: int | None
    previous: int | None
    """The last other version that was active and whose breaker is not open."""
    previous_knobs: int | None
    """The set of values that was active with it last."""
    default: int | None
    """The embedded default, likewise."""
    knobs: str | None
    """The values that are active, as their set has them."""
    activation: int | None
    """The id of the last one: activations of a script are made one after the other."""
    failures: int | None
    opened_at: datetime | None
    window_failures: int | None
    window_runs: int | None
    active: _Version


_VERSION = ("id", "number", "sha256", "origin", "language", "content")
_BREAKER = tuple(
    f"active_version__breaker__{name}" for name in ("failures", "opened_at", "window_failures", "window_runs")
)
_LIMITS = ("max_execution_time", "max_memory_bytes")


def load(
    keys: Collection[Key] | None = None, read: Mapping[Key, ResolvedScript] = MappingProxyType({})
) -> dict[Key, ResolvedScript]:
    """The scripts of these keys (None: all) that could run now, in a number of queries that does not grow with them.

    `read` are scripts as they were read before: of a version among theirs the text is not read again.
    """
    rows = _rows(keys)
    return _load(rows, read.values() if keys is None else (read[key] for key in keys if key in read))


def _load(rows: Sequence[_Row], read: Iterable[ResolvedScript] = ()) -> dict[Key, ResolvedScript]:
    versions = _at_hand(read)
    versions |= {row.active.id: row.active for row in rows}
    versions |= _versions({pk for row in rows for pk in (row.previous, row.default)} - versions.keys())
    sets = _contents({row.previous_knobs for row in rows})
    candidates = {row.id: [(versions[pk], content) for pk, content in _candidates(row, sets)] for row in rows}
    importing = {version.language for few in candidates.values() for version, _ in few if SHARED in version.text}
    helpers = active_helpers(importing)
    found = {
        (row.module, row.name): _resolved(
            row,
            [
                _ready(row, version, content, helpers.get(version.language, ()))
                for version, content in candidates[row.id]
            ],
        )
        for row in rows
    }
    remember(version.bundle for script in found.values() for version in (script.active, *script.fallbacks))
    return found


def _rows(keys: Collection[Key] | None) -> list[_Row]:
    database = router.db_for_read(Script)
    if keys is None:
        return [_row(row) for row in _all.rows(database)]
    if len(keys) == 1:
        [(module, name)] = keys
        return [_row(row) for row in _one.rows(database, module=module, name=name)]
    query = _query()
    if len(keys) <= _MANY:
        wanted = Q(pk__in=[])
        for module, name in keys:
            wanted |= Q(module=module, name=name)
        query = query.filter(wanted)
    return [row for row in map(_row, query) if (row.module, row.name) in keys]


def _row(columns: Sequence[Any]) -> _Row:
    return _Row._make((*columns[:15], _Version.of(columns[15:])))


def _query() -> QuerySet[Script, Any]:
    broken = Breaker.objects.filter(version=OuterRef("version"), opened_at__isnull=False)
    activations = Activation.objects.filter(script=OuterRef("pk")).order_by("-id")
    earlier = (
        Activation.objects.filter(~Exists(broken), script=OuterRef("pk"), version__accepted=True)
        .exclude(version=OuterRef("active_version"))
        .order_by("-id")
    )
    default = Case(When(default_version__breaker__opened_at=None, then="default_version"))
    own = (
        "pk",
        "module",
        "name",
        "enabled",
        *_LIMITS,
        "previous",
        "previous_knobs",
        "default",
        "active_knobs__content",
        "activation",
        *_BREAKER,
    )
    return (
        Script.objects.in_use()
        .exclude(active_version=None)
        .annotate(
            previous=Subquery(earlier.values("version")[:1]),
            previous_knobs=Subquery(earlier.values("knobs")[:1]),
            default=default,
            activation=Subquery(activations.values("pk")[:1]),
        )
        .values_list(*own, *(f"active_version__{name}" for name in _VERSION))
    )


_all = Prepared(_query)
_one = Prepared(lambda: _query().filter(module=Parameter("module"), name=Parameter("name")))


def _at_hand(scripts: Iterable[ResolvedScript]) -> dict[int, _Version]:
    return {v.id: _Version.at_hand(v) for script in scripts for v in (script.active, *script.fallbacks)}


def _versions(ids: set[int | None]) -> dict[int, _Version]:
    wanted = {pk for pk in ids if pk is not None}
    if len(wanted) <= _MANY:
        rows = _some_versions.rows(router.db_for_read(ScriptVersion), wanted)
    else:
        rows = list(ScriptVersion.objects.order_by().values_list(*_VERSION))
    return {row[0]: _Version.of(row) for row in rows if row[0] in wanted}


_some_versions = Among(
    lambda names: ScriptVersion.objects.order_by().filter(pk__in=map(number, names)).values_list(*_VERSION)
)


def _contents(ids: set[int | None]) -> dict[int | None, str]:
    """The values of these sets, as they are stored."""
    wanted = {pk for pk in ids if pk is not None}
    if not wanted:
        return {}
    rows = KnobSet.objects.order_by()
    if len(wanted) <= _MANY:
        rows = rows.filter(pk__in=wanted)
    return {pk: content for pk, content in rows.values_list("pk", "content") if pk in wanted}


def _candidates(row: _Row, sets: Mapping[int | None, str]) -> list[tuple[int, str | None]]:
    """The active version and what runs when it fails, each with the values of its knobs, and at most once.

    The previous version has those that were active with it, the embedded default its own: what fails may be a value.
    """
    named = {"previous": (row.previous, sets.get(row.previous_knobs)), "default": (row.default, None)}
    order = [named[name] for name in fallbacks_for(row.module)]
    found = [(pk, content) for pk, content in ((row.active.id, row.knobs), *order) if pk is not None]
    return list(dict.fromkeys((pk, None if content == "{}" else content) for pk, content in found))


def _resolved(row: _Row, ready: Sequence[ActiveVersion]) -> ResolvedScript:
    active, *fallbacks = ready
    own = {limit: value for limit in _LIMITS if (value := getattr(row, limit)) is not None}
    limits = limits_for(row.module, **own)
    breaker = None
    if row.failures or row.opened_at:
        breaker = BreakerState(row.failures or 0, row.opened_at, row.window_failures or 0, row.window_runs or 0)
    return ResolvedScript(
        row.id, row.module, row.name, row.enabled, active, limits, tuple(fallbacks), breaker, row.activation or 0
    )


def _ready(row: _Row, version: _Version, knobs: str | None, helpers: Sequence[Source] = ()) -> ActiveVersion:
    source = source_with(f"{row.module}/{row.name}", version.language, version.text, knobs)
    info = VersionInfo(version.number, version.sha256, version.origin, version.language)
    return ActiveVersion(version.id, info, bundle_of(source, helpers))


# -- as another process read it ------------------------------------------------------------------------------------------


class Carried(NamedTuple):
    """A script as who changed it read it behind the change: all that a process needs which knows the texts of before."""

    row: _Row
    previous_values: str | None
    """The values that were active with the previous version."""
    change: int
    """The id of the script's newest row of history."""

    @property
    def key(self) -> Key:
        return self.row.module, self.row.name

    @property
    def activation(self) -> int:
        return self.row.activation or 0


CARRIED_CHARACTERS = 100_000
"""The longest text that is carried to every process."""


def carried(key: Key, read: Iterable[ResolvedScript] = ()) -> Carried | None:
    """The script as it is now; None where each process has to look itself: for helpers, for a breaker, for a long text. `read` as in `load`."""
    module, name = key
    for *columns, change in _one_with_change.rows(router.db_for_read(Script), module=module, name=name):
        row = _row(columns)
        script = _load([row], read)[key]
        texts = [version.bundle.script.text for version in (script.active, *script.fallbacks)]
        if script.breaker or any(SHARED in text for text in texts) or len(row.active.text) > CARRIED_CHARACTERS:
            return None
        return Carried(row, _contents({row.previous_knobs}).get(row.previous_knobs), change or 0)
    return None


def _with_change() -> QuerySet[Script, Any]:
    """In one statement: else a change that comes in between would be told of by one and not by the other."""
    last = Script.history.filter(id=OuterRef("pk")).order_by("-history_id").values("history_id")[:1]
    return _query().filter(module=Parameter("module"), name=Parameter("name")).annotate(change=Subquery(last))


_one_with_change = Prepared(_with_change)


def following(told: Carried, before: ResolvedScript) -> ResolvedScript | None:
    """The newer of both; None where a text is needed that is not at hand.

    What was read before its last activation is older than `told` in everything. What was read behind it may be newer.
    """
    row = told.row
    if told.activation <= before.activation:
        return before
    plain = {version.id: version for version in (before.active, *before.fallbacks) if _is_plain(version.bundle)}
    versions = _at_hand([before]) | {row.active.id: row.active}
    ready = []
    for pk, content in _candidates(row, {row.previous_knobs: told.previous_values} if told.previous_values else {}):
        if content is None and pk in plain:
            ready.append(plain[pk])  # as it is, with the digest that it has
        elif pk in versions:
            ready.append(_ready(row, versions[pk], content))
        else:
            return None
    return _resolved(row, ready)


def alone(told: Carried) -> ResolvedScript:
    """The script as it was told, without what runs when it fails."""
    return _resolved(told.row, [_ready(told.row, told.row.active, told.row.knobs)])


def _is_plain(bundle: Bundle) -> bool:
    """Whether it is the script's text alone, without helpers, and each knob as the text has it."""
    return not (bundle.helpers or bundle.script.knobs or bundle.script.segments)


def recorded(execution: AttemptFields) -> ActiveVersion:
    """The very bundle that an execution or attempt ran. Raises ScriptNotFound when it ran none (the built-in rule)."""
    version = execution.version
    if version is None:
        raise ScriptNotFound("no version decided this execution: there is nothing to repeat")
    name = str(version.script)
    values = {
        str(kept.knobs.script): kept.knobs.content
        for kept in BundleKnobs.objects.filter(bundle_digest=execution.bundle_digest).select_related("knobs__script")
    }
    helpers = tuple(
        source_with(
            str(helper.version.script),
            helper.version.language,
            helper.version.text,
            values.get(str(helper.version.script)),
        )
        for helper in BundleHelper.objects.filter(bundle_digest=execution.bundle_digest)
        .select_related("version__script")
        .order_by("version__script__name")
    )
    whole = Bundle(source_with(name, version.language, version.text, values.get(name)), helpers)
    bundle = next((each for each in variants(whole) if each.digest == execution.bundle_digest), None)
    if bundle is None:
        raise ScriptNotFound(f"the bundle {execution.bundle_digest[:12]} of {name} is not known whole")
    info = VersionInfo(version.number, version.sha256, version.origin, version.language)
    return ActiveVersion(version.pk, info, bundle)
