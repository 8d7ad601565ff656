"""Why this version decided an execution: how it had become live, for what it stood in, and with which values of its knobs."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from scripting.insight import times
from scripting.models import Activation, BundleKnobs, Execution, KnobSchedule, KnobSet, Role, ScriptVersion
from scripting.modules.segments import fitting
from scripting.texts.escaping import one_line

BROKEN = "which was broken"
SHOWN = 200
"""Characters of an error or a reason."""
CAUSES = {
    Activation.Cause.DEFAULT: "as the game ships it",
    Activation.Cause.FILE: "taken from a file",
    Activation.Cause.PUBLISH: "published",
    Activation.Cause.ROLLBACK: "rolled back",
    Activation.Cause.FILE_DELETED: "active again since its file was deleted",
    Activation.Cause.UPGRADE: "upgraded",
}


def activated(activation: Activation) -> str:
    """`published by anna`: how a version became live."""
    words = CAUSES.get(activation.cause, activation.get_cause_display().lower())  # type: ignore[call-overload]
    return f"{words} by {activation.actor}" if activation.actor else str(words)


def decided_by(
    script: str, version: int | None, role: str, *, failed: int | str | None = None, knobs: int | None = None
) -> str:
    """`prices v2 with knobs 3, standing in for v6, which was broken`. `failed` is the version that should have decided."""
    instead = f"v{failed}" if isinstance(failed, int) else failed or "the live version"
    if role == Role.BUILT_IN or version is None:
        standing = f"standing in for {script} {instead}, {BROKEN}" if failed else f"since {script} was disabled"
        return f"the built-in rule, {standing}"
    words = f"{script} v{version}{f' with knobs {knobs}' if knobs else ''}"
    return f"{words}, standing in for {instead}, {BROKEN}" if role == Role.FALLBACK else words


def in_words(execution: Execution) -> str:
    """`decided_by` of a recorded execution; empty where nothing decided."""
    if execution.status not in {Execution.Status.SUCCEEDED, Execution.Status.FELL_BACK} and not _built_in(execution):
        return ""
    version, failed, knobs = execution.version, _failed(execution), own_knobs(execution)
    return decided_by(
        execution.script.name,
        version.number if version else None,
        execution.role,
        failed=failed.number if failed else None,
        knobs=knobs.number if knobs else None,
    )


def why(execution: Execution) -> SafeString:
    """The same for those who ask for the reason, in sentences with times."""
    return format_html_join(" ", "{}", ((part,) for part in _reasons(execution)))


def own_knobs(execution: Execution) -> KnobSet | None:
    """The set of values that the knobs of its script had; None for their defaults."""
    kept = BundleKnobs.objects.filter(bundle_digest=execution.bundle_digest, knobs__script=execution.script_id)
    found = kept.select_related("knobs").first() if execution.bundle_digest else None
    return found.knobs if found else None


def _reasons(execution: Execution) -> Iterator[SafeString]:
    version, failed = execution.version, _failed(execution)
    if execution.role == Role.BUILT_IN and not failed:
        yield format_html("{} was disabled, so the module’s built-in rule decided.", execution.script)
    elif version is not None and execution.role != Role.FALLBACK:
        yield _since(execution, version)
    if failed is not None and execution.status == Execution.Status.FELL_BACK:
        yield _since(execution, failed)
        message = one_line(execution.error_message, SHOWN)
        yield format_html("It was {}: {}." if execution.withheld else "It failed: {}.", *_what(execution, message))
        who = f"v{version.number}" if version else "the module’s built-in rule"
        yield format_html("So {} stood in for it.", who)
    if version is not None and (knobs := own_knobs(execution)) is not None:
        yield _values(execution, knobs)


def _failed(execution: Execution) -> ScriptVersion | None:
    """The version that should have decided; one that a breaker withheld is named by its attempt alone."""
    if execution.error_version is not None or execution.status != Execution.Status.FELL_BACK:
        return execution.error_version
    first = execution.attempts.select_related("version").order_by("ordinal").first()
    return first.version if first else None


def _what(execution: Execution, message: str) -> tuple[str, ...]:
    words, found, rest = message.partition(": ")
    return (words, rest) if execution.withheld and found else (message,)


def _since(execution: Execution, version: ScriptVersion) -> SafeString:
    """How the version was live when it was asked."""
    became = Activation.objects.filter(script=execution.script_id, created_at__lte=execution.started_at)
    latest = became.filter(version=version).select_related("actor").order_by("-id").first()
    if latest is None:
        return format_html("v{} was live.", version.number)
    reason = one_line(latest.reason, SHOWN)
    return format_html(
        "v{} was live since {}, {}{}.",
        version.number,
        times.moment(latest.created_at),
        activated(latest),
        f" (“{reason}”)" if reason else "",
    )


def _values(execution: Execution, knobs: KnobSet) -> SafeString:
    fits = fitting(execution.script.module, execution.key)
    selector = next((selector for selector, _ in knobs.segments if fits(selector)), "")
    which = f"set {knobs.number}{f' for {selector}' if selector else ''}"
    at = execution.started_at
    planned = KnobSchedule.objects.filter(knobs=knobs, starts_at__lte=at, ends_at__gt=at)
    plan = planned.exclude(state__in=[KnobSchedule.State.CANCELLED, KnobSchedule.State.REFUSED]).first()
    if plan is None:
        return format_html("Its knobs had the values of {}.", which)
    return format_html(
        "Its knobs had the values of {}, planned from {} until {} (“{}”).",
        which,
        times.moment(plan.starts_at),
        times.moment(plan.ends_at),
        one_line(plan.reason, SHOWN),
    )


def _built_in(execution: Execution) -> bool:
    return execution.role == Role.BUILT_IN and execution.result is not None
