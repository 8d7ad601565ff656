"""Take texts that arrived together, files and embedded defaults: in groups linked by imports, each in one transaction or not at all."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import redis
from django.db import router, transaction

from scripting.bus import evidence_jobs
from scripting.models import Activation, Script, ScriptVersion
from scripting.processes import notices
from scripting.registry import activating, dependents, judging, storing
from scripting.registry.dependents import Key, World
from scripting.registry.gate import GateClosed
from scripting.registry.judging import Proposal, Verdict
from scripting.registry.moves import AnyBase, FileOvertaken, HelpersChanged, Move, PublishRefused, StaleBase
from scripting.registry.settling import settle
from scripting.sandbox import source_text
from scripting.sources.embedded import Embedded
from scripting.sources.folder import ScriptFile
from scripting.sources.steps import WAITS, Step, first_error, said, will_fail
from scripting.storage.checkpoints import put_off
from scripting.texts.escaping import one_line
from scripting.types import ErrorType

logger = logging.getLogger(__name__)
security = logging.getLogger("scripting.security")

NO_FILE = {"file_digest": "", "rejected_basis": "", "rejected_batch": "", "held": ""}
"""Field values of a script that has no file."""
ARRIVED = "arrived"
"""The batch of the files that arrived just now."""
AGAIN = "-"
"""In place of a basis: judge it again at the next look."""
JOB = "scripting.evidence.gate.weigh_versions"
"""Makes the evidence that files lack; a room above knows how."""

Weigh = Callable[[GateClosed], bool]
"""Sees to the evidence that the gate lacks; True if it is there now."""


def weigh_later(closed: GateClosed) -> bool:
    """Have an evidence worker make it: the files wait. Asked at each look, so that a job that was lost is made good."""
    versions = sorted(version.pk for version in closed.versions)
    try:
        evidence_jobs.enqueue(JOB, versions, job_id="gate-" + "-".join(map(str, versions)))
    except redis.RedisError as error:
        logger.warning("evidence for the gate is not asked for yet: %s", error)
    return False


@dataclass(frozen=True)
class Candidate:
    """A text to take, and the script as it was when that was decided."""

    script: Script
    text: ScriptFile | Embedded
    cause: str
    base: ScriptVersion | type[AnyBase] | None = AnyBase
    """Of a file that had to wait: what was active when it arrived. Whoever publishes meanwhile has decided otherwise."""

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
        return Move(self.script, version, self.cause, self.base, reason=self.text.path, changes=changes, file_seen=seen)

    def that_waited(self) -> Candidate:
        """The same, after a time in which somebody may have decided otherwise."""
        return self if self.base is not AnyBase else replace(self, base=self.script.active_version)


Flag = Callable[[Candidate, str], Step]
"""Stores a default without activating it, and says why."""


def take(
    candidates: Sequence[Candidate], go_on: Callable[[], bool], flag: Flag, weigh: Weigh = weigh_later
) -> list[Step]:
    """Take what passes, group by group while `go_on`.

    A default over which something else became active, or which the gate stops, goes to `flag`; `weigh` sees to evidence.
    """
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
        members = [member.that_waited() if member.was_rejected else member for member in members]
        steps += _take_group(members, world, flag, weigh)
    return steps


def _take_group(members: Sequence[Candidate], world: World, flag: Flag, weigh: Weigh) -> list[Step]:
    group = [member.proposal for member in members]
    verdicts = settle(group, world)
    taken = [member for member in members if verdicts[member.key].accepted]
    stopped: GateClosed | None = None
    versions, refused = _kept_and_activated(members, verdicts, taken)
    try:
        if refused is not None:
            raise refused
    except HelpersChanged:
        return _take_group([_afresh(member) for member in members], World(), flag, weigh)
    except GateClosed as closed:
        if closed.lacking and weigh(closed):
            return _take_group([_afresh(member.that_waited()) for member in members], World(), flag, weigh)
        waiting = [member for member in taken if member.was_rejected]
        if waiting and len(waiting) < len(taken):  # what waits does not hold back what arrived
            others = [_afresh(member) for member in members if member not in waiting]
            held = [_held(member, versions[member.key], closed, flag) for member in waiting]
            return held + _take_group(others, World(), flag, weigh)
        stopped = closed
    except (StaleBase, FileOvertaken) as late:
        left_out = next(member for member in members if versions[member.key] == late.version)
        others = [_afresh(member) for member in members if member is not left_out]
        if isinstance(late, FileOvertaken):
            step = overtaken(left_out.script)
        elif isinstance(left_out.text, ScriptFile):
            step = _passed_over(left_out)
        else:
            step = flag(_afresh(left_out), "")
        return [step, *(_take_group(others, World(), flag, weigh) if others else ())]
    basis = AGAIN if taken else judging.basis(group, world)
    arrived = sorted(p.label for p in group if p.batch == ARRIVED)
    batch = hashlib.sha256(" ".join([basis, *arrived]).encode()).hexdigest()[:32]
    steps = []
    for member in members:
        version = versions[member.key]
        if member not in taken:
            steps.append(_rejected(member, version, verdicts[member.key], basis, batch))
        elif stopped is not None:
            steps.append(_held(member, version, stopped, flag))
        else:
            steps.append(_activated(member, version))
    return steps


def _kept_and_activated(
    members: Sequence[Candidate], verdicts: Mapping[Key, Verdict], taken: Sequence[Candidate]
) -> tuple[dict[Key, ScriptVersion], PublishRefused | None]:
    """Keep the texts and make those that are taken live, in one commit: the texts are kept whatever stands against the rest."""
    refused = None
    with put_off(router.db_for_write(Script)), transaction.atomic():
        for member in members:
            dependents.hold_for(member.script, source_text.read_any(member.text.content))
        in_order = sorted(members, key=lambda member: member.script.pk)  # as whoever locks several locks them
        versions = {member.key: _kept(member, verdicts[member.key]) for member in in_order}
        try:
            activating.activate_together([member.move(versions[member.key]) for member in taken])
        except PublishRefused as problem:
            refused = problem
        for member in members:
            if refused is not None or member not in taken:
                storing.tell_number(versions[member.key])
    return versions, refused


def _afresh(member: Candidate) -> Candidate:
    """The same with the script as it is now, but for the file that it was decided on: no other may have been taken since."""
    script = Script.objects.select_related("active_version", "default_version").get(pk=member.script.pk)
    if isinstance(member.text, ScriptFile):
        script.file_digest = member.script.file_digest
    return replace(member, script=script)


def _kept(member: Candidate, verdict: Verdict) -> ScriptVersion:
    text = member.text
    if isinstance(text, Embedded):
        origin = ScriptVersion.Origin.EMBEDDED
        message = "embedded default" if member.cause == Activation.Cause.DEFAULT else "new embedded default"
    else:
        origin, message = ScriptVersion.Origin.FILE, f"file {text.path}"
    tell = not member.was_rejected
    return storing.keep(
        member.script, text.language, text.content, origin, verdict, message=message, tell=tell, is_number_told=True
    )


def _activated(member: Candidate, version: ScriptVersion) -> Step:
    name = str(member.script)
    if isinstance(member.text, ScriptFile):
        warned = will_fail(map(storing.diagnostic_of, version.diagnostics))
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
    remembered = {"file_digest": text.digest, "rejected_basis": basis, "rejected_batch": batch, "held": ""}
    if not Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(**remembered):
        return overtaken(script)
    step = Step(str(script), "rejected", _why(script, text, version, error), "file", member.was_rejected)
    if step.is_known:
        return said(step)
    if any(d.type is ErrorType.SECURITY_VIOLATION for d in verdict.diagnostics):
        security.warning("%s: refused by the policy: %s", script, error)
    return said(step, logging.WARNING)


def _held(member: Candidate, version: ScriptVersion, closed: GateClosed, flag: Flag) -> Step:
    """The gate does not let it through: a file is remembered, and tried again at each look; a default is stored."""
    script, text = member.script, member.text
    waits = bool(closed.lacking)
    if isinstance(text, Embedded):
        if waits:
            return Step(
                str(script), "waiting", f"new embedded default v{version.number} waits for its replay", "default"
            )
        return flag(_afresh(member), str(closed))
    words = WAITS if waits else one_line(str(closed), 490)
    stays = "what ran before stays active" if script.active_version_id else "nothing runs for it"
    detail = f"{text.path} is stored as v{version.number}: {words}; {stays}"
    step = Step(
        str(script), "waiting" if waits else "held", detail, "file", member.was_rejected and script.held == words
    )
    if step.is_known:
        return step
    remembered = {"file_digest": text.digest, "rejected_basis": AGAIN, "rejected_batch": "", "held": words}
    as_decided = Script.objects.filter(
        pk=script.pk, file_digest=script.file_digest, active_version=script.active_version
    )
    if not as_decided.update(**remembered):
        return overtaken(script)
    notices.send_on_commit(notices.held(version, detail, waits=waits))
    return said(step, logging.INFO if waits else logging.WARNING)


def _passed_over(member: Candidate) -> Step:
    """Somebody made another version live while the file waited: it is not taken until it is saved again."""
    script, text = member.script, member.text
    assert isinstance(text, ScriptFile)
    Script.objects.filter(pk=script.pk, file_digest=script.file_digest).update(
        **{**NO_FILE, "file_digest": text.digest}
    )
    detail = f"{text.path} is not taken: another version became active while it waited; save it again to take it"
    return said(Step(str(script), "passed_over", detail, "file"), logging.WARNING)


def _still_rejected(member: Candidate) -> Step:
    """Nothing that the verdict rests on has changed since it was reached."""
    assert isinstance(member.text, ScriptFile)
    sha256 = ScriptVersion.digest_of(member.text.content)
    version = member.script.versions.get(language=member.text.language, sha256=sha256)
    error = first_error(map(storing.diagnostic_of, version.diagnostics))
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
