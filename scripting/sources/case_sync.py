"""Cases taken from files and from the modules' packages into the database: the last change wins, as it does for scripts.

A file counts when it changes. What was changed in the browser since stays until the file is saved the next time, and so does
the absence of a case that was deleted there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from scripting.models import Case, Script
from scripting.sources import seen
from scripting.sources.case_folder import CaseFile, CaseFound, CaseKey, embedded_cases
from scripting.sources.folder import Unusable
from scripting.sources.steps import Step, said
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem


def take_cases(files: Mapping[CaseKey, CaseFound], folder: str) -> list[Step]:
    """Take each file that differs from what was last seen of it in the folder of this name. A file that is no case leaves the last good one."""
    here = seen.digests_in(folder, list(files))
    steps = {key: _take(key, found, here.get(key, "")) for key, found in sorted(files.items())}
    done = {key: found.digest for key, found in files.items() if isinstance(found, CaseFile)}
    seen.record(folder, {key: digest for key, digest in done.items() if steps[key].outcome in {"taken", "unchanged"}})
    return list(steps.values())


def _take(key: CaseKey, found: CaseFound, here: str) -> Step:
    label = "/".join(key)
    if isinstance(found, Unusable):
        return said(
            Step(label, "kept", f"{found.path} {found.reason}; the case stays as it was", "file"), logging.WARNING
        )
    script = Script.objects.in_use().named(*key[:2]).first()
    if script is None:
        return Step(label, "ignored", f"{found.path} waits: there is no script {key[0]}/{key[1]} in use", "file")
    case = script.cases.filter(name=key[2]).first() or Case(script=script, name=key[2])
    if found.digest in {case.file_digest, here}:
        return Step(label, "unchanged", found.path, "file")
    try:
        content = case_text.decode(found.content)
    except CaseProblem as problem:
        stays = "the case stays as it was" if case.pk and case.removed_at is None else "no case comes of it"
        return said(Step(label, "rejected", f"{found.path}: {problem}; {stays}", "file"), logging.WARNING)
    case.write(content, Case.Origin.FILE)
    case.file_digest = found.digest
    case.save()
    return said(Step(label, "taken", f"case from {found.path}", "file"))


def cases_expected(folder: str) -> set[CaseKey]:
    """Cases for which a file was seen in the folder of this name, and not yet missed there; deleted ones among them."""
    return {(key[0], key[1], key[2]) for key in seen.keys_in(folder, parts=3)}


def miss_cases(keys: Iterable[CaseKey], folder: str) -> list[Step]:
    """Files that are gone from the folder of this name: the module's own case comes back; without one the case is deleted, unless it was
    changed in the browser, or a file of another folder counts."""
    embedded, here = embedded_cases(), seen.digests_in(folder, keys := sorted(keys))
    rows = Case.objects.exclude(file_digest="").select_related("script")
    known = {(case.script.module, case.script.name, case.name): case for case in rows}
    own = [key for key in keys if key in known and known[key].file_digest == here.get(key)]
    steps = [_miss(known[key], embedded.get(key)) for key in own]
    seen.forget(folder, keys)
    return steps


def _miss(case: Case, embedded: CaseFile | None) -> Step:
    is_files = case.origin == Case.Origin.FILE or case.file_digest == case.digest
    case.file_digest = ""
    if case.removed_at is None and not is_files:
        case.save()
        return said(
            Step(str(case), "forgotten", "its file is gone; the case was changed in the browser and stays", "file")
        )
    if embedded is not None and case.removed_at is None:
        case.write(case_text.decode(embedded.content), Case.Origin.EMBEDDED)
        case.save()
        return said(Step(str(case), "reverted", "its file is gone; the module's own case is back", "file"))
    label = str(case)
    if case.default_digest:
        case.save()
    else:
        case.delete()
    return said(Step(label, "deleted", "its file is gone, and the case with it", "file"))


def take_embedded_cases() -> list[Step]:
    """Cases that the packages ship: new ones, changed ones that nobody changed here, and those shipped no longer."""
    shipped = embedded_cases()
    rows = Case.objects.filter(script__in=Script.objects.in_use()).exclude(default_digest="")
    taken = {
        (m, n, name): d
        for m, n, name, d in rows.values_list("script__module", "script__name", "name", "default_digest")
    }
    others = {key: found for key, found in shipped.items() if taken.get(key) != found.digest}
    steps = _take_embedded(others)
    known = Case.objects.exclude(default_digest="").select_related("script")
    return steps + [_unship(case) for case in known if (case.script.module, case.script.name, case.name) not in shipped]


def _take_embedded(shipped: Mapping[CaseKey, CaseFile]) -> list[Step]:
    """Those of scripts in use, asked for together; the new ones are inserted together."""
    if not shipped:
        return []
    modules, names, of_cases = map(set, zip(*shipped, strict=True))
    of_them = Script.objects.in_use().filter(module__in=modules, name__in=names)
    scripts = {(script.module, script.name): script for script in of_them}
    rows = Case.objects.filter(script__in=scripts.values(), name__in=of_cases)
    there = {(case.script_id, case.name): case for case in rows}
    steps, new = [], []
    for key, found in shipped.items():
        if (script := scripts.get(key[:2])) is None:
            continue
        case = there.get((script.pk, key[2])) or Case(script=script, name=key[2], origin=Case.Origin.EMBEDDED)
        if case.default_digest == found.digest:
            continue
        case.script = script
        try:
            steps.append(_write_default(case, found))
        except CaseProblem as problem:
            step = Step("/".join(key), "failed", f"{found.path}: {problem}", "default")
            steps.append(said(step, logging.ERROR))
            continue
        if case.pk:
            case.save()
        else:
            new.append(case)
    Case.objects.bulk_create(new)
    return steps


def _write_default(case: Case, found: CaseFile) -> Step:
    """Raises CaseProblem."""
    content = case_text.decode(found.content)
    case.default_digest = found.digest
    if case.origin == Case.Origin.EMBEDDED and not case.file_digest:
        case.write(content, Case.Origin.EMBEDDED)
        return said(Step(str(case), "taken", "case of the module", "default"))
    return said(Step(str(case), "flagged", "the module ships another case of this name; yours stays", "default"))


def _unship(case: Case) -> Step:
    label = str(case)
    if case.origin == Case.Origin.EMBEDDED and not case.file_digest:
        case.delete()
        return said(Step(label, "deleted", "the module ships this case no longer", "default"))
    case.default_digest = ""
    case.save()
    return said(Step(label, "vanished", "the module ships this case no longer; yours stays", "default"))
