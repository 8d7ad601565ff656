"""Curves drawn by the evidence worker, one job for all the knobs of a script, and kept while they are fresh."""

from __future__ import annotations

from datetime import timedelta

from scripting import clock
from scripting.bus import evidence_jobs
from scripting.evidence import curves, replays
from scripting.models import KnobCurve, Script
from scripting.registry import knobs as registry_knobs
from scripting.registry.bundles import active_values
from scripting.types import Knob

FRESH = timedelta(minutes=10)
KEPT = 400
"""Curves of one script; older ones are deleted."""
DRAW = f"{__name__}.draw"
FAILED = f"{__name__}.failed"


def ask_for(script: Script) -> bool:
    """Have the curves drawn that are not fresh; whether a job for them waits or runs. Raises redis.RedisError."""
    job_id = f"knob-curves-{script.pk}"
    evidence_jobs.enqueue(DRAW, script.pk, replays.live_bundle(script).digest, job_id=job_id, failed=FAILED)
    return evidence_jobs.is_served()


def fresh(script: Script) -> dict[str, KnobCurve]:
    """By knob, of what is live now; under no name the reason why none could be drawn. Raises ScriptNotFound."""
    live = replays.live_bundle(script).digest
    found = KnobCurve.objects.filter(script=script, live=live, drawn_at__gte=clock.now() - FRESH)
    return {curve.knob: curve for curve in found}


def drawable(knobs: tuple[Knob, ...]) -> list[Knob]:
    return [knob for knob in knobs if knob.is_number]


def draw(script_id: int, live: str) -> None:
    """The job: each curve is kept as soon as it is drawn. Begun anew, it draws what is missing."""
    script = Script.objects.select_related("active_version").get(pk=script_id)
    version = script.active_version
    if version is None or replays.live_bundle(script).digest != live:
        return  # what is live was changed: the page asks anew
    running, values = evidence_jobs.running, active_values(str(script))
    known = fresh(script)
    events = curves.events_of(curves.corpus_of(script))

    def goes_on() -> bool:
        running.progress()
        return not running.is_stopping()

    for knob in drawable(registry_knobs.knobs_of(script)):
        if knob.name in known or not events:
            continue
        document = curves.curve(script, version, knob, values, events, goes_on=goes_on)
        if document is None:
            return
        _keep(script, knob.name, live, document)
    if not events:
        _keep(script, "", live, {"problem": "This script has not run yet: there is nothing to try values on."})
    _forget_old(script)


def failed(script_id: int, live: str, why: str) -> None:
    """The words of the page where the job raised, or its workers died."""
    _keep(Script.objects.get(pk=script_id), "", live, {"problem": f"The curves could not be drawn: {why}"[:500]})


def _keep(script: Script, knob: str, live: str, document: dict[str, object]) -> None:
    made = {"document": document, "drawn_at": clock.now()}
    KnobCurve.objects.update_or_create(script=script, knob=knob, live=live, defaults=made)


def _forget_old(script: Script) -> None:
    kept = KnobCurve.objects.filter(script=script).order_by("-drawn_at", "-id")
    if (last := kept.values_list("drawn_at", flat=True)[KEPT : KEPT + 1].first()) is not None:
        kept.filter(drawn_at__lte=last).delete()
