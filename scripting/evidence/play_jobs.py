"""Comparisons of whole plays, made by an evidence worker: asked for, played pair by pair, read meanwhile, cancelled, begun anew."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from scripting import clock
from scripting.bus import evidence_jobs
from scripting.evidence import playing
from scripting.evidence.play_tally import MeasuresDiffer, PlayTally, document, sentence
from scripting.evidence.play_words import MeasureWords
from scripting.evidence.playing import Sides
from scripting.evidence.time_limit import cancelled_after
from scripting.evidence.watching import watched
from scripting.models import PlayComparison, Script
from scripting.models.plays import State
from scripting.supervisor.interface import Cancellation

logger = logging.getLogger(__name__)

COMMIT_SECONDS = 1.0
"""How old the figures may be that a page shows of a running comparison."""
LOST_SECONDS = 3
"""An unfinished comparison that for so long has neither waited in the queue nor run is enqueued again."""
KEPT = 50
"""Comparisons of one script; older ones are deleted."""
RUN, FAILED = f"{__name__}.run", f"{__name__}.failed"
UNFINISHED = (State.QUEUED, State.RUNNING)


def ask(
    script: Script, sides: Sides, *, title: str, plays: int, seed: int, stops_early: bool = True, user: str = ""
) -> PlayComparison:
    """The comparison of these sides on these seeds: one that is done or at work, or a new one that an evidence worker makes.

    Raises NotSimulated, redis.RedisError where the job could not be enqueued: it is as soon as an evidence worker finds it.
    """
    playing.module_of(script.module)
    which: dict[str, Any] = {
        "script": script,
        "rests_on": sides.digest,
        "seed": seed,
        "asked": plays,
        "stops_early": stops_early,
    }
    with transaction.atomic():
        found = PlayComparison.objects.select_for_update().filter(**which).first()
        if found is not None and found.state in (*UNFINISHED, State.DONE):
            return found
        begun = {
            "title": title[:200],
            "user": user[:150],
            "bundles": msgspec.json.encode(sides),
            "state": State.QUEUED,
            "played": 0,
            "reason": "",
            "sentence": "waits for an evidence worker",
            "document": {},
            "queued_at": clock.now(),
            "started_at": None,
            "finished_at": None,
        }
        found, _ = PlayComparison.objects.update_or_create(**which, defaults=begun)
    forget_old(script)
    _enqueue(found.pk)
    return found


def comparison_of(
    script: Script, sides: Sides, *, title: str, plays: int, seed: int = 1, user: str = "", seconds: float
) -> PlayComparison:
    """The same without an early end, made now, within `seconds`, if there is none that had time for all of it.

    Raises NotSimulated, MeasuresDiffer, SupervisorError for what is ours.
    """
    which: dict[str, Any] = {"rests_on": sides.digest, "seed": seed, "asked": plays, "stops_early": False}
    found = PlayComparison.objects.filter(script=script, state=State.DONE, **which).first()
    if found is not None:
        return found
    tally, started, problem = PlayTally(), time.perf_counter(), ""
    with cancelled_after(seconds) as cancellation:
        pairs = playing.compare(script.module, sides, range(seed, seed + plays), tally, cancellation=cancellation)
        try:
            for _ in pairs:
                evidence_jobs.running.progress()  # in a job: it is not stuck
        except MeasuresDiffer as error:
            problem = str(error)[:300]
    now = clock.now()
    made = {
        "title": title[:200],
        "user": user[:150],
        "bundles": msgspec.json.encode(sides),
        "state": State.FAILED if problem else State.DONE if tally.pairs == plays else State.CANCELLED,
        "reason": problem,
        "sentence": problem[:200] or "there was no time",
        "document": {},
        "queued_at": now,
        "finished_at": now,
    }
    found, _ = PlayComparison.objects.update_or_create(script=script, **which, defaults=made)
    _write(found, tally, time.perf_counter() - started)
    found.refresh_from_db()
    forget_old(script)
    return found


def cancel(pk: UUID) -> bool:
    """Cancel an unfinished comparison; what it has found stays. Whether there was anything to cancel."""
    return _end(_unfinished(pk), State.CANCELLED)


def comparisons_of(script: Script, count: int = 20) -> list[PlayComparison]:
    """The newest ones, without their documents and texts."""
    return list(
        PlayComparison.objects.filter(script=script).defer("document", "bundles").order_by("-queued_at", "-id")[:count]
    )


def look_for_lost() -> None:
    """Enqueue unfinished comparisons that no queue and no worker holds, as after a loss of Redis. Raises redis.RedisError."""
    since = clock.now() - timedelta(seconds=LOST_SECONDS)
    lost = PlayComparison.objects.filter(queued_at__lt=since, state__in=UNFINISHED)
    for pk in lost.values_list("pk", flat=True):
        if _enqueue(pk):
            logger.warning("comparison %s had no job and gets one", pk)


def forget_old(script: Script) -> None:
    """Delete comparisons beyond KEPT; those at work are among the newest."""
    kept = PlayComparison.objects.filter(script=script).order_by("-id")
    if (last := kept.values_list("id", flat=True)[KEPT : KEPT + 1].first()) is not None:
        kept.filter(id__lte=last).delete()


def _enqueue(pk: UUID) -> bool:
    return evidence_jobs.enqueue(RUN, str(pk), job_id=f"plays-{pk}", failed=FAILED)


# -- the job -------------------------------------------------------------------------------------------------------------


def run(pk: str) -> str:
    """RQ's job: play the pairs, the report growing with them; how it ended."""
    found = PlayComparison.objects.select_related("script").filter(pk=UUID(pk)).first()
    if found is None or not found.is_unfinished:
        return "over already"
    found.started_at = clock.now()
    if not _unfinished(found.pk).update(state=State.RUNNING, played=0, started_at=found.started_at):
        return "over already"
    with watched(lambda: _is_running(found), f"comparison {pk}") as cancellation:
        return _play(found, sides_of(found), cancellation)


