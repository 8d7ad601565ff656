"""The helpers that a version is bundled with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.db import router

from scripting.models import SHARED, BundleHelper, Script, ScriptVersion
from scripting.sandbox import source_text
from scripting.storage.compiled_query import Parameter, Prepared
from scripting.types import Bundle, Source


def active_helpers(languages: Collection[str]) -> dict[str, tuple[Source, ...]]:
    """The helpers that scripts of these languages may import, by language."""
    database = router.db_for_read(Script)
    return {
        language: tuple(
            Source(f"{SHARED}/{name}", language, source_text.decode(bytes(content)))
            for name, content in _helpers.rows(database, language=language)
        )
        for language in languages
    }


_helpers = Prepared(
    lambda: (
        Script.objects.in_use()
        .filter(module=SHARED, active_version__language=Parameter("language"), enabled=True)
        .order_by("name")
        .values_list("name", "active_version__content")
    )
)


def bundle_for(source: Source) -> Bundle:
    """`source` with the active helpers that it may import."""
    if SHARED not in source.text:
        return Bundle(source)
    return bundle_of(source, active_helpers({source.language}).get(source.language, ()))


def bundle_of(source: Source, available: Sequence[Source]) -> Bundle:
    """`source` with those of the available helpers that it may import."""
    return Bundle(source, _wanted(source, available), tuple(helper.name for helper in available))


def _wanted(source: Source, available: Sequence[Source]) -> tuple[Source, ...]:
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
