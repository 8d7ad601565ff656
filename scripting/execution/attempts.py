"""One attempt: run a version, or the built-in rule, and keep what it did."""

from __future__ import annotations

import platform
import time
from typing import Any

import msgspec

from scripting.execution import callers
from scripting.execution.run import Run
from scripting.models import Role
from scripting.models.breaker import failed_in_words
from scripting.models.execution import REFUSED, WITHHELD
from scripting.registry.resolved import ActiveVersion, ResolvedScript
from scripting.runtime.host_calls import Effect, Host, RecordedHost
from scripting.runtime.pool import get_pool
from scripting.sandbox.protocol import decode_trusted, encode_value
from scripting.supervisor.pool import Cancellation, RunOutcome, RunRequest
from scripting.types import ErrorType, ExecutionMetrics, HostCallRecord, ScriptError, SecurityLimits

INTERPRETER = platform.python_version()


class AttemptRecord(msgspec.Struct, frozen=True):
    """One try: of a version in a sandbox, or of the module's built-in rule (`version` is None)."""

    role: str
    version: ActiveVersion | None
    outcome: RunOutcome
    calls: tuple[HostCallRecord, ...] = ()
    effects: tuple[Effect, ...] = ()
    tried: bool = True
    """False where the version's open breaker withheld it."""
    callers_fault: bool = False
    """Whether it failed since the game refused what the caller of an endpoint asked for: no fault of the version."""
    left: str = ""
    """Of a run on a recording: where it read what that does not hold, as `call 2: get_score()`."""

    @property
    def ok(self) -> bool:
        return self.outcome.error is None and not self.outcome.cancelled

    @property
    def ends_it(self) -> bool:
        """Whether no other version is tried after it: another could do no better, or is not wanted any more."""
        return self.ok or self.outcome.cancelled or self.callers_fault

    @property
    def value(self) -> Any:
        result = self.outcome.result
        return None if result is None else decode_trusted(result)  # the supervisor, or we, have checked it


def run_version(run: Run, version: ActiveVersion, role: str) -> AttemptRecord:
    """Run one version in a sandbox. A script's failure is in the record; only our own failures raise."""
    if run.recording is not None:
        recorded = RecordedHost(run.recording, run.module, run.call)
        return replay_version(version, run.request, run.limits, recorded, run.cancellation)
    host = Host(run.module, run.call, run.before_read)
    outcome = get_pool().run(
        version.bundle, run.request, run.limits, host=host, cancellation=run.cancellation, trial=run.call.trial
    )
    effects = tuple(host.effects) if outcome.error is None else ()
    callers_fault = callers.asked_for(run, host.refused, outcome.error)
    return AttemptRecord(role, version, outcome, tuple(host.calls), effects, callers_fault=callers_fault)


def made_ahead(run: Run, outcome: RunOutcome) -> AttemptRecord:
    """The first attempt of a run that was sent ahead: of the active version, without a host call."""
    return AttemptRecord(Role.PRIMARY, run.script.active, outcome)


def replay_version(
    version: ActiveVersion,
    request: RunRequest,
    limits: SecurityLimits,
    host: RecordedHost,
    cancellation: Cancellation | None = None,
) -> AttemptRecord:
    """Run a version on the recorded answers of host functions; a trial, so nothing comes of it."""
    outcome = get_pool().run(version.bundle, request, limits, host=host, cancellation=cancellation, trial=True)
    return AttemptRecord(Role.PRIMARY, version, outcome, tuple(host.calls), left=host.left)


def run_built_in(run: Run) -> AttemptRecord | None:
    """The module's own rule, in this process; None when it has none. An exception of it is our own failure."""
    if run.module is None:
        return None
    started = time.perf_counter_ns()
    try:
        result = encode_value(run.module.built_in(run.call, run.variables))
    except NotImplementedError:
        return None
    metrics = ExecutionMetrics(wall_us=(time.perf_counter_ns() - started) // 1000)
    return AttemptRecord(Role.BUILT_IN, None, RunOutcome(result, (), False, None, False, metrics))


def withheld(script: ResolvedScript) -> AttemptRecord:
    """The primary attempt that an open breaker did not let happen."""
    state = script.breaker
    assert state is not None
    failed = failed_in_words(state.failures, state.window_failures, state.window_runs)
    message = f"{WITHHELD}v{script.active.info.number} {failed}, so its breaker is open"
    error = ScriptError(ErrorType.EXECUTION, message, str(script))
    outcome = RunOutcome(None, (), False, error, False, ExecutionMetrics())
    return AttemptRecord(Role.PRIMARY, script.active, outcome, tried=False)


def refused(
    attempt: AttemptRecord, script: ResolvedScript, reason: str, *, callers_fault: bool = False
) -> AttemptRecord:
    """The attempt as a failure, because the game did not admit what it decided."""
    error = ScriptError(ErrorType.EXECUTION, f"{REFUSED}{reason}", str(script))
    outcome = msgspec.structs.replace(attempt.outcome, result=None, error=error)
    return msgspec.structs.replace(attempt, outcome=outcome, effects=(), callers_fault=callers_fault)
