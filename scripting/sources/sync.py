"""Embedded defaults and override files taken into the registry: what is there and what is known → what to do.

`sync` looks at everything once; the watcher calls `reconcile_files` for what changed. Both decide with the same two pure
functions, `decide_default` and `decide_file`; what is to be taken is taken together, see `taking`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from django.db import transaction

from scripting.models import SHARED, Activation, Script, ScriptVersion
from scripting.modules.installed import modules
from scripting.processes import notices
from scripting.registry import dependents, storing
from scripting.registry.activating import activate_together
from scripting.registry.dependents import Key
from scripting.registry.gate import GateClosed
from scripting.registry.moves import FileOvertaken, Move, StaleBase
from scripting.sources import seen as seen_files
from scripting.sources.case_folder import scan_cases
from scripting.sources.case_sync import cases_expected, miss_cases, take_cases, take_embedded_cases
from scripting.sources.embedded import Embedded, embedded_by_script
from scripting.sources.folder import BeingWritten, Found, Remark, ScriptFile, Unusable, file_digest, scan, scripts_dir
from scripting.sources.identity import identity_of
from scripting.sources.rules import DefaultAction, FileAction, Known, decide_default, decide_file
from scripting.sources.steps import UNUSABLE, Step, first_error, said
from scripting.sources.taking import NO_FILE, Candidate, Weigh, failed, overtaken, take, weigh_later
from scripting.texts.escaping import one_line
from scripting.types import Source

ABSENCE_SECONDS = 1.0
"""How long a file must be away before that counts: editors save by renaming."""


NEVER_READ = "never read"
"""In place of the digest of a file that was never anything but unusable."""


def _always() -> bool:
    return True


# -- the whole at once -------------------------------------------------------------------------------------------------


def sync(
    *, root: Path | None = None, wait: Callable[[float], None] = time.sleep, weigh: Weigh = weigh_later
) -> list[Step]:
    """Bring the registry up to date with the packages and the folder; again changes nothing. Raises FolderRefused.

    A file that seems gone or is being written is looked at again after ABSENCE_SECONDS, for which `wait` is called.
    `weigh` sees to the evidence that the gate asks for.
    """
    folder = root or scripts_dir()
    seen = scan(folder)
    name = identity_of(folder)
    embedded = embedded_by_script()
    cases = scan_cases(folder)
    away = seen.missing(scripts_expected(name)) or cases.missing(cases_expected(name))
    if away or any(isinstance(found, BeingWritten) for found in (*seen.files.values(), *cases.files.values())):
        wait(ABSENCE_SECONDS)
        seen, cases = scan(folder), scan_cases(folder)
    gone = dict.fromkeys(seen.missing(scripts_expected(name)))
    steps, defaults = _decide_defaults(embedded, seen.files)
    there, files = _decide_files(seen.files, name)
    of_cases = take_embedded_cases() + take_cases(cases.files, name)  # before the texts: the gate holds these to them
    of_cases += miss_cases(cases.missing(cases_expected(name)), name)
    # A script whose file is taken as well has its default taken first, and once more if it lacks what a file brings.
    both = {candidate.key for candidate in files}
    first = take([default for default in defaults if default.key in both], _always, _flag, weigh)
    steps += take([default for default in defaults if default.key not in both] + files, _always, _flag, weigh) + there
    if lacking := {step.script for step in first if step.is_failure}:
        again = {key: item for key, item in embedded.items() if "/".join(key) in lacking}
        more, defaults = _decide_defaults(again, seen.files)
        first = [step for step in first if not step.is_failure] + more + take(defaults, _always, _flag, weigh)
    _record_taken(files, name)
    steps = first + steps + vanished(embedded) + reconcile_files(gone, weigh=weigh, folder=name)
    seen_files.look_over(name)
    return steps + of_cases + [report_remark(remark) for remark in (*seen.remarks, *cases.remarks)]


def reconcile_files(
    files: Mapping[Key, Found | None],
    there: Mapping[Key, Found] | None = None,
    go_on: Callable[[], bool] = _always,
    weigh: Weigh = weigh_later,
    *,
    folder: str | None = None,
) -> list[Step]:
    """Take files in that changed together, and the absence of others (None). `folder`: the name of theirs, by default the site's.

    Of the files that are `there`, those that were rejected before are judged again beside them. What is left once `go_on`
    says no is another's.
    """
    name = identity_of(scripts_dir()) if folder is None else folder
    steps, candidates = _decide_files({key: found for key, found in files.items() if found is not None}, name)
    rejected = {key: found for key, found in (there or {}).items() if key not in files}
    if rejected:
        keys = Script.objects.in_use().exclude(rejected_basis="").values_list("module", "name")
        candidates += _decide_files({key: rejected[key] for key in keys if key in rejected}, name)[1]
    steps += take(candidates, go_on, _flag, weigh)
    _record_taken(candidates, name)
    return steps + _reconcile_absences([key for key, found in files.items() if found is None], go_on, name)


def report_remark(remark: Remark) -> Step:
    """Say what was passed over; two files for one script are announced to those who follow the scripts."""
    if not remark.script:
        return Step(remark.path, "ignored", remark.reason, "file")
    notices.send(notices.in_conflict(remark.module, remark.script, f"{remark.path} {remark.reason}"))
    return said(Step(remark.path, "in_conflict", remark.reason, "file"), logging.WARNING)


def scripts_expected(folder: str) -> set[Key]:
    """Scripts for which a file was seen in the folder of this name, and not yet missed there."""
    return {(key[0], key[1]) for key in seen_files.keys_in(folder, parts=2)}


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


# -- defaults ----------------------------------------------------------------------------------------------------------


def _decide_defaults(
    embedded: Mapping[Key, Embedded], files: Mapping[Key, Found]
) -> tuple[list[Step], list[Candidate]]:
    """Decide on each default: done at once, or to be taken. A source is checked in a sandbox only when it is new."""
    steps, candidates = list[Step](), list[Candidate]()
    with_versions = Script.objects.select_related("active_version", "default_version")
    rows = with_versions.filter(module__in={module for module, _ in embedded})
    known = {(script.module, script.name): script for script in rows}
    for key, item in sorted(embedded.items()):
        script = (
            known.get(key)
            or with_versions.get_or_create(module=item.module, name=item.name, defaults={"language": item.language})[0]
        )
        if script.retired_at is not None:
            steps.append(Step(str(script), "retired", "the script is retired; its default is not taken", "default"))
            continue
        match decide_default(known_of(script, item), file_present=key in files):
            case DefaultAction.NOTHING:
                detail = f"default is v{script.default_version.number}"  # type: ignore[union-attr]
                steps.append(Step(str(script), "unchanged", detail, "default"))
            case DefaultAction.ACTIVATE:
                candidates.append(Candidate(script, item, Activation.Cause.DEFAULT))
            case DefaultAction.UPGRADE:
                candidates.append(Candidate(script, item, Activation.Cause.UPGRADE))
            case DefaultAction.FLAG:
                steps.append(_store_flagged(script, item, file_present=key in files))
    return steps, candidates


def _flag(candidate: Candidate, why: str) -> Step:
    """Something else became active while the default was judged, or the gate stops it (`why`)."""
    assert isinstance(candidate.text, Embedded)
    return _store_flagged(candidate.script, candidate.text, file_present=False, why=why)


def _store_flagged(script: Script, embedded: Embedded, *, file_present: bool, why: str = "") -> Step:
    origin, message = ScriptVersion.Origin.EMBEDDED, "new embedded default"
    version, diagnostics = storing.store(script, embedded.language, embedded.content, origin, message=message)
    if not version.accepted:
        return failed(script, version, first_error(diagnostics))
    script.default_version, script.language = version, embedded.language
    script.save(update_fields=["default_version", "language"])
    detail = f"new embedded default v{version.number} is stored; {_why_not(script, file_present, why)}"
    return said(Step(str(script), "flagged", detail, "default"))


def _why_not(script: Script, file_present: bool, why: str) -> str:
    active = f"v{script.active_version.number}" if script.active_version else "nothing"
    reason = why or (
        "the script is pinned"
        if script.pinned
        else "a file overrides it"
        if file_present
        else "it was chosen by someone"
    )
    return f"{active} stays active, since {reason}"


# -- files -------------------------------------------------------------------------------------------------------------


def _decide_files(files: Mapping[Key, Found], folder: str) -> tuple[list[Step], list[Candidate]]:
    """Decide on each file of the folder of this name: done at once, or to be taken."""
    steps, candidates = list[Step](), list[Candidate]()
    here, unchanged = seen_files.digests_in(folder, list(files)), dict[Key, str]()
    for key, found in sorted(files.items()):
        script = Script.objects.named(*key).select_related("active_version").first()
        if other := _not_taken(key, found.path, script):
            steps.append(other)
            continue
        match decide_file(found, known_of(script, here=here.get(key, "")) if script else Known()):
            case FileAction.KEEP:
                assert isinstance(found, Unusable)
                detail = f"{found.path} {found.reason}; what runs stays"
                steps.append(said(Step("/".join(key), "kept", detail, "file"), logging.WARNING))
                if script is not None and not isinstance(found, BeingWritten):
                    _tell_unusable(script, detail)
                    if not here.get(key):
                        unchanged[key] = NEVER_READ  # so that its end is noticed
                continue
            case FileAction.TAKE | FileAction.TAKE_AGAIN:
                assert isinstance(found, ScriptFile)
                script = script or Script.objects.get_or_create(module=key[0], name=key[1])[0]
                candidates.append(Candidate(script, found, Activation.Cause.FILE))
            case _:
                if isinstance(found, ScriptFile):
                    unchanged[key] = found.digest
                steps.append(Step("/".join(key), "unchanged", found.path, "file"))
        if script is not None:
            _clear_unusable(script)
    seen_files.record(folder, unchanged)
    return steps, candidates


def _tell_unusable(script: Script, detail: str) -> None:
    """Pages and commands show why the file is not taken, and those who follow the scripts are told once."""
    held = one_line(UNUSABLE + detail, 490)
    if script.held != held and Script.objects.filter(pk=script.pk).update(held=held):
        notices.send_on_commit(notices.kept(script, Activation.Cause.FILE, detail))


def _clear_unusable(script: Script) -> None:
    if script.held.startswith(UNUSABLE):
        Script.objects.filter(pk=script.pk, held=script.held).update(held="")
        script.held = ""


def _record_taken(candidates: Iterable[Candidate], folder: str) -> None:
    """Remember in this folder what was decided on; what another process overtook is looked at again."""
    files = {item.key: item.text.digest for item in candidates if isinstance(item.text, ScriptFile)}
    if not files:
        return
    scripts = Script.objects.filter(module__in={module for module, _ in files}).exclude(file_digest="")
    decided = {(module, name): digest for module, name, digest in scripts.values_list("module", "name", "file_digest")}
    seen_files.record(folder, {key: digest for key, digest in files.items() if decided.get(key) == digest})


def _not_taken(key: Key, path: str, script: Script | None) -> Step | None:
    """Why no file of the script with this key is taken, if so; None for one that is not there yet."""
    module = key[0]
    if module != SHARED and modules.get(module) is None:
        known = ", ".join(m.name for m in modules) or "none"
        return Step(path or "/".join(key), "ignored", f"there is no module {module} (modules: {known})", "file")
    if script is not None and script.retired_at is not None:
        return Step("/".join(key), "retired", "the script is retired; its file is not taken", "file")
    return None


def _reconcile_absences(keys: Iterable[Key], go_on: Callable[[], bool], folder: str) -> list[Step]:
    """Files that are gone from the folder of this name. A helper waits for what went with it and may import it."""
    steps = list[Step]()
    here = seen_files.digests_in(folder, keys := list(keys))
    waiting = sorted(keys, key=lambda key: (key[0] == SHARED, key))
    patient = True
    while waiting:
        left = list[Key]()
        for number, key in enumerate(waiting):
            if not go_on():
                return steps
            others = {*left, *waiting[number + 1 :]} if patient else set()
            step = _reconcile_absence(key, others, folder, here.get(key, ""))
            left += [key] if step is None else []
            steps += [step] if step is not None else []
        patient, waiting = len(left) < len(waiting), left
    return steps


def _reconcile_absence(key: Key, others: Collection[Key], folder: str, here: str) -> Step | None:
    """Return what was done; None when it waits for `others`, which are gone too. `here`: the file that the folder had."""
    script = Script.objects.named(*key).select_related("active_version", "default_version").first()
    if other := _not_taken(key, "", script):
        return other
    if script is not None:
        _clear_unusable(script)
    step = _miss(key, script, others, here)
    if here and not Script.objects.named(*key).filter(file_digest=here).exists():
        seen_files.forget(folder, [key])
    return step


def _miss(key: Key, script: Script | None, others: Collection[Key], here: str) -> Step | None:
    match decide_file(None, known_of(script, gone=True, here=here) if script else Known()):
        case FileAction.NOTHING:
            return Step("/".join(key), "unchanged", "", "file")
        case FileAction.LEAVE:
            another = "another one counts" if here != NEVER_READ else "it was never taken"
            return Step("/".join(key), "forgotten", f"its file is gone from this folder; {another}", "file")
        case FileAction.REVERT:
            assert script is not None
            return _revert(script, others)
    assert script is not None
    if not Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(**NO_FILE):
        return overtaken(script)
    return said(Step(str(script), "forgotten", "its file is gone; another version was active and stays", "file"))


def _revert(script: Script, others: Collection[Key]) -> Step | None:
    """Requirement 5.6. A helper that scripts import stays: its end is a change that breaks them, and refused like any other."""
    default = script.default_version
    needed_by = _needed_by(script, default)
    if others and needed_by:
        return None
    cause, base = Activation.Cause.FILE_DELETED, script.active_version
    move = Move(script, default, cause, base, changes={"file_digest": ""}, file_seen=script.file_digest)
    try:
        with transaction.atomic():
            if dependents.hold(script, default):
                needed_by = _needed_by(script, default)
            if needed_by:
                return _kept(script, f"it is imported by {needed_by}: change these, then retire it")
            activate_together([move], judge=False)
    except GateClosed as closed:
        return _kept(script, f"the default is to pass the gate first: publish it ({closed})")
    except StaleBase:
        return Step(str(script), "unchanged", "another version became active while the file went away", "file")
    except FileOvertaken:
        return overtaken(script)
    back = (
        f"the default v{default.number} is active again"
        if default
        else "there is no default: the script is not found now"
    )
    return said(Step(str(script), "reverted", f"its file is gone; {back}", "file"))


def _kept(script: Script, since: str) -> Step:
    """A script stays as it is though its file is gone."""
    if not Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(**NO_FILE):
        return overtaken(script)
    stays = f"v{script.active_version.number} stays active" if script.active_version else "it stays"
    why = f"{stays}, since {since}"
    notices.send_on_commit(notices.kept(script, Activation.Cause.FILE_DELETED, why))
    return said(Step(str(script), "kept", f"its file is gone, but {why}", "file"), logging.WARNING)


def _needed_by(script: Script, default: ScriptVersion | None) -> str:
    """The scripts that break without the helper's file; empty where it is no helper, or none does."""
    if script.module != SHARED:
        return ""
    instead = Source(str(script), default.language, default.text) if default else None
    return ", ".join(broken.script for broken in dependents.broken_by({str(script): instead}))


def known_of(script: Script, embedded: Embedded | None = None, *, gone: bool = False, here: str = "") -> Known:
    """Read from the database what the decisions need; `gone`: whose version is active counts only where a file is gone."""
    active, default = script.active_version, script.default_version
    return Known(
        file_digest=script.file_digest,
        here=here,
        file_rejected=bool(script.rejected_basis),
        has_active=active is not None,
        active_by_file=gone and active is not None and bool(script.file_digest) and is_files(script, active),
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
