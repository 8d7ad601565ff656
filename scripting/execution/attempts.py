"""One attempt: run a version, or the built-in rule, and keep what it did."""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from scripting.models import Role
from scripting.models.execution import REFUSED
from scripting.modules.calls import CallContext
from scripting.modules.scriptable import ScriptableModule
from scripting.registry.resolved import ActiveVersion
from scripting.runtime.host_calls import Effect, Host, RecordedHost, host_functions
from scripting.runtime.pool import get_pool
from scripting.sandbox.protocol import decode_trusted, encode_value
from scripting.supervisor.pool import Cancellation, RunRequest
from scripting.types import ErrorType, ExecutionMetrics, HostCallRecord, ScriptError, SecurityLimits

INTERPRETER = platform.python_version()


_encode_plain = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class RunInputs:
    """What makes a run repeatable: the encoded context variables, the seed and the clock."""

    context: Mapping[str, Any]
    encoded: bytes
    seed: int
    clock_us: int

    @staticmethod
    def prepare(
        context: Mapping[str, Any], seed: int | None, clock_us: int | None, *, plain: bool = False
    ) -> RunInputs:
        """Raises ValueProblem, naming the path, for inputs that are no plain data.

        `plain` says that they are: an event's were checked when it was published.
        """
        return RunInputs(
            context,
            _encode_plain(context) if plain else encode_value(context),
            random.getrandbits(63) if seed is None else seed,
            time.time_ns() // 1000 if clock_us is None else clock_us,
        )


@dataclass(frozen=True)
class AttemptRecord:
    """One try: of a version in a sandbox, or of the module's built-in rule (`version` is None)."""

    role: str
    version: ActiveVersion | None
    result: bytes | None
    error: ScriptError | None
    cancelled: bool = False
    logs: tuple[str, ...] = ()
    log_us: tuple[int, ...] = ()
    """µs from the beginning of the run to each line of `logs`; no part of what a repetition compares."""
    log_truncated: bool = False
    metrics: ExecutionMetrics = field(default_factory=ExecutionMetrics)
    calls: tuple[HostCallRecord, ...] = ()
    effects: tuple[Effect, ...] = ()
    tried: bool = True
    """False where the version's open breaker withheld it."""

    @property
    def ok(self) -> bool:
        return self.error is None and not self.cancelled

    @property
    def value(self) -> Any:
        return None if self.result is None else decode_trusted(self.result)  # the supervisor, or we, have checked it


def run_version(
    version: ActiveVersion,
    role: str,
    inputs: RunInputs,
    limits: SecurityLimits,
    module: ScriptableModule | None,
    context: CallContext,
    *,
    cancellation: Cancellation | None = None,
    before_read: Callable[[], None] | None = None,
) -> AttemptRecord:
    """Run one version in a sandbox. A script's failure is in the record; only our own failures raise."""
    host = Host(module, context, before_read)
    request = RunRequest(inputs.encoded, inputs.seed, inputs.clock_us, host_functions(module))
    outcome = get_pool().run(version.bundle, request, limits, host=host, cancellation=cancellation, trial=context.trial)
    return AttemptRecord(
        role,
        version,
        outcome.result,
        outcome.error,
        outcome.cancelled,
        outcome.logs,
        outcome.log_us,
        outcome.log_truncated,
        outcome.metrics,
        tuple(host.calls),
        tuple(host.effects) if outcome.error is None else (),
    )


def repeat_version(
    version: ActiveVersion,
    inputs: RunInputs,
    limits: SecurityLimits,
    module: ScriptableModule | None,
    calls: Sequence[HostCallRecord],
) -> AttemptRecord:
    """Run a recorded attempt again, with the answers of host functions as recorded; a trial, so nothing comes of it."""
    host = RecordedHost(calls)
    request = RunRequest(inputs.encoded, inputs.seed, inputs.clock_us, host_functions(module))
    outcome = get_pool().run(version.bundle, request, limits, host=host, trial=True)
    return AttemptRecord(
        Role.PRIMARY,
        version,
        outcome.result,
        outcome.error,
        outcome.cancelled,
        outcome.logs,
        outcome.log_us,
        outcome.log_truncated,
        outcome.metrics,
        tuple(host.calls),
    )


def run_built_in(module: ScriptableModule | None, context: CallContext, inputs: RunInputs) -> AttemptRecord | None:
    """The module's own rule, in this process; None when it has none. An exception of it is our own failure."""
    if module is None:
        return None
    started = time.perf_counter_ns()
    try:
        result = encode_value(module.built_in(context, inputs.context))
    except NotImplementedError:
        return None
    wall = (time.perf_counter_ns() - started) // 1000
    return AttemptRecord(Role.BUILT_IN, None, result, None, metrics=ExecutionMetrics(wall_us=wall))


def refused(attempt: AttemptRecord, script: str, reason: str) -> AttemptRecord:
    """The attempt as a failure, because the game did not admit what it decided."""
    error = ScriptError(ErrorType.EXECUTION, f"{REFUSED}{reason}", script)
    return replace(attempt, result=None, error=error, effects=())
