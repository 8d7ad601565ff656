"""Replay: decide a corpus again by a candidate, beside what the live version made of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from scripting.bus import evidence_jobs
from scripting.evidence import corpus as corpora
from scripting.evidence.corpus import Corpus
from scripting.evidence.decide import Decided, Decider, Given, given
from scripting.evidence.report import report
from scripting.evidence.tally import Tally
from scripting.evidence.time_limit import cancelled_after
from scripting.models import Script
from scripting.modules.installed import limits_for, modules
from scripting.registry.active import registry
from scripting.registry.bundles import Values, bundle_for
from scripting.supervisor.interface import Cancellation
from scripting.types import Bundle, Source


def candidate_of(script: Script, source: str, language: str, values: Values | None = None) -> Bundle:
    """A text as a candidate: with the helpers that it may import, as they are live now, and these values of its knobs
    (None: those that are live)."""
    return bundle_for(Source(str(script), language, source), values)


def live_bundle(script: Script) -> Bundle:
    """The bundle of the live version. Raises ScriptNotFound where none is live."""
    return registry.resolve(script.module, script.name).active.bundle


NO_TIME = "the time of the replay was up"


class ReplayStopped(Exception):
    """The replay was cancelled before its time was up: nobody waits for a report."""


def replay(
    corpus: Corpus,
    candidate: Bundle,
    *,
    live: Bundle | None = None,
    seconds: float = math.inf,
    cancellation: Cancellation | None = None,
) -> dict[str, Any]:
    """Decide each execution of the corpus by the candidate, and by the live version where the record is not its own: the report.

    `live` is the bundle to compare with, where that is not whatever is live by now.

    After `seconds`, or a cancel, the decision that runs is stopped and no other begins; after `seconds` the rest is counted as not
    replayable: a text that loops takes its whole time limit for each.
    Raises ReplayStopped after a cancel, ScriptNotFound where no version is live, SupervisorError for what is ours.
    """
    started = time.perf_counter()
    tally = Tally()
    live = live or live_bundle(corpus.script)
    with cancelled_after(seconds, cancellation) as stop:
        for _ in decide_all(corpus, candidate, live, tally, cancellation=stop):
            evidence_jobs.running.progress()  # in a job: it is not stuck
    took, tried = time.perf_counter() - started, tally.events
    if stop.cancelled and took < seconds:
        raise ReplayStopped
    for _ in range(len(corpus.ids) - tried if stop.cancelled else 0):
        tally.skip(NO_TIME)
    made = report(tally, took) | {"complete": NO_TIME not in tally.reasons}
    if not made["complete"]:
        made["sentence"] += f" (its time was up after {tried} of {tally.events})"
    return made


def decide_all(
    corpus: Corpus,
    candidate: Bundle,
    live: Bundle,
    tally: Tally,
    *,
    cancellation: Cancellation | None = None,
) -> Iterator[None]:
    """Decide one execution after the other into the tally, a step for each; a cancel ends it, in the middle of a run.

    Raises SupervisorError for what is ours.
    """
    script = corpus.script
    module = modules.get(script.module)
    limits = limits_for(script.module, **script.limit_changes())
    before = Decider(live, limits, module, cancellation)
    after = Decider(candidate, limits, module, cancellation)
    for execution, attempts in corpora.recorded(corpus):
        execution.script = script
        event = given(execution, attempts)
        if isinstance(event, str):
            tally.skip(event)
        else:
            old, new = _baseline(before, event), after.decide(event)
            if cancellation is not None and cancellation.cancelled:
                return
            tally.add(event, old, new)
        yield


def _baseline(live: Decider, event: Given) -> Decided:
    """The recorded outcome where the live version made it, else what the live version decides now."""
    return live.as_recorded(event) or live.decide(event)
