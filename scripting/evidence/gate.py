"""Make the evidence that the gate asks for: replay a change on the newest executions, run the cases, keep what came of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from scripting.evidence import corpus as corpora
from scripting.evidence.cases import run_cases
from scripting.evidence.corpus import Selection
from scripting.evidence.kept import report_of
from scripting.models import Evidence, GatePolicy, ReplayReport, ScriptVersion
from scripting.registry import gate
from scripting.registry.gate import Candidate, Change, GateClosed
from scripting.registry.gate_policies import Policies
from scripting.sources.taking import weigh_later

T = TypeVar("T")

SECONDS = 30.0
"""Replays that somebody waits for begin no further decision after so long, all changes of one move together."""
JOB_SECONDS = 300.0
"""Of replays that nobody waits for."""
COUNTS = ("events", "same", "changed", "failing", "refused", "fixed", "left", "not_replayable")


def with_evidence(act: Callable[[], T], *, user: str = "", seconds: float = SECONDS) -> T:
    """Do what the gate may stop. Where it lacks evidence, make that and do it again.

    Raises whatever `act` does; GateClosed where the evidence does not pass.
    """
    tried: set[str] = set()
    while True:
        try:
            return act()
        except GateClosed as closed:
            lacking = [change for change in closed.lacking if change.rests_on not in tried]
            if not lacking:
                if any(each.evidence is not None and not each.evidence.complete for each in closed.judged):
                    weigh_later(closed)  # an evidence worker has more time
                raise
            weigh(lacking, user=user, seconds=seconds)
            tried |= {change.rests_on for change in lacking}


def weigh(changes: Iterable[Change], *, user: str = "", seconds: float = SECONDS) -> list[Evidence]:
    """The evidence on each change that a policy asks for; made now, within `seconds` for all, where there is none yet.

    Raises SupervisorError for what is ours.
    """
    policies, until = Policies.read(), time.monotonic() + seconds
    found = []
    for judged in gate.judge(changes, policies):
        evidence = judged.evidence
        if judged.is_lacking or (evidence is not None and not evidence.complete):
            evidence = _make(judged.change, judged.policy, user, max(0.0, until - time.monotonic()))
        if evidence is not None:
            found.append(evidence)
    return found


def weigh_versions(pks: Sequence[int]) -> None:
    """Job of the evidence queue: the evidence on stored versions that wait together. What takes them looks for it."""
    versions = ScriptVersion.objects.filter(pk__in=pks).select_related("script__active_version")
    weigh(gate.changes_of([Candidate.of_version(version) for version in versions]), seconds=JOB_SECONDS)


def weigh_now(closed: GateClosed) -> bool:
    """Make what the gate lacks in this process: for a command that takes files and defaults, and may take its time."""
    return bool(weigh(closed.lacking, seconds=JOB_SECONDS))


def _make(change: Change, policy: GatePolicy, user: str, seconds: float) -> Evidence:
    until = time.monotonic() + seconds
    cases = run_cases(change.script, change.after, seconds=seconds)
    report = _replayed(change, policy.last, user, max(0.0, until - time.monotonic()))
    totals = {name: report.document[name] for name in COUNTS} if report else {}
    return Evidence.objects.create(
        script=change.script,
        rests_on=change.rests_on,
        candidate=change.after.digest,
        live=change.before.digest if change.before else "",
        title=change.title[:200],
        asked=policy.last,
        complete=report is None or report.document["complete"],
        cases=len(cases),
        red=[outcome.name for outcome in cases if not outcome.passed],
        report=report,
        user=user[:150],
        **totals,
    )


def _replayed(change: Change, last: int, user: str, seconds: float) -> ReplayReport | None:
    """The report on the newest executions; None where there is nothing to compare with, or nothing was recorded."""
    if change.before is None:
        return None
    corpus = corpora.resolve(change.script, Selection(last=last))
    if not corpus.ids:
        return None
    return report_of(corpus, change.after, live=change.before, title=change.title, user=user, seconds=seconds)
