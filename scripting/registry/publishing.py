"""Check, store, activate, publish and roll back: the one way by which a version becomes the one that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from scripting.models import (
    SHARED,
    Activation,
    Breaker,
    Case,
    CaseChange,
    Draft,
    KnobSet,
    Review,
    Script,
    ScriptVersion,
)
from scripting.processes import notices
from scripting.registry import dependents, gate, judging
from scripting.registry.announce import announce
from scripting.registry.bundles import bundle_for
from scripting.registry.checking import check_bundle
from scripting.registry.gate import Passage
from scripting.registry.judging import Proposal, Verdict
from scripting.registry.moves import (
    PLAIN,
    AlreadyActive,
    AnyBase,
    AtGate,
    FileOvertaken,
    HelpersChanged,
    Move,
    PublishRefused,
    StaleBase,
    WillFail,
)
from scripting.registry.resolved import load
from scripting.sandbox import source_text
from scripting.storage import numbers
from scripting.subscriptions import sets
from scripting.supervisor.pool import CheckReport
from scripting.texts.escaping import visible
from scripting.texts.merge import Merge, merge
from scripting.types import Diagnostic, ErrorType, Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BY_PEOPLE = frozenset({Activation.Cause.PUBLISH, Activation.Cause.ROLLBACK})


def check(module_name: str, name: str, language: str, text: str) -> CheckReport:
    """Check a text in a sandbox as it would run in `module_name`; nothing is stored."""
    source = Source(f"{module_name}/{name}", language, text)
    return check_bundle(module_name, bundle_for(source))


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
    verdict = _judge(script, language, content)
    return keep(script, language, content, origin, verdict, author=author, message=message), verdict.diagnostics


def keep(
    script: Script,
    language: str,
    content: bytes,
    origin: str,
    verdict: Verdict,
    *,
    author: User | None = None,
    message: str = "",
    tell: bool = True,
    at_least: int = 1,
) -> ScriptVersion:
    """The version that holds `content`, with a verdict just reached; an equal text reuses its version.

    Those who follow the scripts are told of a text that is not accepted, if `tell`. A new version has a number of `at_least`.
    """
    described = [_described(d) for d in verdict.diagnostics]
    with transaction.atomic():
        locked = Script.objects.select_for_update().get(pk=script.pk)
        sha256 = ScriptVersion.digest_of(content)
        version = locked.versions.filter(language=language, sha256=sha256).first()
        if version is None:
            last = locked.versions.aggregate(last=Max("number"))["last"] or 0
            version = ScriptVersion.objects.create(
                script=locked,
                number=numbers.next_number(numbers.VERSION, str(locked), last, at_least),
                language=language,
                content=content,
                source=ScriptVersion.shown(content),
                sha256=sha256,
                origin=origin,
                author=author,
                message=visible(message),
                accepted=verdict.accepted,
                diagnostics=described,
            )
        elif version.accepted != verdict.accepted or version.diagnostics != described:
            version.accepted, version.diagnostics = verdict.accepted, described
            version.save(update_fields=["accepted", "diagnostics"])
        if tell and not verdict.accepted:
            notices.send_on_commit(notices.rejected(version, origin, visible(verdict.first_error.message)))
    return version


def _judge(script: Script, language: str, content: bytes) -> Verdict:
    proposal = Proposal(script.module, script.name, language, content)
    return judging.judge([proposal])[proposal.key]


def activate(
    script: Script,
    version: ScriptVersion | None,
    cause: str,
    *,
    actor: User | None = None,
    reason: str = "",
    base: ScriptVersion | type[AnyBase] | None = None,
    changes: Mapping[str, Any] | None = None,
    judge: bool = True,
    at_gate: AtGate = PLAIN,
) -> Activation:
    """Make `version` the one that runs: `activate_together` of one."""
    move = Move(script, version, cause, base, actor, reason, changes or {}, at_gate=at_gate)
    return activate_together([move], judge=judge)[0]


def activate_together(
    moves: Sequence[Move], *, judge: bool = True, case_changes: Sequence[CaseChange] = ()
) -> list[Activation]:
    """Make versions of several scripts the ones that run, all in one transaction or none; cases that come with them too.

    Raises StaleBase if something else than a move's base is active (`AnyBase` takes whatever is), FileOvertaken, HelpersChanged where
    what is moved fits helpers, or a helper its dependents, no longer (`judge` False takes it as it is), GateClosed and
    OverrideForbidden where a policy asks for evidence. What people ask for (publish, roll back) raises AlreadyActive where it
    is so already.
    """
    with transaction.atomic():
        of_helpers = any(dependents.hold(move.script, move.version) for move in moves)
        pks = [move.script.pk for move in moves]
        locked = {script.pk: script for script in Script.objects.select_for_update().filter(pk__in=pks).order_by("pk")}
        for move in moves:
            _allow(move, locked[move.script.pk])
        if of_helpers and judge:
            _judge_again(moves)
        passage = gate.pass_gate(moves, locked, case_changes)
        for each in case_changes:
            _keep_case(each, moves)
        activations = [_move(move, locked[move.script.pk], passage) for move in moves]
        for move in moves:
            sets.join_planned(locked[move.script.pk], actor=move.actor)
        Review.settle({review.pk for review in passage.reviews.values()})
        Breaker.forgive(move.version.pk for move in moves if move.version is not None)
        if any(move.script.module == SHARED for move in moves):
            for move in moves:
                if move.script.module == SHARED:
                    Breaker.forgive(each.pk for each in dependents.dependents_of(move.script.name))
            load()  # records the new bundles here, once: else every process would, all at the same moment
        elif bundled := [m.script for m in moves if _is_bundled(m, locked[m.script.pk])]:
            load([(script.module, script.name) for script in bundled])
    for move in moves:
        move.script.refresh_from_db()
    return activations


def _keep_case(change: CaseChange, moves: Sequence[Move]) -> None:
    """Raises StaleBase for a case that somebody changed meanwhile."""
    found = change.script.cases.select_for_update().filter(name=change.name).first()
    kept = found.digest if found is not None and found.removed_at is None else ""
    user = next((move.actor.get_username() for move in moves if move.actor is not None), "")
    if change.base is not None and change.base != kept:
        raise StaleBase(f"the case {change.script}/{change.name} was changed meanwhile: pull it, then release again")
    if change.content is None:
        if found is not None and kept:
            found.leave(user)
        return
    found = found or Case(script=change.script, name=change.name)
    found.write(change.content, Case.Origin.EDITOR, user=user)
    found.save()


def _is_bundled(move: Move, locked: Script) -> bool:
    """Whether more than its text decides what the script's bundle is."""
    return move.version is not None and (SHARED in move.version.source or locked.active_knobs_id is not None)


