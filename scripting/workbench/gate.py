"""The gate as the workbench's dialogs show it, before anybody publishes: what the policy asks, what replay and cases found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from scripting.evidence.gate import weigh
from scripting.models import Script, ScriptVersion
from scripting.registry import gate, publishing, reviews
from scripting.registry.gate import OVERRIDE, Candidate, Change, Judged
from scripting.registry.gate_policies import Mode, Policies, asks_approval
from scripting.supervisor.errors import SupervisorError
from scripting.types import Source
from scripting.workbench.access import RUN, Refusal, may

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPEN: dict[str, Any] = {"mode": Mode.OFF.value}


def of_text(script: Script, source: str, language: str, user: User) -> dict[str, Any]:
    """Of a text that is not stored. Raises Refusal."""
    if not Policies.read().any_at_work:
        return OPEN
    if not publishing.check(script.module, script.name, language, source).ok:
        raise Refusal(422, "rejected", "The text does not pass its check, so it was not replayed.")
    return _asked(Candidate(script, Source(str(script), language, source), f"draft of {user}"), user)


def of_version(script: Script, version: ScriptVersion, user: User) -> dict[str, Any]:
    """Of a version that somebody would roll back to: one that was live passes at once. Raises Refusal."""
    if not version.accepted or gate.was_live(script, version) or not Policies.read().any_at_work:
        return OPEN
    return _asked(Candidate.of_version(version), user)


def _asked(candidate: Candidate, user: User) -> dict[str, Any]:
    policies = Policies.read()
    changes = gate.changes_of([candidate])
    try:
        weigh(changes, user=user.get_username())
    except SupervisorError as error:
        raise Refusal(503, "unavailable", f"The text could not be replayed: {error}") from None
    judged = [
        each
        for each in gate.judge(changes, policies)
        if each.policy.mode in (Mode.ADVISE, Mode.REQUIRE) or asks_approval(each.policy)
    ]
    if not judged:
        return OPEN
    closed = any(each.is_closed for each in judged)
    return {
        "mode": (Mode.REQUIRE if any(_binds(each) for each in judged) else Mode.ADVISE).value,
        "passes": all(each.passes for each in judged),
        "closed": closed,
        "may_override": closed and may(user, OVERRIDE),
        "may_ask": any(each.lacks_approval for each in judged),
        "asked": _asked_already(changes) if closed else None,
        "judged": [_described(each, user) for each in judged],
    }


def _binds(judged: Judged) -> bool:
    return judged.policy.mode == Mode.REQUIRE or asks_approval(judged.policy)


def _asked_already(changes: Sequence[Change]) -> dict[str, Any] | None:
    """The review that waits for an answer on exactly this change."""
    for change in changes:
        found = reviews.open_on(change)
        if found is not None:
            by = str(found.asked_by or "somebody")
            return {
                "address": reverse("workbench:review", args=[found.pk]),
                "words": f"Review {found.pk}, asked for by {by}, waits.",
            }
    return None


def _described(judged: Judged, user: User) -> dict[str, Any]:
    script, evidence = judged.change.script, judged.evidence
    report = evidence.report if evidence else None
    link = bool(report) and may(user, RUN)
    plays = evidence.played["comparison"] if evidence and evidence.played and may(user, RUN) else ""
    return {
        "script": str(script),
        "found": judged.in_words,
        "problems": judged.problems,
        "approved": str(judged.review.decided_by or "") if judged.review else "",
        "policy": _policy_in_words(judged),
        "report": reverse("workbench:report", args=[script.module, script.name, report.pk]) if report and link else "",
        "plays": reverse("workbench:plays_report", args=[script.module, script.name, plays]) if plays else "",
    }


def _policy_in_words(judged: Judged) -> str:
    limits = judged.policy.in_words if judged.policy.mode in (Mode.ADVISE, Mode.REQUIRE) else ""
    return "; ".join(filter(None, (limits, judged.policy.approval_in_words)))
