"""Check, publish and roll back: what people do with texts and versions; `storing` keeps them, `activating` makes them live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import router, transaction

from scripting.models import Activation, Draft, Script, ScriptVersion
from scripting.registry import judging
from scripting.registry.activating import activate, activate_together, already_active, require_base
from scripting.registry.bundles import bundle_for
from scripting.registry.checking import check_bundle
from scripting.registry.dependents import hold_for
from scripting.registry.judging import Proposal, Verdict
from scripting.registry.moves import (
    PLAIN,
    AlreadyActive,
    AnyBase,
    AtGate,
    HelpersChanged,
    Move,
    PublishRefused,
    StaleBase,
    WillFail,
    say_why,
)
from scripting.registry.storing import judged, keep, recheck, tell_number
from scripting.sandbox import source_text
from scripting.storage.checkpoints import put_off
from scripting.supervisor.pool import CheckReport
from scripting.texts.merge import Merge, merge
from scripting.types import Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def check(module_name: str, name: str, language: str, text: str) -> CheckReport:
    """Check a text in a sandbox as it would run in `module_name`; nothing is stored."""
    source = Source(f"{module_name}/{name}", language, text)
    return check_bundle(module_name, bundle_for(source))


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
        require_base(script, base)
    verdict = judged(script, language, content)
    diagnostics = verdict.diagnostics
    if not confirmed and verdict.accepted and verdict.failures:
        raise WillFail("the text will certainly fail; nothing is stored or published", None, verdict.failures)
    with put_off(router.db_for_write(Script)), transaction.atomic():  # one commit; the text is kept in any case
        hold_for(script, text)
        version = keep(script, language, content, origin, verdict, author=actor, message=reason, is_number_told=True)
        done = _activated_or_refused(script, version, actor=actor, reason=reason, base=base, at_gate=at_gate)
        if isinstance(done, PublishRefused):
            tell_number(version)
    if not version.accepted:
        first = next(d for d in diagnostics if d.severity == "error")
        raise PublishRefused(f"{version} is kept but not active: {first.message}", version, diagnostics)
    if isinstance(done, HelpersChanged):  # beside what others published it is refused now, or fits after all
        return publish(
            script, language, text, actor=actor, reason=reason, base=base, origin=origin, keep_stale=keep_stale,
            confirmed=confirmed, at_gate=at_gate,
        )  # fmt: skip
    if isinstance(done, StaleBase):
        script.refresh_from_db()
        raise StaleBase(str(done), version, _merge(base, script.active_version, version))
    if isinstance(done, PublishRefused):
        raise done
    _end_draft(script, actor, text)
    return done


def _activated_or_refused(
    script: Script,
    version: ScriptVersion,
    *,
    actor: User | None,
    reason: str,
    base: ScriptVersion | type[AnyBase] | None,
    at_gate: AtGate,
) -> Activation | PublishRefused:
    """Make a version live that passed its check; what stands against it is the answer, so that the transaction around it goes on."""
    if not version.accepted:
        return PublishRefused("it did not pass its check", version)
    cause = Activation.Cause.PUBLISH
    try:
        return activate(script, version, cause, actor=actor, reason=reason, base=base, at_gate=at_gate)
    except PublishRefused as refused:
        return refused


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
        _end_draft(move.script, actor, move.version.text)
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


def rollback(
    script: Script,
    number: int,
    *,
    actor: User | None,
    reason: str,
    base: ScriptVersion | type[AnyBase] | None = AnyBase,
    at_gate: AtGate = PLAIN,
) -> Activation:
    """Re-activate an old version, without a copy. Raises PublishRefused when it cannot run, StaleBase, GateClosed, AlreadyActive."""
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
        return activate(script, version, cause, actor=actor, reason=reason, base=base, at_gate=at_gate)
    except HelpersChanged:
        return rollback(script, number, actor=actor, reason=reason, base=base, at_gate=at_gate)


def _end_draft(script: Script, actor: User | None, text: str) -> None:
    """The draft of a text that is live now is done with."""
    if actor is not None:
        Draft.objects.filter(script=script, user=actor, source=text).delete()


def _require_change(script: Script, language: str, content: bytes) -> None:
    active = script.active_version
    if active is not None and (active.language, bytes(active.content)) == (language, content):
        raise already_active(active)


def _merge(
    base: ScriptVersion | type[AnyBase] | None, theirs: ScriptVersion | None, mine: ScriptVersion
) -> Merge | None:
    """The text that became active meanwhile and the one that was to, in one; None when their languages differ."""
    if theirs is None or theirs.language != mine.language:
        return None
    begun = base if isinstance(base, ScriptVersion) and base.language == mine.language else None
    return merge(begun.text if begun else "", theirs.text, mine.text)
