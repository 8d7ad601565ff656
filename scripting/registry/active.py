"""Which text of a script runs: versions, activation, and what this process remembers of both.

The database is the truth. A process remembers what it read until the generation differs or the poll finds a change.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from scripting.conf import conf
from scripting.models import SHARED, Activation, Breaker, Script, ScriptVersion
from scripting.modules.scriptable import limits_for, modules
from scripting.processes import generation, notices
from scripting.processes.generation import Generation, Span
from scripting.registry import dependents
from scripting.registry.resolved import ActiveVersion, Key, ResolvedScript, ScriptNotFound, helpers_for, load, recorded
from scripting.runtime import pool
from scripting.runtime.host_calls import host_functions
from scripting.supervisor.pool import CheckReport
from scripting.texts.escaping import visible
from scripting.texts.merge import Merge, merge
from scripting.types import Bundle, Diagnostic, ErrorType, Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

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


class ScriptRegistry:
    """Versions of scripts for this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: dict[Key, ResolvedScript] = {}
        self._read: dict[Key, ResolvedScript] = {}
        """Each as it was last read, current or not: the texts of its versions need not be read again."""
        self._generation: Generation | None = None
        """What is remembered is at least as new as this."""
        self._changes = 0
        """Counts what this process heard of changes: what was read before one may be older than it."""
        self._checked = 0.0
        self._polled = 0.0
        self._mark: int | None = None

    # -- reading ---------------------------------------------------------------------------------------------------

    def resolve(self, module: str, name: str) -> ResolvedScript:
        """The script as it runs now, at most SCRIPTING_GENERATION_MAX_AGE behind. Raises ScriptNotFound.

        Once `take` or `take_all` has answered a version, no later call answers an older one.
        """
        self.refresh()
        key = (module, name)
        while True:
            found = self._scripts.get(key)
            if found is not None:
                return found
            changes = self._changes
            found = load([key], self._read).get(key)
            with self._lock:
                if self._changes == changes:  # else it may have been read before the change
                    if found is None:
                        break
                    self._scripts[key] = self._read[key] = found
                    return found
        known = ", ".join(str(s) for s in Script.objects.in_use().filter(module=module)) or "none"
        raise ScriptNotFound(f"there is no script {module}/{name} that could run (module {module} has: {known})")

    def take(self, keys: Collection[Key], changes: Span | None = None) -> dict[Key, ResolvedScript]:
        """Read these scripts anew, for the next run to be on; answers those that there are. `changes`: all that they cover."""
        return self._take(keys, changes)

    def take_all(self, seen: Generation | None = None) -> dict[Key, ResolvedScript]:
        """Read every script anew, after a look at the generation that gave `seen`."""
        return self._take(None, None, seen)

    def _take(
        self, keys: Collection[Key] | None, span: Span | None, seen: Generation | None = None
    ) -> dict[Key, ResolvedScript]:
        while True:
            changes = self._heard_of_change()
            found = load(keys, self._read)
            with self._lock:
                if self._changes != changes:
                    continue
                self._read.update(found)
                for key in list(self._scripts) if keys is None else keys:
                    self._scripts.pop(key, None)
                self._scripts.update(found)
                if keys is None:
                    self._generation = seen
                elif span is not None and span.leads_on_from(self._generation):
                    self._generation = span.reached
                return found

    def discard(self, module: str, name: str, made: Generation | None = None) -> None:
        """Read a script anew at its next run, and with a helper all that may import it."""
        with self._lock:
            self._changes += 1
            if module == SHARED:
                self._scripts.clear()
            else:
                self._scripts.pop((module, name), None)
            span = Span.of(made)
            if span is not None and span.leads_on_from(self._generation):
                self._generation = span.reached

    def refresh(self, seen: Generation | None = None) -> None:
        """Forget what changed. `seen` is a generation just read with a batch; without it one is read when due."""
        now = time.monotonic()
        if seen is None:
            if now - self._checked < conf.SCRIPTING_GENERATION_MAX_AGE:
                return
            seen = generation.read()
        self._checked = now
        if seen is not None and seen != self._generation:
            self.forget(seen)
        if now - self._polled >= conf.SCRIPTING_POLL_SECONDS:
            self._poll(now)

    def forget(self, seen: Generation | None = None) -> None:
        """Read every script anew at its next run."""
        with self._lock:
            self._changes += 1
            self._generation = seen
            self._scripts.clear()
            self._read.clear()

    def mark(self) -> int | None:
        """A number in the database that every change of a script raises, since each writes history."""
        return Script.history.aggregate(last=Max("history_id"))["last"]  # type: ignore[no-any-return]

    def _poll(self, now: float) -> None:
        """Notice changes that Redis did not tell of."""
        self._polled = now
        mark = self.mark()
        if mark != self._mark:
            self._mark = mark
            with self._lock:
                self._changes += 1
                self._scripts.clear()
                self._read.clear()  # the database may be another, put in its place from a copy

    def _heard_of_change(self) -> int:
        with self._lock:
            self._changes += 1
            return self._changes

    recorded = staticmethod(recorded)

    # -- checking --------------------------------------------------------------------------------------------------

    def check(self, module_name: str, name: str, language: str, text: str) -> CheckReport:
        """Check a text in a sandbox as it would run in `module_name`; nothing is stored."""
        module = modules.get(module_name)
        limits = limits_for(module, conf.default_limits(), {})
        source = Source(f"{module_name}/{name}", language, text)
        bundle = Bundle(source, helpers_for(source))
        return pool.check(bundle, limits, host_functions(module))

    # -- writing ---------------------------------------------------------------------------------------------------

    def store(
        self,
        script: Script,
        language: str,
        content: bytes,
        origin: str,
        *,
        author: User | None = None,
        message: str = "",
    ) -> tuple[ScriptVersion, tuple[Diagnostic, ...]]:
        """The version that holds `content`, checked anew; an equal text reuses its version. Never activates."""
        accepted, diagnostics = self._judge(script, language, content)
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

    def _judge(self, script: Script, language: str, content: bytes) -> tuple[bool, tuple[Diagnostic, ...]]:
        """Whether a text may run, and what its check found; a helper must leave those that import it whole."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            message = f"byte {error.start} is not UTF-8 text: save the file as UTF-8"
            return False, (Diagnostic("error", ErrorType.INVALID_SYNTAX, message, line, 1),)
        report = self.check(script.module, script.name, language, text)
        diagnostics = tuple(report.diagnostics)
        if not report.ok or script.module != SHARED:
            return report.ok, diagnostics
        broken = dependents.broken_by(script.name, Source(str(script), language, text))
        found = [Diagnostic("error", b.diagnostic.type, f"would break {b}") for b in broken]
        return not found, (*found, *diagnostics)

    def activate(
        self,
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
                raise AlreadyLive(f"v{version.number} is live already; nothing changed", version)
            if base is not AnyBase and locked.active_version_id != (
                base.pk if isinstance(base, ScriptVersion) else None
            ):
                now = locked.active_version or f"no version of {locked}"
                raise StaleBase(f"{now} became active meanwhile; merge with it, then publish again")
            if version is not None and (version.script_id != locked.pk or not version.accepted):
                raise PublishRefused(f"{version} did not pass its check and cannot become active", version)
            if of_helpers and judge and version is not None:
                # What passed a moment ago beside the same helpers is not checked again, see `sandboxes.check`.
                stands, diagnostics = self._judge(locked, version.language, bytes(version.content))
                if not stands:
                    raise HelpersChanged(f"{version} does not fit what changed meanwhile", version, diagnostics)
            for name, value in (changes or {}).items():
                setattr(locked, name, value)
            locked.active_version = version
            reason = visible(reason)
            locked._history_user = actor
            locked._change_reason = f"{cause}: {reason}"[:100] if reason else cause
            locked._notice = notices.activated(locked, version, cause, actor, reason)  # sent with the new generation
            locked.save()
            if version is not None:
                Breaker.forgive([version.pk])
            if locked.module == SHARED:
                Breaker.forgive(each.pk for each in dependents.dependents_of(locked.name))
            activation = Activation.objects.create(
                script=locked, version=version, cause=cause, actor=actor, reason=reason
            )
            if locked.module == SHARED:
                load()  # records the new bundles here, once: else every process would, all at the same moment
            elif version is not None and SHARED in version.source:
                load([(locked.module, locked.name)])
        script.refresh_from_db()
        return activation

    def publish(
        self,
        script: Script,
        language: str,
        text: str,
        *,
        actor: User | None,
        reason: str,
        base: ScriptVersion | type[AnyBase] | None,
        origin: str = ScriptVersion.Origin.EDITOR,
    ) -> Activation:
        """Check, store and activate a text. Raises PublishRefused (the text is kept), StaleBase or AlreadyLive."""
        _say_why(reason)
        content = text.encode("utf-8", "surrogatepass")
        version, diagnostics = self.store(script, language, content, origin, author=actor, message=reason)
        if not version.accepted:
            first = next(d for d in diagnostics if d.severity == "error")
            raise PublishRefused(f"{version} is kept but not active: {first.message}", version, diagnostics)
        try:
            return self.activate(script, version, Activation.Cause.PUBLISH, actor=actor, reason=reason, base=base)
        except HelpersChanged:  # beside what others published it is refused now, or fits after all
            return self.publish(script, language, text, actor=actor, reason=reason, base=base, origin=origin)
        except StaleBase as stale:
            script.refresh_from_db()
            raise StaleBase(str(stale), version, _merge(base, script.active_version, version)) from None

    def rollback(self, script: Script, number: int, *, actor: User | None, reason: str) -> Activation:
        """Re-activate an old version, without a copy. Raises PublishRefused when it cannot run, AlreadyLive."""
        _say_why(reason)
        version = script.versions.filter(number=number).first()
        if version is None:
            raise PublishRefused(f"{script} has no version {number}")
        diagnostics = self.recheck(version)
        if not version.accepted:
            first = next(d for d in diagnostics if d.severity == "error")
            message = f"{version} did not pass its check and cannot become active: {first.message}"
            raise PublishRefused(message, version, diagnostics)
        try:
            return self.activate(script, version, Activation.Cause.ROLLBACK, actor=actor, reason=reason, base=AnyBase)
        except HelpersChanged:
            return self.rollback(script, number, actor=actor, reason=reason)

    def recheck(self, version: ScriptVersion) -> tuple[Diagnostic, ...]:
        """Judge a stored text anew, in case helpers or the interpreter changed since: what its check found now."""
        _, diagnostics = self.store(version.script, version.language, bytes(version.content), version.origin)
        version.refresh_from_db()
        return diagnostics


class AnyBase:
    """In place of a base version: activate over whatever is active."""


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


registry = ScriptRegistry()

__all__ = [
    "ActiveVersion",
    "AlreadyLive",
    "AnyBase",
    "HelpersChanged",
    "PublishRefused",
    "ResolvedScript",
    "ScriptNotFound",
    "ScriptRegistry",
    "StaleBase",
    "helpers_for",
    "registry",
]
