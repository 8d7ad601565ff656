"""Embedded defaults and override files taken into the registry: what is there and what is known → what to do.

`sync` looks at everything once; the watcher calls `reconcile_file` for single scripts. Both decide with the same two pure
functions, `decide_default` and `decide_file`. Longer than other modules because the rules of activation stand side by side in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.db import transaction

from scripting.models import SHARED, Activation, Script, ScriptVersion
from scripting.modules.installed import modules
from scripting.processes import notices
from scripting.registry import dependents, publishing
from scripting.registry.publishing import AnyBase, HelpersChanged, StaleBase
from scripting.sources.embedded import Embedded, embedded_by_script
from scripting.sources.folder import (
    Found,
    Remark,
    Scan,
    ScriptFile,
    Unusable,
    file_digest,
    scan,
    scripts_dir,
)
from scripting.sources.rules import DefaultAction, FileAction, Known, decide_default, decide_file
from scripting.texts.escaping import one_line
from scripting.types import Diagnostic, ErrorType, Source

logger = logging.getLogger(__name__)
security = logging.getLogger("scripting.security")

V = TypeVar("V")

ABSENCE_SECONDS = 1.0
"""How long a file must be away before that counts: editors save by renaming."""


@dataclass(frozen=True)
class Step:
    """One thing that discovery did or found. `script` is module/name, or the path of what is no script."""

    script: str
    outcome: str
    """`activated`, `upgraded`, `reverted`, `unchanged`, `flagged`, `rejected`, `kept`, `forgotten`, `vanished`, `retired`, `ignored`, `in_conflict`, `failed`."""
    detail: str = ""
    source: str = ""
    """`default` or `file`: what it is about."""

    @property
    def changed(self) -> bool:
        return self.outcome in {"activated", "upgraded", "reverted"}

    @property
    def is_failure(self) -> bool:
        """Whether an embedded default, which only a new release can mend, did not pass its check."""
        return self.outcome == "failed"


# -- the whole at once -------------------------------------------------------------------------------------------------


def sync(*, root: Path | None = None, wait: Callable[[float], None] = time.sleep) -> list[Step]:
    """Bring the registry up to date with the packages and the folder; again changes nothing. Raises FolderRefused.

    A file that seems gone is looked for again after ABSENCE_SECONDS, for which `wait` is called.
    """
    folder = root or scripts_dir()
    seen = scan(folder)
    embedded = embedded_by_script()
    steps = [reconcile_default(item, file_present=key in seen.files) for key, item in in_order(embedded)]
    steps += vanished(embedded)
    if any((script.module, script.name) not in seen.files for script in scripts_with_file()):
        wait(ABSENCE_SECONDS)
        seen = scan(folder)
    return steps + reconcile_folder(seen)


def in_order(found: Mapping[tuple[str, str], V]) -> list[tuple[tuple[str, str], V]]:
    """By name, with the helpers first: what imports them is checked with them."""
    return sorted(found.items(), key=lambda item: (item[0][0] != SHARED, item[0]))


def reconcile_folder(seen: Scan) -> list[Step]:
    """Every file of a scan, and every file known that it lacks."""
    gone = {(s.module, s.name): None for s in scripts_with_file() if (s.module, s.name) not in seen.files}
    steps = [reconcile_file(*key, found) for key, found in in_order({**gone, **seen.files})]
    return steps + [report_remark(remark) for remark in seen.remarks]


def report_remark(remark: Remark) -> Step:
    """Say what was passed over; two files for one script are announced to those who follow the scripts."""
    if not remark.script:
        return Step(remark.path, "ignored", remark.reason, "file")
    notices.send(notices.in_conflict(remark.module, remark.script, f"{remark.path} {remark.reason}"))
    return _said(Step(remark.path, "in_conflict", remark.reason, "file"), logging.WARNING)


def scripts_with_file() -> list[Script]:
    """Scripts for which a file was seen and not yet missed."""
    return list(Script.objects.in_use().exclude(file_digest=""))


def vanished(embedded: dict[tuple[str, str], Embedded]) -> list[Step]:
    """Scripts whose default no package ships any longer: they keep running, and it is said."""
    gone = Script.objects.in_use().exclude(default_version=None).order_by("module", "name")
    return [
        Step(
            str(script),
            "vanished",
            "its package ships this default no longer; the stored text keeps running",
            "default",
        )
        for script in gone
        if (script.module, script.name) not in embedded
    ]


# -- one script --------------------------------------------------------------------------------------------------------


def reconcile_default(embedded: Embedded, *, file_present: bool) -> Step:
    """Take one embedded default in. Checks the text in a sandbox only when it is new."""
    script, _ = Script.objects.get_or_create(
        module=embedded.module, name=embedded.name, defaults={"language": embedded.language}
    )
    name = str(script)
    if script.retired_at is not None:
        return Step(name, "retired", "the script is retired; its default is not taken", "default")
    action = decide_default(known_of(script, embedded), file_present=file_present)
    if action is DefaultAction.NOTHING:
        return Step(name, "unchanged", f"default is v{script.default_version.number}", "default")  # type: ignore[union-attr]
    message = "embedded default" if action is DefaultAction.ACTIVATE else "new embedded default"
    version, diagnostics = publishing.store(
        script, embedded.language, embedded.content, ScriptVersion.Origin.EMBEDDED, message=message
    )
    if not version.accepted:
        detail = f"v{version.number} does not pass its check: {first_error(diagnostics)}"
        logger.error("%s: embedded default %s", name, detail)
        return Step(name, "failed", detail, "default")
    fields = {"default_version": version, "language": embedded.language}
    try:
        match action:
            case DefaultAction.ACTIVATE:
                publishing.activate(script, version, Activation.Cause.DEFAULT, base=None, changes=fields)
                return _said(Step(name, "activated", f"v{version.number}, embedded default", "default"))
            case DefaultAction.UPGRADE:
                previous = script.default_version
                publishing.activate(script, version, Activation.Cause.UPGRADE, base=previous, changes=fields)
                return _said(Step(name, "upgraded", f"v{version.number}, new embedded default", "default"))
    except HelpersChanged:
        return reconcile_default(embedded, file_present=file_present)
    except StaleBase:
        script.refresh_from_db()
    for field, value in fields.items():
        setattr(script, field, value)
    script.save(update_fields=list(fields))
    detail = f"new embedded default v{version.number} is stored; {_why_not(script, file_present)}"
    return _said(Step(name, "flagged", detail, "default"))


def _why_not(script: Script, file_present: bool) -> str:
    active = f"v{script.active_version.number}" if script.active_version else "nothing"
    reason = (
        "the script is pinned"
        if script.pinned
        else "a file overrides it"
        if file_present
        else "it was chosen by someone"
    )
    return f"{active} stays active, since {reason}"


def reconcile_file(module: str, name: str, found: Found | None) -> Step:
    """Take one script's file in, or its absence (`found` None). The watcher calls this."""
    label = f"{module}/{name}"
    if module != SHARED and modules.get(module) is None:
        known = ", ".join(m.name for m in modules) or "none"
        return Step(
            found.path if found else label, "ignored", f"there is no module {module} (modules: {known})", "file"
        )
    script = Script.objects.named(module, name).first()
    if script is not None and script.retired_at is not None:
        return Step(label, "retired", "the script is retired; its file is not taken", "file")
    match decide_file(found, known_of(script) if script else Known()):
        case FileAction.NOTHING:
            return Step(label, "unchanged", found.path if found else "", "file")
        case FileAction.KEEP:
            assert isinstance(found, Unusable)
            return _said(Step(label, "kept", f"{found.path} {found.reason}; what runs stays", "file"), logging.WARNING)
        case FileAction.TAKE:
            assert isinstance(found, ScriptFile)
            return _take(script or Script.objects.get_or_create(module=module, name=name)[0], found)
        case FileAction.REVERT:
            assert script is not None
            return _revert(script)
    assert script is not None
    if not Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(file_digest=""):
        return _overtaken(script)
    return _said(Step(label, "forgotten", "its file is gone; another version was active and stays", "file"))


