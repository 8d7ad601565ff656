"""Verify texts: every version, helper and set of values still has its digest, and bundles that decided are what they were."""

from __future__ import annotations

from collections.abc import Mapping

from scripting.models import KnobSet, ScriptVersion
from scripting.models.execution import AttemptFields, Execution
from scripting.receipts.findings import Report
from scripting.registry.bundles import values_digest
from scripting.registry.reading import recorded
from scripting.registry.resolved import ScriptNotFound


def verify_texts(report: Report) -> None:
    """Every stored text against its own digest."""
    for version in ScriptVersion.objects.select_related("script").order_by("pk").iterator(chunk_size=200):
        report.looked["texts"] += 1
        content = bytes(version.content)
        if ScriptVersion.digest_of(content) != version.sha256:
            report.find(f"version {version}", "altered: its text does not have the digest that it was stored with")
        if version.source != ScriptVersion.shown(content):
            report.find(f"version {version}", "altered: the text that is shown is not the one that runs")
    for knobs in KnobSet.objects.select_related("script").order_by("pk").iterator(chunk_size=500):
        report.looked["sets of values"] += 1
        if not _is_whole(knobs):
            report.find(str(knobs), "altered: its values do not have the digest that they were stored with")


def verify_bundles(bundles: Mapping[bytes, set[int]], report: Report) -> None:
    """Bundles that receipts name, made again of the texts, helpers and values that are stored."""
    versions = ScriptVersion.objects.select_related("script").in_bulk({pk for few in bundles.values() for pk in few})
    for digest, few in sorted(bundles.items()):
        for pk in sorted(few):
            report.looked["bundles"] += 1
            version = versions.get(pk)
            if version is None:
                report.find(f"bundle {digest.hex()[:12]}", f"the version {pk} that decided with it was removed")
                continue
            made: AttemptFields = Execution(version=version, bundle_digest=digest.hex())
            try:
                recorded(made)
            except (ScriptNotFound, ValueError) as error:
                report.find(
                    f"bundle {digest.hex()[:12]} of {version}",
                    f"altered: its text, a helper, its values or its script's name ({error})",
                )


def _is_whole(knobs: KnobSet) -> bool:
    try:
        return values_digest(knobs.all_values) == knobs.sha256
    except ValueError:  # no JSON any more
        return False
