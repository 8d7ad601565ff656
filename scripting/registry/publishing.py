"""Check, store, activate, publish and roll back: the one way by which a version becomes the one that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from scripting.models import SHARED, Activation, Breaker, Draft, Script, ScriptVersion
from scripting.modules.installed import limits_for, modules
from scripting.processes import notices
from scripting.registry import dependents
from scripting.registry.announce import announce
from scripting.registry.bundles import bundle_for
from scripting.registry.resolved import load
from scripting.runtime import pool
from scripting.runtime.host_calls import host_functions
from scripting.sandbox import source_text
from scripting.supervisor.pool import CheckReport
from scripting.texts.escaping import visible
from scripting.texts.merge import Merge, merge
from scripting.types import Diagnostic, ErrorType, Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BY_PEOPLE = frozenset({Activation.Cause.PUBLISH, Activation.Cause.ROLLBACK})


class PublishRefused(Exception):
    """A text that was not made active. `version` is where it is kept, `report` what its check found."""

    def __init__(
        self, message: str, version: ScriptVersion | None = None, diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.version = version
        self.diagnostics = tuple(diagnostics)


class StaleBase(PublishRefused):
    """Another version became active since the text was begun: merge with it, then publish again.

    `merge` is that, done as far as it goes without a person; None where there was no text to merge.
    """

    def __init__(self, message: str, version: ScriptVersion | None = None, merged: Merge | None = None) -> None:
        super().__init__(message, version)
        self.merge = merged


class AlreadyLive(PublishRefused):
    """The version that was to become active is: nothing changed. `version` is it."""


class HelpersChanged(PublishRefused):
    """A helper, or what imports it, changed between a text's check and now, and beside that it would not pass: judge it anew."""


class AnyBase:
    """In place of a base version: activate over whatever is active."""


def check(module_name: str, name: str, language: str, text: str) -> CheckReport:
    """Check a text in a sandbox as it would run in `module_name`; nothing is stored."""
    module = modules.get(module_name)
    limits = limits_for(module_name)
    source = Source(f"{module_name}/{name}", language, text)
    bundle = bundle_for(source)
    return pool.check(bundle, limits, host_functions(module))


def store(
    script: Script,
    language: str,
    content: bytes,
    origin: str,
    *,
    author: User | None = None,
    message: str = "",
) -> tuple[ScriptVersion, tuple[Diagnostic, ...]]:
    """The version that holds `content`, checked anew; an equal text reuses its version. Never activates."""
    accepted, diagnostics = _judge(script, language, content)
    described = [_described(d) for d in diagnostics]
    with transaction.atomic():
        locked = Script.objects.select_for_update().get(pk=script.pk)
        sha256 = ScriptVersion.digest_of(content)
        version = locked.versions.filter(language=language, sha256=sha256).first()
        if version is None:
            last = locked.versions.aggregate(last=Max("number"))["last"] or 0
            version = ScriptVersion.objects.create(
                script=locked,
                number=last + 1,
                language=language,
                content=content,
                source=ScriptVersion.shown(content),
                sha256=sha256,
                origin=origin,
                author=author,
                message=visible(message),
                accepted=accepted,
                diagnostics=described,
            )
        elif version.accepted != accepted or version.diagnostics != described:
            version.accepted, version.diagnostics = accepted, described
            version.save(update_fields=["accepted", "diagnostics"])
        if not accepted:
            why = next(d.message for d in diagnostics if d.severity == "error")
            notices.send_on_commit(notices.rejected(version, origin, visible(why)))
    return version, diagnostics


def _judge(script: Script, language: str, content: bytes) -> tuple[bool, tuple[Diagnostic, ...]]:
    """Whether a text may run, and what its check found; a helper must leave those that import it whole."""
    try:
        text = source_text.decode(content)
    except source_text.NotText as problem:
        return False, (not_text(problem),)
    report = check(script.module, script.name, language, text)
    diagnostics = tuple(report.diagnostics)
    if not report.ok or script.module != SHARED:
        return report.ok, diagnostics
    broken = dependents.broken_by(script.name, Source(str(script), language, text))
    found = [Diagnostic("error", b.diagnostic.type, f"would break {b}") for b in broken]
    return not found, (*found, *diagnostics)


def not_text(problem: source_text.NotText) -> Diagnostic:
    """What a check says of bytes that are no source text."""
    return Diagnostic("error", ErrorType.INVALID_SYNTAX, problem.message, problem.line, problem.column)


