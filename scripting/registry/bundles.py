"""The bundle of a version: the helpers that it imports, and the values of its knobs that are active."""

from __future__ import annotations

import functools
import itertools
import json
import operator
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from django.db import router

from scripting.models import SEGMENTS, SHARED, BundleHelper, BundleKnobs, KnobSet, Script, ScriptVersion
from scripting.sandbox import source_text
from scripting.storage.compiled_query import Parameter, Prepared
from scripting.supervisor.bundling import bundle_of
from scripting.types import Bundle, KnobValue, Source, canonical

Values: TypeAlias = Mapping[str, Any]
"""Values of knobs by name; under SEGMENTS those for some events alone, as [selector, values by name] in the order in which they count."""


def active_helpers(languages: Collection[str]) -> dict[str, tuple[Source, ...]]:
    """The helpers that scripts of these languages may import, by language."""
    database = router.db_for_read(Script)
    return {
        language: tuple(
            source_with(f"{SHARED}/{name}", language, source_text.decode(bytes(content)), knobs)
            for name, content, knobs in _helpers.rows(database, language=language)
        )
        for language in languages
    }


_helpers = Prepared(
    lambda: (
        Script.objects.in_use()
        .filter(module=SHARED, active_version__language=Parameter("language"), enabled=True)
        .order_by("name")
        .values_list("name", "active_version__content", "active_knobs__content")
    )
)


def values_in(content: str | None) -> Values:
    """Values out of a stored set (None: there is none)."""
    return dict(json.loads(content)) if content else {}


def pairs(values: Values) -> tuple[tuple[str, KnobValue], ...]:
    return tuple(sorted((name, value) for name, value in values.items() if name != SEGMENTS))


def source_with(name: str, language: str, text: str, content: str | None) -> Source:
    """A text with the values of a stored set (None: its own)."""
    return with_values(Source(name, language, text), values_in(content))


def active_values(name: str) -> Values:
    """The values that are active for the knobs of the script `module/name`."""
    module, _, script = name.partition("/")
    if not script:  # a text that is of no module
        return {}
    content = Script.objects.named(module, script).values_list("active_knobs__content", flat=True).first()
    return values_in(content)


def bundle_for(source: Source, values: Values | None = None) -> Bundle:
    """`source` with the active helpers that it may import, and these values of its knobs (None: the active ones)."""
    source = with_values(source, active_values(source.name) if values is None else values)
    if SHARED not in source.text:
        return Bundle(source)
    return bundle_of(source, active_helpers({source.language}).get(source.language, ()))


def with_values(source: Source, values: Values) -> Source:
    segments = tuple((selector, pairs(own)) for selector, own in values.get(SEGMENTS, ()))
    return Source(source.name, source.language, source.text, pairs(values), segments)


def values_of(source: Source) -> Values:
    """The values that a text has, as a set keeps them."""
    found: dict[str, Any] = dict(source.knobs)
    if source.segments:
        found[SEGMENTS] = [[selector, dict(own)] for selector, own in source.segments]
    return found


def variants(bundle: Bundle) -> Iterator[Bundle]:
    """Every bundle that it is compiled to, for whatever event."""
    if not bundle.is_split:
        yield bundle
        return
    choices = [
        [
            source.of_segment(functools.partial(operator.eq, name))
            for name in ("", *(each for each, _ in source.segments))
        ]
        for source in sources(bundle)
    ]
    for script, *helpers in itertools.product(*choices):
        yield Bundle(script, tuple(helpers), bundle.offered)


def set_number(bundle: Bundle) -> int | None:
    """The number of the stored set of its script's knobs; None where they have their defaults. Looked up once for a bundle."""
    if not bundle.script.knobs:
        return None
    kept: int | None = bundle.__dict__.get("_set_number")
    if kept is None:
        module, _, name = bundle.script.name.partition("/")
        of_script = BundleKnobs.objects.filter(
            bundle_digest=bundle.digest, knobs__script__module=module, knobs__script__name=name
        )
        kept = of_script.order_by("-knobs__number").values_list("knobs__number", flat=True).first()
        bundle.__dict__["_set_number"] = kept
    return kept


def remember(bundles: Iterable[Bundle]) -> None:
    """Keep which helper versions and which values each bundle took in; idempotent, and without a write where it is known."""
    several = list(bundles)
    _remember_helpers(several)
    _remember_knobs(several)


def _remember_helpers(bundles: Iterable[Bundle]) -> None:
    new = {variant.digest: variant for bundle in bundles if bundle.helpers for variant in variants(bundle)}
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


def _remember_knobs(bundles: Iterable[Bundle]) -> None:
    new = {
        variant.digest: tuned
        for bundle in bundles
        for variant in variants(bundle)
        if (tuned := [whole for whole, own in zip(sources(bundle), sources(variant), strict=True) if own.knobs])
    }
    if not new:
        return
    named = BundleKnobs.objects.filter(bundle_digest__in=list(new))
    columns = ("bundle_digest", "knobs__script__module", "knobs__script__name", "knobs__sha256")
    known = {(digest, f"{module}/{name}", sha256) for digest, module, name, sha256 in named.values_list(*columns)}
    wanted = {
        digest: [
            which
            for source in few
            if (digest, *(which := (source.name, values_digest(values_of(source))))) not in known
        ]
        for digest, few in new.items()
    }
    if not any(wanted.values()):
        return
    sets = {
        (str(knobs.script), knobs.sha256): knobs
        for knobs in KnobSet.objects.filter(
            sha256__in={digest for each in wanted.values() for _, digest in each}
        ).select_related("script")
    }
    rows = [
        BundleKnobs(bundle_digest=digest, knobs=sets[which])
        for digest, each in wanted.items()
        for which in each
        if which in sets  # else a trial's, which is recorded nowhere
    ]
    if rows:
        BundleKnobs.objects.bulk_create(rows, ignore_conflicts=True)


def sources(bundle: Bundle) -> tuple[Source, ...]:
    """The script of a bundle, then its helpers."""
    return (bundle.script, *bundle.helpers)


def values_digest(values: Values) -> str:
    """sha256 (hex) of values, as a stored set has it."""
    return ScriptVersion.digest_of(canonical(values).encode())
