"""The evidence on a change against the limits of its policy: what exceeds them, in words, and what is small enough for nobody's approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scripting.models import Evidence, GatePolicy
from scripting.models.gate import grouped
from scripting.texts.escaping import one_line


def exceeded(policy: GatePolicy, evidence: Evidence) -> list[str]:
    """Each excess of the evidence over the policy, in words."""
    found = []
    for number, most, words in (
        (evidence.failing, policy.max_failing, "would newly fail"),
        (evidence.refused, policy.max_refused, "the game would newly refuse"),
        (evidence.left, policy.max_left, "left the recording"),
    ):
        if most is not None and number > most:
            found.append(
                f"{grouped(number)} of {grouped(evidence.decided)} decisions {words} (allowed: {grouped(most)})"
            )
    share = 100 * evidence.altered / evidence.decided if evidence.decided else 0.0
    if policy.max_changed is not None and share > policy.max_changed:
        found.append(f"{share:.3g} % of {grouped(evidence.decided)} decisions would change (allowed: {policy.max_changed:g} %)")  # fmt: skip
    if len(evidence.red) > policy.max_red:
        names = one_line(", ".join(evidence.red[:5]), 200)
        found.append(f"{len(evidence.red)} of {evidence.cases} cases red: {names} (allowed: {policy.max_red})")
    if evidence.played is not None:
        found += _exceeded_in_plays(policy, evidence.played)
    if not evidence.complete and not (evidence.played and evidence.played["plays"] < evidence.played["asked"]):
        tried = f"{grouped(evidence.decided)} of {grouped(evidence.events)} decisions were tried"
        found.append(
            "there was no time to " + (f"replay all: {tried}" if _replay_is_cut_short(evidence) else "run all cases")
        )
    return found


def _replay_is_cut_short(evidence: Evidence) -> bool:
    if evidence.report is None:  # old ones are deleted
        return evidence.not_replayable > 0
    return not evidence.report.document["complete"]


def _exceeded_in_plays(policy: GatePolicy, played: Mapping[str, Any]) -> Iterator[str]:
    if played["problem"]:
        yield played["problem"]
        return
    for limit in policy.limits_of_plays:
        mean = played["means"].get(limit.measure)
        if mean is None:
            known = one_line(", ".join(sorted(played["means"])), 200)
            yield f"the plays have no measure {limit.measure} (they have: {known or 'none'})"
        elif not limit.admits(mean):
            yield f"{limit.measure} would be {limit.value_of(mean):.4g}{limit.unit} (allowed: {limit.range})"
    if played["plays"] < played["asked"]:
        yield f"there was no time to play all: {played['plays']} of {played['asked']}"


def is_small(policy: GatePolicy, evidence: Evidence | None) -> bool:
    """Whether the measured effect is one that takes nobody's approval."""
    if evidence is None or not evidence.complete or not evidence.decided:
        return False
    harm = evidence.failing or evidence.refused or evidence.left or evidence.red
    return not harm and 100 * evidence.altered / evidence.decided <= policy.alone
