"""What is tried, in which order, when a run fails; and what each attempt left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from scripting.conf import conf
from scripting.execution import breaker
from scripting.execution.attempts import AttemptRecord, RunInputs, refused, run_built_in, run_version
from scripting.models import Role
from scripting.models.execution import WITHHELD
from scripting.modules.calls import CallContext
from scripting.modules.scriptable import ScriptableModule
from scripting.registry.resolved import ActiveVersion, ResolvedScript
from scripting.sandbox.protocol import ValueProblem
from scripting.supervisor.pool import Cancellation
from scripting.types import ErrorType, ScriptError, SecurityLimits

NO_SCRIPT_FALLBACK = frozenset({"manual", "replay"})
"""Triggers whose caller wants to see the failure itself."""


def attempts(
    script: ResolvedScript,
    inputs: RunInputs,
    limits: SecurityLimits,
    module: ScriptableModule | None,
    context: CallContext,
    *,
    trigger: str,
    cancellation: Cancellation | None = None,
    before_read: Callable[[], None] | None = None,
) -> Iterator[AttemptRecord]:
    """Attempts in order until one succeeds: the active version, the previous good one, the default, the built-in rule."""

    def run(version: ActiveVersion, role: str) -> AttemptRecord:
        return run_version(
            version, role, inputs, limits, module, context, cancellation=cancellation, before_read=before_read
        )

    if script.enabled:
        if trigger in breaker.COUNTED and not breaker.admits(script):
            yield _withheld(script)
        else:
            for attempt in _tries(run, script.active, trigger):
                yield attempt
            if attempt.ok or attempt.cancelled or trigger in NO_SCRIPT_FALLBACK:
                return
        for version in script.fallbacks:
            attempt = run(version, Role.FALLBACK)
            yield attempt
            if attempt.ok or attempt.cancelled:
                return
    built_in = run_built_in(module, context, inputs)
    if built_in is not None:
        yield built_in


def _tries(
    run: Callable[[ActiveVersion, str], AttemptRecord], version: ActiveVersion, trigger: str
) -> Iterator[AttemptRecord]:
    """The active version, and again where its error may not come twice."""
    attempt = run(version, Role.PRIMARY)
    yield attempt
    pause = conf.SCRIPTING_RETRY_SECONDS
    done = 0
    while attempt.error is not None and trigger in breaker.COUNTED and done < retries(attempt.error.type):
        time.sleep(pause)
        pause *= 2
        done += 1
        attempt = run(version, Role.RETRY)
        yield attempt


def retries(kind: ErrorType) -> int:
    """How often a run that failed this way is tried again. What a check refuses, or the same inputs repeat, never is."""
    match kind:
        case ErrorType.TIMEOUT:
            return conf.SCRIPTING_TIMEOUT_RETRIES
        case ErrorType.MEMORY_LIMIT:
            return conf.SCRIPTING_MEMORY_RETRIES
        case ErrorType.EXECUTION:
            return conf.SCRIPTING_EXECUTION_RETRIES
        case _:
            return 0


def _withheld(script: ResolvedScript) -> AttemptRecord:
    """The primary attempt that an open breaker did not let happen."""
    failures = script.breaker.failures if script.breaker else 0
    message = f"{WITHHELD}v{script.active.info.number} failed {failures} times in a row, so its breaker is open"
    error = ScriptError(ErrorType.EXECUTION, message, str(script))
    return AttemptRecord(Role.PRIMARY, script.active, None, error, tried=False)


__all__ = ["AttemptRecord", "RunInputs", "ValueProblem", "attempts", "refused", "run_built_in", "run_version"]
