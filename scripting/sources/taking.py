"""Take texts that arrived together, files and embedded defaults: in groups linked by imports, each in one transaction or not at all."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripting.models import Activation, Script, ScriptVersion
from scripting.registry import judging, publishing
from scripting.registry.dependents import Key, World
from scripting.registry.judging import Proposal, Verdict
from scripting.registry.publishing import AnyBase, FileOvertaken, HelpersChanged, Move, StaleBase
from scripting.registry.settling import settle
from scripting.sources.embedded import Embedded
from scripting.sources.folder import ScriptFile
from scripting.sources.steps import Step, first_error, said, will_fail
from scripting.types import ErrorType

security = logging.getLogger("scripting.security")

NO_FILE = {"file_digest": "", "rejected_basis": "", "rejected_batch": ""}
"""Field values of a script that has no file."""
ARRIVED = "arrived"
"""The batch of the files that arrived just now."""
AGAIN = "-"
"""In place of a basis: judge it again at the next look."""


@dataclass(frozen=True)
class Candidate:
    """A text to take, and the script as it was when that was decided."""

    script: Script
    text: ScriptFile | Embedded
    cause: str

    @property
    def key(self) -> Key:
        return self.script.module, self.script.name

    @property
    def was_rejected(self) -> bool:
        """Whether this very file was rejected before."""
        return isinstance(self.text, ScriptFile) and self.script.file_digest == self.text.digest

    @property
    def proposal(self) -> Proposal:
        """Files that arrive together are one batch, so are files that were rejected together; an embedded default is one of its own."""
        batch, yields = ARRIVED, False
        if self.was_rejected:
            batch, yields = self.script.rejected_batch or str(self.script), True
        elif isinstance(self.text, Embedded):
            batch, yields = f"default {self.script}", True
        return Proposal(*self.key, self.text.language, self.text.content, batch, yields)

    def move(self, version: ScriptVersion) -> Move:
        """Return the move that makes the version active."""
        if isinstance(self.text, Embedded):
            base = self.script.default_version if self.cause == Activation.Cause.UPGRADE else None
            changes = {"default_version": version, "language": version.language}
            return Move(self.script, version, self.cause, base, changes=changes)
        changes = {"file_digest": self.text.digest}
        seen = self.script.file_digest
        return Move(self.script, version, self.cause, AnyBase, reason=self.text.path, changes=changes, file_seen=seen)


def take(candidates: Sequence[Candidate], go_on: Callable[[], bool], flag: Callable[[Candidate], Step]) -> list[Step]:
    """Take what passes, group by group while `go_on`. A default over which something else became active goes to `flag`."""
    world, steps = World(), list[Step]()
    by_key = {candidate.key: candidate for candidate in candidates}
    for group in judging.groups([candidate.proposal for candidate in candidates], world):
        members = [by_key[proposal.key] for proposal in group]
        if all(member.was_rejected for member in members):
            basis = judging.basis(group, world)
            if all(member.script.rejected_basis == basis for member in members):
                steps += [_still_rejected(member) for member in members]
                continue
        if not go_on():
            break
        steps += _take_group(members, world, flag)
    return steps


def _take_group(members: Sequence[Candidate], world: World, flag: Callable[[Candidate], Step]) -> list[Step]:
    group = [member.proposal for member in members]
    verdicts = settle(group, world)
    versions = {member.key: _kept(member, verdicts[member.key]) for member in members}
    taken = [member for member in members if verdicts[member.key].accepted]
    try:
        publishing.activate_together([member.move(versions[member.key]) for member in taken])
    except HelpersChanged:
        return _take_group([_afresh(member) for member in members], World(), flag)
    except (StaleBase, FileOvertaken) as late:
        left_out = next(member for member in members if versions[member.key] == late.version)
        others = [_afresh(member) for member in members if member is not left_out]
        step = overtaken(left_out.script) if isinstance(late, FileOvertaken) else flag(_afresh(left_out))
        return [step, *(_take_group(others, World(), flag) if others else ())]
    basis = AGAIN if taken else judging.basis(group, world)
    arrived = sorted(p.label for p in group if p.batch == ARRIVED)
    batch = hashlib.sha256(" ".join([basis, *arrived]).encode()).hexdigest()[:32]
    return [
        _activated(member, versions[member.key])
        if member in taken
        else _rejected(member, versions[member.key], verdicts[member.key], basis, batch)
        for member in members
    ]


def _afresh(member: Candidate) -> Candidate:
    """The same with the script as it is now, but for the file that it was decided on: no other may have been taken since."""
    script = Script.objects.select_related("active_version", "default_version").get(pk=member.script.pk)
    if isinstance(member.text, ScriptFile):
        script.file_digest = member.script.file_digest
    return Candidate(script, member.text, member.cause)


def _kept(member: Candidate, verdict: Verdict) -> ScriptVersion:
    text = member.text
    if isinstance(text, Embedded):
        origin = ScriptVersion.Origin.EMBEDDED
        message = "embedded default" if member.cause == Activation.Cause.DEFAULT else "new embedded default"
    else:
        origin, message = ScriptVersion.Origin.FILE, f"file {text.path}"
    tell = not member.was_rejected
    return publishing.keep(member.script, text.language, text.content, origin, verdict, message=message, tell=tell)


def _activated(member: Candidate, version: ScriptVersion) -> Step:
    name = str(member.script)
    if isinstance(member.text, ScriptFile):
        warned = will_fail(map(publishing.diagnostic_of, version.diagnostics))
        detail = f"v{version.number} from {member.text.path}" + (f"; it {warned}" if warned else "")
        return said(Step(name, "activated", detail, "file"), logging.WARNING if warned else logging.DEBUG)
    if member.cause == Activation.Cause.UPGRADE:
        return said(Step(name, "upgraded", f"v{version.number}, new embedded default", "default"))
    return said(Step(name, "activated", f"v{version.number}, embedded default", "default"))


def _rejected(member: Candidate, version: ScriptVersion, verdict: Verdict, basis: str, batch: str) -> Step:
    """Requirements 3.6 and 5.4. A file's verdict is remembered with all that it rests on."""
    script, text, error = member.script, member.text, first_error(verdict.diagnostics)
    if isinstance(text, Embedded):
        return failed(script, version, error)
    if member.was_rejected:
        batch = script.rejected_batch
    remembered = {"file_digest": text.digest, "rejected_basis": basis, "rejected_batch": batch}
    if not Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(**remembered):
        return overtaken(script)
    step = Step(str(script), "rejected", _why(script, text, version, error), "file", member.was_rejected)
    if step.is_known:
        return said(step)
    if any(d.type is ErrorType.SECURITY_VIOLATION for d in verdict.diagnostics):
        security.warning("%s: refused by the policy: %s", script, error)
    return said(step, logging.WARNING)


def _still_rejected(member: Candidate) -> Step:
    """Nothing that the verdict rests on has changed since it was reached."""
    assert isinstance(member.text, ScriptFile)
    sha256 = ScriptVersion.digest_of(member.text.content)
    version = member.script.versions.get(language=member.text.language, sha256=sha256)
    error = first_error(map(publishing.diagnostic_of, version.diagnostics))
    return Step(str(member.script), "rejected", _why(member.script, member.text, version, error), "file", is_known=True)


def _why(script: Script, file: ScriptFile, version: ScriptVersion, error: str) -> str:
    stays = "what ran before stays active" if script.active_version_id else "nothing runs for it"
    return f"{file.path} {error}; kept as v{version.number}, {stays}"


def failed(script: Script, version: ScriptVersion, error: str) -> Step:
    """That an embedded default did not pass: only a new release can mend it."""
    detail = f"v{version.number} does not pass its check: {error}"
    return said(Step(str(script), "failed", f"embedded default {detail}", "default"), logging.ERROR)


def overtaken(script: Script) -> Step:
    return Step(str(script), "unchanged", "its file was taken by another process meanwhile", "file")