def sides_of(found: PlayComparison) -> Sides:
    """The candidate that was played, as it was when it was asked for."""
    return msgspec.json.decode(bytes(found.bundles), type=Sides)


def _play(found: PlayComparison, sides: Sides, cancellation: Cancellation) -> str:
    tally = PlayTally()
    started = committed = time.perf_counter()
    seeds = range(found.seed, found.seed + found.asked)
    pairs = playing.compare(found.script.module, sides, seeds, tally, cancellation=cancellation)
    try:
        for _ in pairs:
            evidence_jobs.running.progress()
            now = time.perf_counter()
            if now - committed > COMMIT_SECONDS:
                if not _commit(found, tally, now - started):
                    return "over already"
                committed = now
            if found.stops_early and tally.clear():
                break
    except MeasuresDiffer as error:
        _end(_of_this_run(found, State.RUNNING), State.FAILED, reason=str(error)[:300])
        return State.FAILED
    cancelled, seconds = cancellation.cancelled, time.perf_counter() - started
    pairs.close()
    if cancelled:
        return _stopped(found, tally, seconds)
    with transaction.atomic():
        if _end(_of_this_run(found, State.RUNNING), State.DONE):
            _write(found, tally, seconds)
    return State.DONE


def _stopped(found: PlayComparison, tally: PlayTally, seconds: float) -> str:
    """After a cancel, or when the worker is asked to end: then another begins it anew."""
    if evidence_jobs.running.is_stopping():
        _of_this_run(found, State.RUNNING).update(state=State.QUEUED)
        evidence_jobs.running.again = True
        return State.QUEUED
    with transaction.atomic():
        if _of_this_run(found, State.CANCELLED, State.FAILED).select_for_update().exists():
            _write(found, tally, seconds)
    return State.CANCELLED


def _commit(found: PlayComparison, tally: PlayTally, seconds: float) -> bool:
    """Write what is found so far; False if it is over, by whoever cancelled it."""
    with transaction.atomic():
        if not _of_this_run(found, State.RUNNING).update(played=tally.pairs):
            return False
        _write(found, tally, seconds)
    return True


def _write(found: PlayComparison, tally: PlayTally, seconds: float) -> None:
    values: dict[str, Any] = {"played": tally.pairs}
    if tally.pairs:
        made = document(tally, seed=found.seed, asked=found.asked, seconds=seconds)
        module = found.script.module
        values |= {
            "document": made,
            "sentence": sentence(made, playing.noun_of(module, tally.pairs), MeasureWords.of(module))[:200],
        }
    PlayComparison.objects.filter(pk=found.pk).update(**values)


def failed(pk: str, why: str) -> str:
    """RQ's job raised, or its workers died in it."""
    _end(_unfinished(UUID(pk)), State.FAILED, reason=why[:300])
    return State.FAILED


def _end(unfinished: QuerySet[PlayComparison], state: State, **values: Any) -> bool:
    """Whether there was one until now."""
    return bool(unfinished.update(state=state, finished_at=clock.now(), **values))


def _unfinished(pk: UUID) -> QuerySet[PlayComparison]:
    return PlayComparison.objects.filter(pk=pk, state__in=UNFINISHED)


def _is_running(found: PlayComparison) -> bool:
    return _of_this_run(found, State.RUNNING).exists()


def _of_this_run(found: PlayComparison, *states: State) -> QuerySet[PlayComparison]:
    """The comparison, unless its state is another or it was asked for again meanwhile: what it comes to is another run's then."""
    return PlayComparison.objects.filter(pk=found.pk, started_at=found.started_at, state__in=states)
