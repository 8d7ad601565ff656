"""Which text of a script runs: versions, activation, and what this process remembers of both.

The database is the truth. A process remembers what it read until the generation differs or the poll finds a change.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from scripting import generation, notices
from scripting.conf import conf
from scripting.host import host_functions
from scripting.models import SHARED, Activation, BundleHelper, Script, ScriptVersion
from scripting.models.execution import AttemptFields
from scripting.modules import limits_for, modules
from scripting.sandboxes import get_pool
from scripting.supervisor.pool import CheckReport
from scripting.text import visible
from scripting.types import Bundle, Diagnostic, ErrorType, SecurityLimits, Source, VersionInfo

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)


class ScriptNotFound(LookupError):
    """There is no such script, or it has no active version: the message names it and what there is."""


class PublishRefused(Exception):
    """A text that was not made active. `version` is where it is kept, `report` what its check found."""

    def __init__(
        self, message: str, version: ScriptVersion | None = None, diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.version = version
        self.diagnostics = tuple(diagnostics)


class StaleBase(PublishRefused):
    """Another version became active since the text was begun: merge with it, then publish again."""


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


class ScriptRegistry:
    """Versions of scripts for this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: dict[tuple[str, str], ResolvedScript] = {}
        self._generation: tuple[bytes | None, ...] | None = None
        self._checked = 0.0
        self._polled = 0.0
        self._mark: int | None = None

    # -- reading ---------------------------------------------------------------------------------------------------

    def resolve(self, module: str, name: str) -> ResolvedScript:
        """The script as it runs now, at most SCRIPTING_GENERATION_MAX_AGE behind. Raises ScriptNotFound."""
        self.refresh()
        found = self._scripts.get((module, name))
        if found is None:
            before = self._generation
            found = self._load(module, name)
            with self._lock:
                if self._generation == before:
                    self._scripts[module, name] = found
        return found

    def refresh(self, seen: tuple[bytes | None, ...] | None = None) -> None:
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

    def forget(self, seen: tuple[bytes | None, ...] | None = None) -> None:
        """Read every script anew at its next run."""
        with self._lock:
            self._generation = seen
            self._scripts.clear()

    def _poll(self, now: float) -> None:
        """Notice changes that Redis did not tell of: every change of a script writes history."""
        self._polled = now
        mark = Script.history.aggregate(last=Max("history_id"))["last"]
        if mark != self._mark:
            self._mark = mark
            with self._lock:
                self._scripts.clear()

    def _load(self, module_name: str, name: str) -> ResolvedScript:
        script = (
            Script.objects.in_use().named(module_name, name).select_related("active_version", "default_version").first()
        )
        if script is None or script.active_version is None:
            known = ", ".join(str(s) for s in Script.objects.in_use().filter(module=module_name)) or "none"
            raise ScriptNotFound(
                f"there is no script {module_name}/{name} that could run (module {module_name} has: {known})"
            )
        module = modules.get(module_name)
        candidates = [script.active_version, self._previous_good(script), script.default_version]
        distinct = {version.pk: version for version in candidates if version is not None}
        helpers = _helpers_by_language({version.language for version in distinct.values()})
        active, *fallbacks = [self._active(script, v, helpers) for v in distinct.values()]
        limits = limits_for(module, conf.default_limits(), script.limit_changes())
        return ResolvedScript(script.pk, script.module, script.name, script.enabled, active, limits, tuple(fallbacks))

    @staticmethod
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

    @staticmethod
    def _previous_good(script: Script) -> ScriptVersion | None:
        """The version that was active before the present one became so."""
        earlier = (
            script.activations.exclude(version=None)
            .exclude(version=script.active_version)
            .filter(version__accepted=True)
            .select_related("version")
            .order_by("-id")
            .first()
        )
        return earlier.version if earlier else None

    @staticmethod
    def _active(script: Script, version: ScriptVersion, helpers: dict[str, tuple[Source, ...]]) -> ActiveVersion:
        info = VersionInfo(version.number, version.sha256, version.origin, version.language)
        source = Source(str(script), version.language, version.text)
        bundle = Bundle(source, helpers_of(source, helpers.get(version.language, ())))
        if bundle.helpers:
            _remember_helpers(bundle)
        return ActiveVersion(version.pk, info, bundle)

    # -- checking --------------------------------------------------------------------------------------------------

    def check(self, module_name: str, name: str, language: str, text: str) -> CheckReport:
        """Check a text in a sandbox as it would run in `module_name`; nothing is stored."""
        module = modules.get(module_name)
        limits = limits_for(module, conf.default_limits(), {})
        source = Source(f"{module_name}/{name}", language, text)
        bundle = Bundle(source, helpers_for(source))
        return get_pool().check(bundle, limits, host_functions(module))

    # -- writing ---------------------------------------------------------------------------------------------------

    def store(
        self,
        script: Script,
        language: str,
        content: bytes,
        origin: str,
        *,
        author: AbstractBaseUser | None = None,
        message: str = "",
    ) -> tuple[ScriptVersion, tuple[Diagnostic, ...]]:
        """The version that holds `content`, checked anew; an equal text reuses its version. Never activates."""
        try:
            report = self.check(script.module, script.name, language, content.decode("utf-8"))
            accepted, diagnostics = report.ok, report.diagnostics
        except UnicodeDecodeError as error:
            position = content[: error.start]
            accepted, diagnostics = (
                False,
                (
                    Diagnostic(
                        "error",
                        ErrorType.INVALID_SYNTAX,
                        f"byte {error.start} is not UTF-8 text: save the file as UTF-8",
                        position.count(b"\n") + 1,
                        1,
                    ),
                ),
            )
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
        return version, diagnostics

    def activate(
        self,
        script: Script,
        version: ScriptVersion | None,
        cause: str,
        *,
        actor: AbstractBaseUser | None = None,
        reason: str = "",
        base: ScriptVersion | type[AnyBase] | None = None,
        changes: dict[str, Any] | None = None,
    ) -> Activation:
        """Make `version` the one that runs. `base` is what the actor believed active; StaleBase if something else is.

        Pass `AnyBase` to take whatever is active. `changes` are further fields of the script saved with it.
        """
        with transaction.atomic():
            locked = Script.objects.select_for_update().get(pk=script.pk)
            if base is not AnyBase and locked.active_version_id != (
                base.pk if isinstance(base, ScriptVersion) else None
            ):
                raise StaleBase(
                    f"{locked}: {locked.active_version} became active meanwhile; merge with it, then publish again"
                )
            if version is not None and (version.script_id != locked.pk or not version.accepted):
                raise PublishRefused(f"{version} did not pass its check and cannot become active", version)
            for name, value in (changes or {}).items():
                setattr(locked, name, value)
            locked.active_version = version
            locked._history_user = actor
            locked._change_reason = f"{cause}: {reason}"[:100] if reason else cause
            locked.save()
            activation = Activation.objects.create(
                script=locked, version=version, cause=cause, actor=actor, reason=visible(reason)
            )
            notice = notices.activated(activation)
            transaction.on_commit(lambda: notices.send(notice))
        script.refresh_from_db()
        return activation

    def publish(
        self,
        script: Script,
        language: str,
        text: str,
        *,
        actor: AbstractBaseUser | None,
        reason: str,
        base: ScriptVersion | type[AnyBase] | None,
        origin: str = ScriptVersion.Origin.EDITOR,
    ) -> Activation:
        """Check, store and activate a text. Raises PublishRefused (the text is kept) or StaleBase."""
        if not reason.strip():
            raise PublishRefused("say why: the reason is shown beside the version for good")
        content = text.encode("utf-8", "surrogatepass")
        version, diagnostics = self.store(script, language, content, origin, author=actor, message=reason)
        if not version.accepted:
            first = next(d for d in diagnostics if d.severity == "error")
            raise PublishRefused(f"{version} is kept but not active: {first.message}", version, diagnostics)
        return self.activate(script, version, Activation.Cause.PUBLISH, actor=actor, reason=reason, base=base)

    def rollback(self, script: Script, number: int, *, actor: AbstractBaseUser | None, reason: str) -> Activation:
        """Re-activate an old version, without a copy. Raises PublishRefused when it cannot run."""
        version = script.versions.filter(number=number).first()
        if version is None:
            raise PublishRefused(f"{script} has no version {number}")
        self.recheck(version)
        return self.activate(script, version, Activation.Cause.ROLLBACK, actor=actor, reason=reason, base=AnyBase)

    def recheck(self, version: ScriptVersion) -> None:
        """Judge a stored text anew, in case helpers or the interpreter changed since."""
        self.store(version.script, version.language, bytes(version.content), version.origin)
        version.refresh_from_db()


