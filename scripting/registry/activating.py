"""Make stored versions the ones that run: all moves in one transaction, through the gate, or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import router, transaction

from scripting.models import SHARED, Activation, Breaker, Case, CaseChange, KnobSet, Review, Script, ScriptVersion
from scripting.processes import notices
from scripting.registry import dependents, gate, judging
from scripting.registry.announce import announce
from scripting.registry.gate import Passage
from scripting.registry.judging import Proposal
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
)
from scripting.registry.reading import load
from scripting.storage.checkpoints import put_off
from scripting.storage.compiled_insert import create
from scripting.storage.compiled_query import Among, number
from scripting.subscriptions import sets
from scripting.subscriptions.sets import SubscriptionRefused
from scripting.texts.escaping import one_line, visible

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BY_PEOPLE = frozenset({Activation.Cause.PUBLISH, Activation.Cause.ROLLBACK})
MOST_TOLD = 5
"""Knobs that a message names."""
LOOKED_BACK = 200
"""Activations that tell who set the knobs."""


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
    with put_off(router.db_for_write(Script)), transaction.atomic():
        of_helpers = any(dependents.hold(move.script, move.version) for move in moves)
        locked = _lock({move.script.pk for move in moves})
        for move in moves:
            _allow(move, locked[move.script.pk])
        if of_helpers and judge:
            _judge_again(moves)
        passage = gate.pass_gate(moves, locked, case_changes)
        for each in case_changes:
            _keep_case(each, moves)
        activations = [_move(move, locked[move.script.pk], passage) for move in moves]
        for move in moves:
            _join_planned(locked[move.script.pk], move)
        if passage.reviews:
            Review.settle({review.pk for review in passage.reviews.values()})
        _forgive([move.version.pk for move in moves if move.version is not None])
        if any(move.script.module == SHARED for move in moves):
            for move in moves:
                if move.script.module == SHARED:
                    Breaker.forgive(each.pk for each in dependents.dependents_of(move.script.name))
            load()  # records the new bundles here, once: else every process would, all at the same moment
        elif bundled := [m.script for m in moves if _is_bundled(m, locked[m.script.pk])]:
            load([(script.module, script.name) for script in bundled])
    for move in moves:
        _follow(move.script, locked[move.script.pk])
    return activations


def _lock(pks: Collection[int]) -> dict[int, Script]:
    """The scripts as they are now, which nobody else changes before the transaction ends."""
    database = router.db_for_write(Script)
    rows = _locked.rows(database, sorted(pks))
    return {row[0]: Script.from_db(database, _COLUMNS, row) for row in rows}


_COLUMNS = [field.attname for field in Script._meta.concrete_fields]
_locked = Among(
    lambda names: (
        Script.objects.select_for_update().filter(pk__in=map(number, names)).order_by("pk").values_list(*_COLUMNS)
    )
)


def _forgive(versions: Sequence[int]) -> None:
    """Forget how these versions did. Most never failed, and there is nothing to forget."""
    failed = _failed.rows(router.db_for_write(Breaker), versions)
    if failed:
        Breaker.forgive(pk for (pk,) in failed)


_failed = Among(lambda names: Breaker.objects.filter(version__id__in=map(number, names)).values_list("version_id"))


def _follow(script: Script, locked: Script) -> None:
    """Have who moved the script see it as it was saved, without reading it again: the notice of the change waits for the end of what is around."""
    for field in Script._meta.concrete_fields:
        setattr(script, field.attname, getattr(locked, field.attname))
    script._state.fields_cache |= locked._state.fields_cache


def _join_planned(locked: Script, move: Move) -> None:
    """Subscribe a new script to the topic that it was made for. Raises PublishRefused."""
    try:
        sets.join_planned(locked, actor=move.actor)
    except SubscriptionRefused as refused:
        raise PublishRefused(f"{locked} would run on the topic that it was made for, but {refused}") from None


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
        raise already_active(version)
    require_base(locked, base, version)
    if version is not None and (version.script_id != locked.pk or not version.accepted):
        raise PublishRefused(f"{version} did not pass its check and cannot become active", version)


def _require_other_knobs(move: Move, locked: Script) -> None:
    """Raise what stands against a move of knobs: they are set so already, or others were set meanwhile."""
    pk = move.knobs.pk if isinstance(move.knobs, KnobSet) else None
    require_knobs(locked, move.knobs_base, move.version)
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
    activation = create(
        Activation,
        script=locked,
        version=version,
        knobs=locked.active_knobs,
        cause=move.cause,
        actor=move.actor,
        reason=reason,
        override=visible(move.at_gate.override) if passage.overridden else "",
        review=passage.reviews.get(locked.pk),
    )
    if evidence := passage.evidence.get(locked.pk):
        activation.evidence.add(*evidence)
    return activation


def require_knobs(script: Script, base: KnobSet | type[AnyBase] | None, version: ScriptVersion | None = None) -> None:
    """Raise StaleBase, with who set which, where other values are live than a change was made from."""
    if base is not AnyBase and script.active_knobs_id != (base.pk if isinstance(base, KnobSet) else None):
        before = base if isinstance(base, KnobSet) else None
        raise StaleBase(
            f"the knobs of {script} were set meanwhile{_set_since(script, before)}; look at the new values, then set yours",
            version,
        )


def _set_since(script: Script, before: KnobSet | None) -> str:
    """Which values are others now, and who set them: ` (bonus = 5 by ada: a festival)`."""
    then, now = (knobs.told if knobs else {} for knobs in (before, script.active_knobs))
    names = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
    told = [f"{name} = {now[name]}" if name in now else f"{name} to its default" for name in names[:MOST_TOLD]]
    if len(names) > MOST_TOLD:
        told.append(f"{len(names) - MOST_TOLD} more")
    by, found = "", _setter(script)
    if found is not None:
        by = f" by {found.actor}" if found.actor else ""
        by += f": {one_line(found.reason, 100)}" if found.reason else ""
    return f" ({visible(', '.join(told) + by).strip(': ')})" if told or by else ""


def _setter(script: Script) -> Activation | None:
    """The activation since which the knobs have their values."""
    found = None
    for activation in script.activations.select_related("actor").order_by("-id")[:LOOKED_BACK]:
        if activation.knobs_id != script.active_knobs_id:
            break
        found = activation
    return found


def already_active(version: ScriptVersion) -> AlreadyActive:
    """The error for a version that is live."""
    return AlreadyActive(f"v{version.number} is live already; nothing changed", version)


def require_base(
    script: Script, base: ScriptVersion | type[AnyBase] | None, version: ScriptVersion | None = None
) -> None:
    """Raise StaleBase where something else is active than a change was made from."""
    if base is not AnyBase and script.active_version_id != (base.pk if isinstance(base, ScriptVersion) else None):
        now = script.active_version or f"no version of {script}"
        raise StaleBase(f"{now} became active meanwhile; merge with it, then publish again", version)
