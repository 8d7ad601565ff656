"""Where an error lies: the version whose text the line is in, be it the script's or that of a helper it imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scripting.models import Attempt, BundleHelper, ErrorGroup, Execution, ScriptVersion
from scripting.models.execution import AttemptFields


@dataclass(frozen=True)
class Place:
    """A line of a version."""

    version: ScriptVersion
    line: int


def place_of(attempt: AttemptFields) -> Place | None:
    """Where the error of an attempt lies; None where it has no line, or that version is not known."""
    version, line, script = attempt.version, attempt.error_line, attempt.error_script
    if version is None or not line:
        return None
    if script in {"", str(version.script)}:
        return Place(version, line)
    module, _, name = script.partition("/")
    held = BundleHelper.objects.filter(
        bundle_digest=attempt.bundle_digest, version__script__module=module, version__script__name=name
    )
    found = held.select_related("version__script").first()
    return Place(found.version, line) if found else None


def latest_place(group: ErrorGroup) -> Place | None:
    """Where the errors of a group lie; in a helper, in the version of it that the latest run that failed this way took in."""
    if group.version is None or not group.error_line:
        return None
    if group.error_script in {"", str(group.script)}:
        return Place(group.version, group.error_line)
    latest = Execution.objects.filter(pk=group.last_execution).select_related("version__script").first()
    return place_of(failed_attempt(latest, latest.attempts.select_related("version__script"))) if latest else None


def failed_attempt(execution: Execution, tries: Iterable[Attempt]) -> AttemptFields:
    """The first attempt that failed, whose error is the execution's: later attempts were its fallback."""
    return next((attempt for attempt in tries if attempt.error_type), execution)