class AnyBase:
    """In place of a base version: activate over whatever is active."""


def _helpers_by_language(languages: set[str]) -> dict[str, tuple[Source, ...]]:
    found: dict[str, list[Source]] = {}
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


def _remember_helpers(bundle: Bundle) -> None:
    """Keep which helper versions the bundle took in; idempotent."""
    digests = {ScriptVersion.digest_of(h.text.encode()): h for h in bundle.helpers}
    versions = ScriptVersion.objects.filter(sha256__in=digests, script__module=SHARED).select_related("script")
    BundleHelper.objects.bulk_create(
        [
            BundleHelper(bundle_digest=bundle.digest, version=version)
            for version in versions
            if str(version.script) == digests[version.sha256].name
            and version.language == digests[version.sha256].language
        ],
        ignore_conflicts=True,
    )


def helpers_for(source: Source) -> tuple[Source, ...]:
    """The active helpers that `source` may import."""
    if SHARED not in source.text:
        return ()
    return helpers_of(source, _helpers_by_language({source.language}).get(source.language, ()))


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


def _described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as the JSON column holds it: text from a sandbox made fit to store."""
    plain = asdict(diagnostic)
    plain["type"] = diagnostic.type.value
    plain["message"], plain["hint"] = visible(diagnostic.message), visible(diagnostic.hint)
    return plain


registry = ScriptRegistry()
