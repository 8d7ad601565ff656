"""Replays that take long, made by an evidence worker: asked for, decided in batches that are read meanwhile, cancelled, begun anew."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet

from scripting import clock
from scripting.bus import evidence_jobs
from scripting.evidence.corpus import Corpus, Packed, Selection, packed
from scripting.evidence.kept import forget_old, text_digest
from scripting.evidence.replays import decide_all, live_bundle
from scripting.evidence.report import report
from scripting.evidence.report import sentence as totals
from scripting.evidence.tally import Tally
from scripting.evidence.watching import watched
from scripting.models import ReplayJob, ReplayReport
from scripting.supervisor.interface import Cancellation
from scripting.types import Bundle

logger = logging.getLogger(__name__)

COMMIT_SECONDS = 1.0
"""How old the figures may be that a page shows of a running replay."""
COMMIT_SHARE = 10
"""To write a report may take this part of a replay's time, so that it grows more rarely as it grows."""
LOST_SECONDS = 3
"""An unfinished replay that for so long has neither waited in the queue nor run is enqueued again."""
RUN, FAILED = f"{__name__}.run", f"{__name__}.failed"
EVERYTHING = Selection()
WAITS = "waits for an evidence worker"
State = ReplayJob.State
STOPPED = (State.CANCELLED, State.FAILED)


def ask(
    corpus: Corpus, candidate: Bundle, *, title: str, chosen: str, selection: Selection = EVERYTHING, user: str = ""
) -> ReplayReport:
    """The report of this candidate over this corpus: one that has all of it, one that grows, or a new one that an evidence worker makes.

    Raises ScriptNotFound where no version is live, redis.RedisError where the job could not be enqueued: it is as soon as an
    evidence worker finds it.
    """
    script = corpus.script
    live = live_bundle(script)
    with transaction.atomic():
        found, _ = ReplayReport.objects.select_for_update().get_or_create(
            script=script,
            candidate=candidate.digest,
            live=live.digest,
            corpus=corpus.digest,
            defaults={**_so_far(Tally(), 0), "text": text_digest(candidate), "title": title[:200], "user": user[:150]},
        )
        job = ReplayJob.objects.filter(report=found).first()
        if found.document.get("complete") or (job is not None and job.is_unfinished):
            return found
        if job is not None:
            ReplayReport.objects.filter(pk=found.pk).update(sentence=WAITS)
        assert script.active_version is not None
        ReplayJob.objects.update_or_create(
            report=found,
            defaults={
                "state": State.QUEUED,
                "decided": 0,
                "total": len(corpus.ids),
                "chosen": chosen[:200],
                "since": selection.since,
                "until": selection.until,
                "reason": "",
                "bundles": msgspec.json.encode((candidate, live)),
                "live_version": script.active_version,
                "executions": packed(corpus.ids),
                "queued_at": clock.now(),
                "started_at": None,
                "finished_at": None,
            },
        )
    forget_old(script)
    _enqueue(found.pk)
    return found


def cancel(report_id: UUID, user: str) -> bool:
    """Cancel an unfinished replay for a user; what it has found stays. Whether there was anything to cancel."""
    return _stop(report_id, State.CANCELLED, f"by {user}")


def look_for_lost() -> None:
    """Enqueue unfinished replays that no queue and no worker holds, as after a loss of Redis. Raises redis.RedisError."""
    since = clock.now() - timedelta(seconds=LOST_SECONDS)
    old = Q(queued_at__lt=since)
    for report_id in ReplayJob.objects.filter(old, state__in=ReplayJob.UNFINISHED).values_list("pk", flat=True):
        if _enqueue(report_id):
            logger.warning("replay %s had no job and gets one", report_id)


def _enqueue(report_id: UUID) -> bool:
    return evidence_jobs.enqueue(RUN, str(report_id), job_id=f"replay-{report_id}", failed=FAILED)


# -- the job -------------------------------------------------------------------------------------------------------------


def run(report_id: str) -> str:
    """RQ's job: decide the corpus, the report growing with it; how it ended."""
    job = ReplayJob.objects.select_related("report__script", "live_version").filter(pk=UUID(report_id)).first()
    if job is None or not job.is_unfinished:
        return "over already"
    job.started_at = clock.now()
    if not _unfinished(job.pk).update(state=State.RUNNING, decided=0, started_at=job.started_at):
        return "over already"
    candidate, live = msgspec.json.decode(bytes(job.bundles), type=tuple[Bundle, Bundle])
    corpus = Corpus(job.report.script, Packed(bytes(job.executions)), job.total)
    with watched(lambda: _is_running(job), f"replay {job.pk}") as cancellation:
        return _decide(job, corpus, candidate, live, cancellation)