def _allow(move: Move, locked: Script) -> None:
    """Raise what stands against a move of the locked script."""
    version, base = move.version, move.base
    if move.file_seen is not None and locked.file_digest != move.file_seen:
        # A watcher that was stopped and goes on must not bring an old text back over what its successor took.
        raise FileOvertaken(f"the file of {locked} was taken by another process meanwhile", version)
    if move.is_of_knobs:
        _require_other_knobs(move, locked)
    elif move.cause in BY_PEOPLE and version is not None and locked.active_version_id == version.pk:
        raise _already_active(version)
    _require_base(locked, base, version)
    if version is not None and (version.script_id != locked.pk or not version.accepted):
        raise PublishRefused(f"{version} did not pass its check and cannot become active", version)


def _require_other_knobs(move: Move, locked: Script) -> None:
    """Raise what stands against a move of knobs: they are set so already, or others were set meanwhile."""
    pk = move.knobs.pk if isinstance(move.knobs, KnobSet) else None
    if move.knobs_base is not AnyBase:
        believed = move.knobs_base.pk if isinstance(move.knobs_base, KnobSet) else None
        if locked.active_knobs_id != believed:
            raise StaleBase(
                f"the knobs of {locked} were set meanwhile; look at the new values, then set yours", move.version
            )
    if locked.active_knobs_id == pk and locked.active_version_id == (move.version and move.version.pk):
        raise AlreadyActive("the knobs are set so already; nothing changed", move.version)


def _judge_again(moves: Sequence[Move]) -> None:
    """Judge the moves beside the helpers as they are now that none can change. What passed a moment ago is not compiled again."""
    versions = {(m.script.module, m.script.name): m.version for m in moves if m.version is not None}
    proposals = [Proposal(*key, version.language, bytes(version.content)) for key, version in versions.items()]
    for key, verdict in judging.judge(proposals).items():
        if not verdict.accepted:
            version = versions[key]
            raise HelpersChanged(f"{version} does not fit what changed meanwhile", version, verdict.diagnostics)


