"""Reports that are kept: two replays of one candidate over one corpus are one report."""

from __future__ import annotations

from typing import Any

from scripting.evidence import replays
from scripting.evidence.corpus import Corpus
from scripting.models import ReplayReport, Script, ScriptVersion
from scripting.supervisor.interface import Cancellation
from scripting.types import Bundle

KEPT = 200
"""Reports of one script; older ones are deleted."""


def report_of(
    corpus: Corpus,
    candidate: Bundle,
    *,
    live: Bundle | None = None,
    title: str,
    user: str = "",
    seconds: float,
    cancellation: Cancellation | None = None,
) -> ReplayReport:
    """The report of this candidate over this corpus, made now, within `seconds`, if there is none that had time for all of it.

    `live` is the bundle to compare with, where that is not whatever is live by now.
    Raises ReplayStopped after a cancel, ScriptNotFound where no version is live, SupervisorError for what is ours.
    """
    script = corpus.script
    live = live or replays.live_bundle(script)
    known: dict[str, Any] = {
        "script": script,
        "candidate": candidate.digest,
        "live": live.digest,
        "corpus": corpus.digest,
    }
    found = ReplayReport.objects.filter(**known).first()
    if found is not None and found.document["complete"]:
        return found
    tries_text = candidate.script.knobs == live.script.knobs  # else it is a report of values, not of the version
    made = replays.replay(corpus, candidate, live=live, seconds=seconds, cancellation=cancellation)
    meanwhile = None if made["complete"] else ReplayReport.objects.filter(**known).first()
    if meanwhile is not None and meanwhile.document["complete"]:
        return meanwhile
    report, _ = ReplayReport.objects.update_or_create(
        **known,
        defaults={
            "document": made,
            "sentence": made["sentence"],
            "text": text_digest(candidate) if tries_text else "",
            "title": title[:200],
            "user": user[:150],
        },
    )
    forget_old(script)
    return report


def reports_of(script: Script, count: int = 20) -> list[ReplayReport]:
    """The newest reports of a script, without their documents."""
    return list(ReplayReport.objects.filter(script=script).defer("document").order_by("-id")[:count])


def text_digest(candidate: Bundle) -> str:
    """Of the candidate's own text, as versions have it."""
    return ScriptVersion.digest_of(candidate.script.text.encode())


def forget_old(script: Script) -> None:
    """Delete reports beyond KEPT; those that still grow are among the newest."""
    reports = ReplayReport.objects.filter(script=script).order_by("-id")
    if (last := reports.values_list("id", flat=True)[KEPT : KEPT + 1].first()) is not None:
        reports.filter(id__lte=last).delete()