def _take(script: Script, file: ScriptFile) -> Step:
    """Requirements 3.1, 3.3, 3.5, 3.6 and 5.2 to 5.4: checked first; what is invalid is kept and never runs."""
    version, diagnostics = publishing.store(
        script, file.language, file.content, ScriptVersion.Origin.FILE, message=f"file {file.path}"
    )
    if not version.accepted:
        if not Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(file_digest=file.digest):
            return _overtaken(script)
        error = first_error(diagnostics)
        if any(d.type is ErrorType.SECURITY_VIOLATION for d in diagnostics):
            security.warning("%s: refused by the policy: %s", file.path, error)
        stays = "what ran before stays active" if script.active_version_id else "nothing runs for it"
        return _said(
            Step(str(script), "rejected", f"{file.path} {error}; kept as v{version.number}, {stays}", "file"),
            logging.WARNING,
        )
    try:
        with transaction.atomic():
            dependents.hold(script, version)
            if not _is_as_seen(script):
                return _overtaken(script)
            publishing.activate(
                script,
                version,
                Activation.Cause.FILE,
                base=AnyBase,
                reason=file.path,
                changes={"file_digest": file.digest},
            )
    except HelpersChanged:
        return _take(script, file)
    return _said(Step(str(script), "activated", f"v{version.number} from {file.path}", "file"))