def _decide(job: ReplayJob, corpus: Corpus, candidate: Bundle, live: Bundle, cancellation: Cancellation) -> str:
    tally = Tally()
    started = committed = time.perf_counter()
    cost = 0.0
    for _ in decide_all(corpus, candidate, live, tally, cancellation=cancellation):
        now = time.perf_counter()
        if now - committed > max(COMMIT_SECONDS, COMMIT_SHARE * cost):
            evidence_jobs.running.progress()
            if not _commit(job, tally, now - started):
                return "over already"
            committed = time.perf_counter()
            cost = committed - now
    if cancellation.cancelled:
        return _stopped(job, tally, time.perf_counter() - started)
    missing = len(corpus.ids) - tally.events
    for _ in range(missing):
        tally.skip("it was deleted by retention")
    with transaction.atomic():
        if _end(_of_this_run(job, State.RUNNING), State.DONE):
            made = report(tally, time.perf_counter() - started)
            _write(job, made | {"complete": True})
    return State.DONE


def _stopped(job: ReplayJob, tally: Tally, seconds: float) -> str:
    """After a cancel, or when the worker is asked to end: then another begins it anew."""
    if evidence_jobs.running.is_stopping():
        _of_this_run(job, State.RUNNING).update(state=State.QUEUED)
        evidence_jobs.running.again = True
        return State.QUEUED
    with transaction.atomic():
        stopped = _of_this_run(job, *STOPPED).select_for_update().first()
        if stopped is not None:  # else its report was deleted, or it is asked for again
            _write(stopped, _cut_short(stopped, report(tally, seconds) | {"complete": False}))
    return State.CANCELLED


def _commit(job: ReplayJob, tally: Tally, seconds: float) -> bool:
    """Write what is found so far; False if the job is over, by whoever cancelled it."""
    so_far = _so_far(tally, seconds)
    with transaction.atomic():
        going = _of_this_run(job, State.RUNNING).update(decided=tally.events)
        if going:
            ReplayReport.objects.filter(pk=job.pk).update(**so_far)
    return bool(going)


def _so_far(tally: Tally, seconds: float) -> dict[str, Any]:
    made = report(tally, seconds)
    sentence = f"so far {made['sentence']}" if tally.events else WAITS
    return {"document": made | {"complete": False, "sentence": sentence}, "sentence": sentence}


def _write(job: ReplayJob, document: dict[str, Any]) -> None:
    ReplayReport.objects.filter(pk=job.pk).update(document=document, sentence=document["sentence"][:200])
    ReplayJob.objects.filter(pk=job.pk).update(decided=document["events"])


def failed(report_id: str, why: str) -> str:
    """RQ's job raised, or its workers died in it."""
    _stop(UUID(report_id), State.FAILED, why[:300])
    return State.FAILED


def _stop(report_id: UUID, state: State, reason: str) -> bool:
    """End an unfinished replay before it is done, and have its report say so; whether there was one."""
    with transaction.atomic():
        stopped = _end(_unfinished(report_id), state, reason=reason)
        if stopped:
            job = ReplayJob.objects.select_related("report").get(pk=report_id)
            _write(job, _cut_short(job, job.report.document))
    return stopped


def _cut_short(job: ReplayJob, document: dict[str, Any]) -> dict[str, Any]:
    """The document of a replay that was cancelled or failed, whose sentence is also read where nothing else tells."""
    found = totals(document) if document["events"] else "nothing was decided"
    by = f" {job.reason}" if job.state == State.CANCELLED else ""
    return document | {"sentence": f"{found} ({job.state}{by} after {document['events']} of {job.total})"}


def _end(unfinished: QuerySet[ReplayJob], state: State, **values: Any) -> bool:
    """Whether there was one until now."""
    values |= {"finished_at": clock.now(), "bundles": b"", "executions": b""}
    return bool(unfinished.update(state=state, **values))


def _unfinished(report_id: UUID) -> QuerySet[ReplayJob]:
    return ReplayJob.objects.filter(pk=report_id, state__in=ReplayJob.UNFINISHED)


def _is_running(job: ReplayJob) -> bool:
    return _of_this_run(job, State.RUNNING).exists()


def _of_this_run(job: ReplayJob, *states: State) -> QuerySet[ReplayJob]:
    """The job, unless its state is another or it was asked for again meanwhile: what it comes to is another run's then."""
    return ReplayJob.objects.filter(pk=job.pk, started_at=job.started_at, state__in=states)
