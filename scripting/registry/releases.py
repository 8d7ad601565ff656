"""Releases: texts, values of their knobs and cases that become live together, judged together, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scripting.models import SEGMENTS, SHARED, Activation, CaseChange, Draft, KnobSet, Script
from scripting.registry import knobs as registry_knobs
from scripting.registry.activating import activate_together, require_knobs
from scripting.registry.bundles import Values
from scripting.registry.moves import PLAIN, AlreadyActive, AnyBase, AtGate, HelpersChanged, Move
from scripting.registry.publishing import Text, moves_for
from scripting.types import Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class NewValues:
    """Values of a script's knobs that are to be live."""

    values: Values
    base: KnobSet | None
    """The set that was live when they were made; another one that is set meanwhile refuses the release."""


NewKnobs = Mapping[str, NewValues]
"""By `module/name` of the script."""


def release(
    texts: Sequence[Text],
    *,
    actor: User | None,
    reason: str,
    knobs: NewKnobs | None = None,
    case_changes: Sequence[CaseChange] = (),
    confirmed: bool = True,
    at_gate: AtGate = PLAIN,
) -> list[Activation]:
    """Make all of it live: what is live already stays as it is. `knobs` are values by script (`module/name`).

    Raises TogetherRefused, ValuesRefused, StaleBase, GateClosed, or PublishRefused without a reason.
    """
    moves = moves_of(texts, knobs or {}, actor=actor, reason=reason, confirmed=confirmed, at_gate=at_gate)
    try:
        activations = activate_together(moves, case_changes=case_changes)
    except (HelpersChanged, AlreadyActive):  # beside what others published it is refused now, or fits after all
        for text in texts:
            text.script.refresh_from_db()
        return release(
            texts, actor=actor, reason=reason, knobs=knobs, case_changes=case_changes, confirmed=confirmed, at_gate=at_gate
        )  # fmt: skip
    for move in moves:
        assert move.version is not None
        Draft.objects.filter(script=move.script, user=actor, source=move.version.text).delete()
    return activations


def moves_of(
    texts: Sequence[Text],
    knobs: NewKnobs,
    *,
    actor: User | None,
    reason: str,
    confirmed: bool = True,
    at_gate: AtGate = PLAIN,
) -> list[Move]:
    """Check and store all of it: the moves that would make live what is not. Raises as `release`."""
    moves = moves_for(texts, actor=actor, reason=reason, confirmed=confirmed, at_gate=at_gate)
    return _with_knobs(moves, texts, knobs, actor=actor, reason=reason, at_gate=at_gate)


def _with_knobs(
    moves: Sequence[Move],
    texts: Sequence[Text],
    knobs: NewKnobs,
    *,
    actor: User | None,
    reason: str,
    at_gate: AtGate,
) -> list[Move]:
    """The moves with sets of values; a script whose text stays gets a move of its own."""
    by_name = {str(move.script): move for move in moves}
    new = {name: _source(move) for name, move in by_name.items()}
    helpers = {name: source for name, source in new.items() if name.startswith(f"{SHARED}/")}
    scripts = {str(text.script): text.script for text in texts}
    for name, wanted in knobs.items():
        script = scripts.get(name) or Script.objects.select_related("active_version", "active_knobs").get(
            module=name.partition("/")[0], name=name.partition("/")[2]
        )
        require_knobs(script, wanted.base)  # again where nobody else can set them: activate_together
        move = by_name.get(name)
        version = move.version if move else registry_knobs.active_version_of(script)
        assert version is not None
        source = new.get(name) or Source(name, version.language, version.text)
        settled = registry_knobs.settle_beside(source, wanted.values, helpers)
        if wanted.base is not None and (segments := wanted.base.all_values.get(SEGMENTS)):
            settled[SEGMENTS] = segments  # those for some events alone are set on their page, and stay
        chosen = registry_knobs.keep(script, settled, author=actor, message=reason)
        if move is not None:
            by_name[name] = replace(move, knobs=chosen, knobs_base=wanted.base)
        elif script.active_knobs_id != chosen.pk:
            cause = Activation.Cause.PUBLISH
            by_name[name] = Move(
                script, version, cause, AnyBase, actor, reason, knobs=chosen, knobs_base=wanted.base, at_gate=at_gate
            )
    return list(by_name.values())


def _source(move: Move) -> Source:
    assert move.version is not None
    return Source(str(move.script), move.version.language, move.version.text)