def _move(move: Move, locked: Script, passage: Passage) -> Activation:
    version, reason = move.version, visible(move.reason)
    locked.rejected_basis = locked.rejected_batch = locked.held = ""  # who decided knew of the file, or it is taken now
    for name, value in move.changes.items():
        setattr(locked, name, value)
    locked.active_version = version
    if move.is_of_knobs:
        locked.active_knobs = move.knobs if isinstance(move.knobs, KnobSet) else None
    locked._history_user = move.actor
    locked._change_reason = f"{move.cause}: {reason}"[:100] if reason else move.cause
    locked.save(
        update_fields=["active_version", "active_knobs", "rejected_basis", "rejected_batch", "held", *move.changes]
    )
    announce(notices.activated(locked, version, move.cause, move.actor, reason))
    activation = Activation.objects.create(
        script=locked,
        version=version,
        knobs=locked.active_knobs,
        cause=move.cause,
        actor=move.actor,
        reason=reason,
        override=visible(move.at_gate.override) if passage.overridden else "",
        review=passage.reviews.get(locked.pk),
    )
    activation.evidence.set(passage.evidence.get(locked.pk, ()))
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
    confirmed: bool = True,
    at_gate: AtGate = PLAIN,
) -> Activation:
    """Check, store and activate a text; its actor's draft of it is done with.

    Raises PublishRefused (the text is kept), StaleBase, GateClosed or AlreadyActive. `keep_stale` False stores no text that is known to be
    stale, or live, before its check. `confirmed` False raises WillFail for a text that will certainly fail.
    """
    say_why(reason)
    content = source_text.encode(text)
    if not keep_stale:
        _require_change(script, language, content)
        _require_base(script, base)
    verdict = _judge(script, language, content)
    diagnostics = verdict.diagnostics
    if not confirmed and verdict.accepted and verdict.failures:
        raise WillFail("the text will certainly fail; nothing is stored or published", None, verdict.failures)
    version = keep(script, language, content, origin, verdict, author=actor, message=reason)
    if not version.accepted:
        first = next(d for d in diagnostics if d.severity == "error")
        raise PublishRefused(f"{version} is kept but not active: {first.message}", version, diagnostics)
    try:
        activation = activate(
            script, version, Activation.Cause.PUBLISH, actor=actor, reason=reason, base=base, at_gate=at_gate
        )
    except HelpersChanged:  # beside what others published it is refused now, or fits after all
        return publish(
            script, language, text, actor=actor, reason=reason, base=base, origin=origin, keep_stale=keep_stale,
            confirmed=confirmed, at_gate=at_gate,
        )  # fmt: skip
    except StaleBase as stale:
        script.refresh_from_db()
        raise StaleBase(str(stale), version, _merge(base, script.active_version, version)) from None
    Draft.objects.filter(script=script, user=actor, source=text).delete()
    return activation


@dataclass(frozen=True)
class Text:
    """One of several texts to publish together."""

    script: Script
    language: str
    content: bytes
    base: ScriptVersion | type[AnyBase] | None = AnyBase
    """The version that the text was made from; another one that became live meanwhile refuses them all."""
    author: User | None = None
    """Who wrote it, where that is somebody else than who publishes."""
    message: str = ""
    """Of its own version, where it has another reason than what goes live with it."""


class TogetherRefused(PublishRefused):
    """None of the texts was made active. `refused` says of each that is at fault what is wrong; every text is kept."""

    def __init__(self, refused: Mapping[str, Verdict], message: str = "") -> None:
        self.refused = dict(refused)
        names = ", ".join(self.refused)
        super().__init__(message or f"nothing is published: {names} did not pass; every text is kept")


def publish_together(
    texts: Sequence[Text],
    *,
    actor: User | None,
    reason: str,
    origin: str = ScriptVersion.Origin.EDITOR,
    confirmed: bool = True,
    at_gate: AtGate = PLAIN,
) -> list[Activation]:
    """Check, store and activate texts of several scripts, each beside the others: all of them or none.

    What is live already stays as it is. Raises TogetherRefused, StaleBase, GateClosed, or PublishRefused without a reason. `confirmed` as in `publish`:
    TogetherRefused names the texts that will certainly fail, and nothing is stored.
    """
    moves = moves_for(texts, actor=actor, reason=reason, origin=origin, confirmed=confirmed, at_gate=at_gate)
    try:
        activations = activate_together(moves)
    except (HelpersChanged, AlreadyActive):  # beside what others published it is refused now, or fits after all
        for text in texts:
            text.script.refresh_from_db()
        return publish_together(texts, actor=actor, reason=reason, origin=origin, confirmed=confirmed, at_gate=at_gate)
    for move in moves:
        assert move.version is not None
        Draft.objects.filter(script=move.script, user=actor, source=move.version.text).delete()
    return activations