def _is_as_seen(script: Script) -> bool:
    """Whether nobody took a file of the script since it was read; holds it as it is until the transaction ends.

    A watcher that was stopped and goes on must not bring an old text back over what its successor took.
    """
    return Script.objects.select_for_update().get(pk=script.pk).file_digest == script.file_digest


def _overtaken(script: Script) -> Step:
    return Step(str(script), "unchanged", "its file was taken by another process meanwhile", "file")


def _revert(script: Script) -> Step:
    """Requirement 5.6. A helper that scripts import stays: its end is a change that breaks them, and refused like any other."""
    default = script.default_version
    needed = _needed(script, default)
    try:
        with transaction.atomic():
            if dependents.hold(script, default):
                needed = _needed(script, default)
            if not _is_as_seen(script):
                return _overtaken(script)
            if needed:
                Script.objects.filter(pk=script.pk).update(file_digest="")
                notices.send_on_commit(notices.kept(script, Activation.Cause.FILE_DELETED, needed))
            else:
                cause, base = Activation.Cause.FILE_DELETED, script.active_version
                publishing.activate(script, default, cause, base=base, changes={"file_digest": ""}, judge=False)
    except StaleBase:
        return Step(str(script), "unchanged", "another version became active while the file went away", "file")
    if needed:
        return _said(Step(str(script), "kept", f"its file is gone, but {needed}", "file"), logging.WARNING)
    back = (
        f"the default v{default.number} is active again"
        if default
        else "there is no default: the script is not found now"
    )
    return _said(Step(str(script), "reverted", f"its file is gone; {back}", "file"))


def _needed(script: Script, default: ScriptVersion | None) -> str:
    """Why a helper must stay as it is though its file is gone; empty where it need not."""
    if script.module != SHARED:
        return ""
    broken = dependents.broken_by(script.name, Source(str(script), default.language, default.text) if default else None)
    if not broken:
        return ""
    stays = f"v{script.active_version.number} stays active" if script.active_version else "it stays"
    names = ", ".join(item.script for item in broken)
    return f"{stays}, since it is imported by {names}: change these, then retire it"


def known_of(script: Script, embedded: Embedded | None = None) -> Known:
    """What the decisions need, read from the database."""
    active, default = script.active_version, script.default_version
    return Known(
        file_digest=script.file_digest,
        has_active=active is not None,
        active_by_file=active is not None and bool(script.file_digest) and is_files(script, active),
        has_default=default is not None,
        default_same=(
            default is not None
            and embedded is not None
            and default.language == embedded.language
            and default.sha256 == ScriptVersion.digest_of(embedded.content)
        ),
        default_active=active is not None and active == default,
        pinned=script.pinned,
    )


def is_files(script: Script, version: ScriptVersion) -> bool:
    """Whether the active `version` is there because of the script's file: the file put it there, or holds its very text."""
    last = script.activations.order_by("-id").first()
    if last is not None and last.cause == Activation.Cause.FILE:
        return True
    same_text = file_digest(script.name, version.language, bytes(version.content)) == script.file_digest
    return same_text and version.origin == ScriptVersion.Origin.FILE


def first_error(diagnostics: Iterable[Diagnostic]) -> str:
    """The first error as compilers write it: `line:column: type: message`."""
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            where = f"{diagnostic.line}:{diagnostic.column or 1}: " if diagnostic.line is not None else ""
            return one_line(f"{where}{diagnostic.type.value}: {diagnostic.message}")
    return "did not pass its check"


def _said(step: Step, level: int = logging.DEBUG) -> Step:
    """For the site's log; what was done well is the caller's to report."""
    logger.log(level, "%s: %s: %s", step.script, step.outcome, step.detail)
    return step