def activate(
    script: Script,
    version: ScriptVersion | None,
    cause: str,
    *,
    actor: User | None = None,
    reason: str = "",
    base: ScriptVersion | type[AnyBase] | None = None,
    changes: dict[str, Any] | None = None,
    judge: bool = True,
) -> Activation:
    """Make `version` the one that runs. `base` is what the actor believed active; StaleBase if something else is.

    Pass `AnyBase` to take whatever is active. `changes` are further fields of the script saved with it. Raises
    HelpersChanged where it fits helpers, or a helper its dependents, no longer; `judge` False takes it as it is.
    What people ask for (publish, roll back) raises AlreadyLive where it is so already.
    """
    with transaction.atomic():
        of_helpers = dependents.hold(script, version)
        locked = Script.objects.select_for_update().get(pk=script.pk)
        if cause in BY_PEOPLE and version is not None and locked.active_version_id == version.pk:
            raise _already_live(version)
        _require_base(locked, base)
        if version is not None and (version.script_id != locked.pk or not version.accepted):
            raise PublishRefused(f"{version} did not pass its check and cannot become active", version)
        if of_helpers and judge and version is not None:
            # What passed a moment ago beside the same helpers is not checked again, see `sandboxes.check`.
            stands, diagnostics = _judge(locked, version.language, bytes(version.content))
            if not stands:
                raise HelpersChanged(f"{version} does not fit what changed meanwhile", version, diagnostics)
        for name, value in (changes or {}).items():
            setattr(locked, name, value)
        locked.active_version = version
        reason = visible(reason)
        locked._history_user = actor
        locked._change_reason = f"{cause}: {reason}"[:100] if reason else cause
        locked.save(update_fields=["active_version", *(changes or {})])
        announce(notices.activated(locked, version, cause, actor, reason))
        if version is not None:
            Breaker.forgive([version.pk])
        if locked.module == SHARED:
            Breaker.forgive(each.pk for each in dependents.dependents_of(locked.name))
        activation = Activation.objects.create(script=locked, version=version, cause=cause, actor=actor, reason=reason)
        if locked.module == SHARED:
            load()  # records the new bundles here, once: else every process would, all at the same moment
        elif version is not None and SHARED in version.source:
            load([(locked.module, locked.name)])
    script.refresh_from_db()
    return activation


def publish(
    script: Script,
    language: str,
    text: str,
    *,
    actor: User | None,
    reason: str,
    base: ScriptVersion | type[AnyBase] | None,
    origin: str = ScriptVersion.Origin.EDITOR,
    keep_stale: bool = True,
) -> Activation:
    """Check, store and activate a text; its actor's draft of it is done with.

    Raises PublishRefused (the text is kept), StaleBase or AlreadyLive. `keep_stale` False stores no text that is known to be
    stale, or live, before its check.
    """
    _say_why(reason)
    content = source_text.encode(text)
    if not keep_stale:
        _require_change(script, language, content)
        _require_base(script, base)
    version, diagnostics = store(script, language, content, origin, author=actor, message=reason)
    if not version.accepted:
        first = next(d for d in diagnostics if d.severity == "error")
        raise PublishRefused(f"{version} is kept but not active: {first.message}", version, diagnostics)
    try:
        activation = activate(script, version, Activation.Cause.PUBLISH, actor=actor, reason=reason, base=base)
    except HelpersChanged:  # beside what others published it is refused now, or fits after all
        return publish(
            script, language, text, actor=actor, reason=reason, base=base, origin=origin, keep_stale=keep_stale
        )
    except StaleBase as stale:
        script.refresh_from_db()
        raise StaleBase(str(stale), version, _merge(base, script.active_version, version)) from None
    Draft.objects.filter(script=script, user=actor, source=text).delete()
    return activation


def rollback(script: Script, number: int, *, actor: User | None, reason: str) -> Activation:
    """Re-activate an old version, without a copy. Raises PublishRefused when it cannot run, AlreadyLive."""
    _say_why(reason)
    version = script.versions.filter(number=number).first()
    if version is None:
        raise PublishRefused(f"{script} has no version {number}")
    diagnostics = recheck(version)
    if not version.accepted:
        first = next(d for d in diagnostics if d.severity == "error")
        message = f"{version} did not pass its check and cannot become active: {first.message}"
        raise PublishRefused(message, version, diagnostics)
    try:
        return activate(script, version, Activation.Cause.ROLLBACK, actor=actor, reason=reason, base=AnyBase)
    except HelpersChanged:
        return rollback(script, number, actor=actor, reason=reason)


def recheck(version: ScriptVersion) -> tuple[Diagnostic, ...]:
    """Judge a stored text anew, in case helpers or the interpreter changed since: what its check found now."""
    _, diagnostics = store(version.script, version.language, bytes(version.content), version.origin)
    version.refresh_from_db()
    return diagnostics


def _require_change(script: Script, language: str, content: bytes) -> None:
    active = script.active_version
    if active is not None and (active.language, bytes(active.content)) == (language, content):
        raise _already_live(active)


def _already_live(version: ScriptVersion) -> AlreadyLive:
    return AlreadyLive(f"v{version.number} is live already; nothing changed", version)


def _require_base(script: Script, base: ScriptVersion | type[AnyBase] | None) -> None:
    if base is not AnyBase and script.active_version_id != (base.pk if isinstance(base, ScriptVersion) else None):
        now = script.active_version or f"no version of {script}"
        raise StaleBase(f"{now} became active meanwhile; merge with it, then publish again")


def _say_why(reason: str) -> None:
    if not reason.strip():
        raise PublishRefused("say why: the reason is shown beside the version for good")


def _merge(
    base: ScriptVersion | type[AnyBase] | None, theirs: ScriptVersion | None, mine: ScriptVersion
) -> Merge | None:
    """The text that became active meanwhile and the one that was to, in one; None when their languages differ."""
    if theirs is None or theirs.language != mine.language:
        return None
    begun = base if isinstance(base, ScriptVersion) and base.language == mine.language else None
    label = f"v{theirs.number} active"
    return merge(begun.text if begun else "", theirs.text, mine.text, theirs_label=label, mine_label=f"v{mine.number}")


def _described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as the JSON column holds it: text from a sandbox made fit to store."""
    plain = asdict(diagnostic)
    plain["type"] = diagnostic.type.value
    plain["message"], plain["hint"] = visible(diagnostic.message), visible(diagnostic.hint)
    return plain
