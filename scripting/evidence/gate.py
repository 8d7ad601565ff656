"""Make the evidence that the gate asks for: replay a change on the newest executions, run the cases, play, keep what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from scripting.evidence import corpus as corpora
from scripting.evidence import play_jobs, playing
from scripting.evidence.cases import NO_TIME, run_cases
from scripting.evidence.corpus import Selection
from scripting.evidence.kept import report_of
from scripting.models import Evidence, ReplayReport, ScriptVersion
from scripting.registry import gate
from scripting.registry.gate import Candidate, Change, GateClosed, Judged
from scripting.registry.gate_policies import Policies
from scripting.sources.taking import weigh_later

T = TypeVar("T")

SECONDS = 30.0
"""Replays that somebody waits for end after so long, all changes of one move together."""
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


def weigh(
    changes: Iterable[Change], *, user: str = "", seconds: float = SECONDS, anyway: bool = False
) -> list[Evidence]:
    """The evidence on each change that a policy asks for; made now, within `seconds` for all, where there is none yet.

    `anyway` makes it where no policy asks: for people who look at a change. Raises SupervisorError for what is ours.
    """
    policies, until = Policies.read(), time.monotonic() + seconds
    found = []
    for judged in gate.judge(changes, policies):
        evidence = judged.evidence
        wanted = judged.is_lacking or (anyway and evidence is None and not judged.change.needs_none)
        if wanted or (evidence is not None and not evidence.complete):
            evidence = _make(judged, user, max(0.0, until - time.monotonic()))
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


def _make(judged: Judged, user: str, seconds: float) -> Evidence:
    change, policy = judged.change, judged.policy
    until = time.monotonic() + seconds
    cases = run_cases(change.script, change.after, seconds=seconds, cases=change.kept_cases())
    report = _replayed(change, policy.last, user, max(0.0, until - time.monotonic()))
    totals = {name: report.document[name] for name in COUNTS} if report else {}
    played = _played(change, policy.plays, user, max(0.0, until - time.monotonic())) if judged.asks_for_plays else None
    in_time = all(outcome.message != NO_TIME for outcome in cases)
    in_time = in_time and (played is None or played["plays"] == played["asked"])
    return Evidence.objects.create(
        script=change.script,
        rests_on=change.rests_on,
        candidate=change.after.digest,
        live=change.before.digest if change.before else "",
        title=change.title[:200],
        asked=policy.last,
        complete=in_time and (report is None or report.document["complete"]),
        cases=len(cases),
        red=[outcome.name for outcome in cases if not outcome.passed],
        report=report,
        played=played,
        user=user[:150],
        **totals,
    )


def _played(change: Change, plays: int, user: str, seconds: float) -> dict[str, Any]:
    """Whole plays with live and with all that changes together: how many, and the means with the change."""
    module = change.script.module
    sides = playing.sides_with(module, {**change.together, change.script.name: change.after})
    beside = change.beside  # before they are played: what goes live meanwhile voids them
    found = play_jobs.comparison_of(change.script, sides, title=change.title, plays=plays, user=user, seconds=seconds)
    means = {name: figures["draft"] for name, figures in found.document.get("measures", {}).items()}
    return {
        "plays": found.played,
        "asked": plays,
        "beside": beside,
        "means": means,
        "words": f"{found.played} {playing.noun_of(module, found.played)} played",
        "problem": found.reason,
        "comparison": str(found.pk),
    }


def _replayed(change: Change, last: int, user: str, seconds: float) -> ReplayReport | None:
    """The report on the newest executions; None where there is nothing to compare with, or nothing was recorded."""
    if change.before is None:
        return None
    corpus = corpora.resolve(change.script, Selection(last=last))
    if not corpus.ids:
        return None
    return report_of(corpus, change.after, live=change.before, title=change.title, user=user, seconds=seconds)
