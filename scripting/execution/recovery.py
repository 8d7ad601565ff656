"""Recovery: which attempts are made, in which order, until one of them decides the run."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scripting import clock
from scripting.conf import conf
from scripting.execution import breaker
from scripting.execution.attempts import AttemptRecord, made_ahead, run_built_in, run_version, withheld
from scripting.execution.decision import Decision
from scripting.execution.run import Run
from scripting.models import Role
from scripting.supervisor.pool import RunOutcome
from scripting.types import ErrorType

NO_SCRIPT_FALLBACK = frozenset({"manual", "replay"})
"""Triggers whose caller wants to see the failure itself."""


def decide(run: Run, first: RunOutcome | None = None) -> Decision:
    """Make the attempts of a run; `first` is the outcome of the first one where that was made ahead. Writes nothing."""
    if not run.script.enabled:
        attempt = None
    elif first is not None:
        attempt = made_ahead(run, first)
    elif run.trigger in breaker.COUNTED and not breaker.admits(run.script):
        attempt = withheld(run.script)
    else:
        attempt = run_version(run, run.script.active, Role.PRIMARY)
    attempts = [attempt] if attempt is not None and attempt.ok else list(_attempts(run, attempt))
    return Decision(run, attempts, clock.now())


def _attempts(run: Run, first: AttemptRecord | None) -> Iterator[AttemptRecord]:
    """Attempts in order until one succeeds: the active version, whose first is given, the previous good one, the default, the built-in rule."""
    if first is not None:
        if not first.tried:
            yield first
        else:
            for attempt in _tries(run, first):
                yield attempt
            if attempt.ends_it or run.trigger in NO_SCRIPT_FALLBACK:
                return
        for version in run.script.fallbacks:
            attempt = run_version(run, version, Role.FALLBACK)
            yield attempt
            if attempt.ends_it:
                return
    built_in = run_built_in(run)
    if built_in is not None:
        yield built_in


def _tries(run: Run, attempt: AttemptRecord) -> Iterator[AttemptRecord]:
    """The active version's first attempt, and further ones where its error may not come twice."""
    yield attempt
    pause = conf.SCRIPTING_RETRY_SECONDS
    done = 0
    while (
        (error := attempt.outcome.error) is not None
        and not attempt.ends_it
        and run.trigger in breaker.COUNTED
        and done < retries(error.type)
    ):
        time.sleep(pause)
        pause *= 2
        done += 1
        attempt = run_version(run, run.script.active, Role.RETRY)
        yield attempt


def retries(kind: ErrorType) -> int:
    """How often a run that failed this way is retried. What a check refuses, or the same inputs repeat, never is."""
    match kind:
        case ErrorType.TIMEOUT:
            return conf.SCRIPTING_TIMEOUT_RETRIES
        case ErrorType.MEMORY_LIMIT:
            return conf.SCRIPTING_MEMORY_RETRIES
        case ErrorType.EXECUTION:
            return conf.SCRIPTING_EXECUTION_RETRIES
        case _:
            return 0