def moves_for(
    texts: Sequence[Text],
    *,
    actor: User | None,
    reason: str,
    origin: str = ScriptVersion.Origin.EDITOR,
    confirmed: bool = True,
    at_gate: AtGate = PLAIN,
) -> list[Move]:
    """Check and store texts, each beside the others: the moves that would make live those that are not. Raises as `publish_together`."""
    say_why(reason)
    proposals = [Proposal(t.script.module, t.script.name, t.language, t.content) for t in texts]
    verdicts = judging.judge(proposals)
    failing = {p.label: verdicts[p.key] for p in proposals if verdicts[p.key].failures}
    if failing and not confirmed and all(verdict.accepted for verdict in verdicts.values()):
        raise TogetherRefused(failing, f"nothing is published: {', '.join(failing)} will certainly fail")
    versions = [
        keep(
            text.script,
            text.language,
            text.content,
            origin,
            verdicts[proposal.key],
            author=text.author or actor,
            message=text.message or reason,
        )
        for text, proposal in zip(texts, proposals, strict=True)
    ]
    refused = {p.label: verdicts[p.key] for p in proposals if not verdicts[p.key].accepted}
    if refused:
        raise TogetherRefused(refused)
    return [
        Move(text.script, version, Activation.Cause.PUBLISH, text.base, actor, text.message or reason, at_gate=at_gate)
        for text, version in zip(texts, versions, strict=True)
        if text.script.active_version_id != version.pk
    ]


def rollback(script: Script, number: int, *, actor: User | None, reason: str, at_gate: AtGate = PLAIN) -> Activation:
    """Re-activate an old version, without a copy. Raises PublishRefused when it cannot run, GateClosed, AlreadyActive."""
    say_why(reason)
    version = script.versions.filter(number=number).first()
    if version is None:
        raise PublishRefused(f"{script} has no version {number}")
    diagnostics = recheck(version)
    if not version.accepted:
        first = next(d for d in diagnostics if d.severity == "error")
        message = f"{version} did not pass its check and cannot become active: {first.message}"
        raise PublishRefused(message, version, diagnostics)
    try:
        cause = Activation.Cause.ROLLBACK
        return activate(script, version, cause, actor=actor, reason=reason, base=AnyBase, at_gate=at_gate)
    except HelpersChanged:
        return rollback(script, number, actor=actor, reason=reason, at_gate=at_gate)


def recheck(version: ScriptVersion) -> tuple[Diagnostic, ...]:
    """Judge a stored text anew, in case helpers or the interpreter changed since: what its check found now."""
    _, diagnostics = store(version.script, version.language, bytes(version.content), version.origin)
    version.refresh_from_db()
    return diagnostics


def _require_change(script: Script, language: str, content: bytes) -> None:
    active = script.active_version
    if active is not None and (active.language, bytes(active.content)) == (language, content):
        raise _already_active(active)


def _already_active(version: ScriptVersion) -> AlreadyActive:
    return AlreadyActive(f"v{version.number} is live already; nothing changed", version)


def _require_base(
    script: Script, base: ScriptVersion | type[AnyBase] | None, version: ScriptVersion | None = None
) -> None:
    if base is not AnyBase and script.active_version_id != (base.pk if isinstance(base, ScriptVersion) else None):
        now = script.active_version or f"no version of {script}"
        raise StaleBase(f"{now} became active meanwhile; merge with it, then publish again", version)


def say_why(reason: str) -> None:
    """Raise PublishRefused for a change without a reason."""
    if not reason.strip():
        raise PublishRefused("say why: the reason is shown beside the version for good")


def _merge(
    base: ScriptVersion | type[AnyBase] | None, theirs: ScriptVersion | None, mine: ScriptVersion
) -> Merge | None:
    """The text that became active meanwhile and the one that was to, in one; None when their languages differ."""
    if theirs is None or theirs.language != mine.language:
        return None
    begun = base if isinstance(base, ScriptVersion) and base.language == mine.language else None
    return merge(begun.text if begun else "", theirs.text, mine.text)


def _described(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as the JSON column holds it: text from a sandbox made fit to store."""
    plain = asdict(diagnostic)
    plain["type"] = diagnostic.type.value
    plain["message"], plain["hint"] = visible(diagnostic.message), visible(diagnostic.hint)
    return plain


def diagnostic_of(plain: Mapping[str, Any]) -> Diagnostic:
    """The diagnostic that the JSON column holds."""
    return Diagnostic(**{**plain, "type": ErrorType(plain["type"])})
