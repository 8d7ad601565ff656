"""Decide recorded executions again, by any bundle: on their inputs, dice and clock, and on what they read then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from scripting.execution.attempts import INTERPRETER
from scripting.execution.comparison import Compared, effects_of, failure_of
from scripting.execution.rows import decode_calls
from scripting.execution.run import on_inputs
from scripting.models import Attempt, Execution
from scripting.models.execution import AttemptFields
from scripting.modules.calls import CallContext, EffectRefused
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.segments import bundle_for_key
from scripting.runtime.host_calls import Host, RecordedHost, host_functions
from scripting.runtime.pool import get_pool
from scripting.sandbox.protocol import decode_trusted
from scripting.supervisor.interface import Cancellation
from scripting.supervisor.pool import RunOutcome, RunRequest
from scripting.types import Bundle, ErrorType, ExecutionMetrics, HostCallRecord, SecurityLimits

PYTHON = INTERPRETER.rpartition(".")[0]
STARVED_TRIES = 2


@dataclass(frozen=True)
class Situation:
    """Everything that a decision is made on."""

    call: CallContext
    inputs: Mapping[str, Any]
    encoded: bytes
    """The inputs as a sandbox takes them."""
    seed: int
    clock_us: int
    reads: tuple[HostCallRecord, ...]
    """Answers of `read` functions; without arguments, whatever they are asked."""


@dataclass(frozen=True)
class Given:
    """A recorded execution as something to decide again. Its reads are those of all its attempts: the game was the same."""

    execution: Execution
    situation: Situation

    @property
    def call(self) -> CallContext:
        return self.situation.call

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.situation.inputs


@dataclass(frozen=True)
class Decided:
    """The outcome of one bundle on one recorded execution."""

    compared: Compared
    refusal: str = ""
    """Why the game would not admit it; empty where it would."""
    left: str = ""
    """Where it read what the recording does not hold, as `call 2: get_score()`."""
    metrics: ExecutionMetrics = field(default_factory=ExecutionMetrics)

    @property
    def failed(self) -> bool:
        return self.compared.error is not None


def given(execution: Execution, attempts: Sequence[Attempt]) -> Given | str:
    """The execution as something to decide again, or the reason why it cannot be."""
    if execution.seed is None or execution.clock_us is None:
        return "no script ran in it"
    if not execution.inputs:
        return "its inputs were deleted by retention"
    if execution.interpreter and execution.interpreter.rpartition(".")[0] != PYTHON:
        return f"it was recorded by Python {execution.interpreter}, this is {PYTHON}"
    inputs = decode_trusted(bytes(execution.inputs))
    script = execution.script
    call = CallContext(
        script.module, script.name, str(execution.pk), depth=execution.depth, user_id=execution.user, trial=True
    )
    call = structs.replace(on_inputs(call, inputs), topic=execution.topic, key=execution.key)
    tries: Sequence[AttemptFields] = attempts or [execution]
    reads = [record for made in tries for record in decode_calls(bytes(made.host_calls)) if record.kind == "read"]
    encoded, seed, clock_us = bytes(execution.inputs), execution.seed, execution.clock_us
    return Given(execution, Situation(call, inputs, encoded, seed, clock_us, tuple(reads)))


class Decider:
    """Decides by one bundle, in warm sandboxes of this process."""

    def __init__(
        self,
        bundle: Bundle,
        limits: SecurityLimits,
        module: ScriptableModule | None,
        cancellation: Cancellation | None = None,
    ) -> None:
        self.bundle = bundle
        self._cancellation = cancellation
        self._limits = limits
        self._module = module
        self._functions = host_functions(module)

    def decide(self, event: Given) -> Decided:
        """Run it; no effect is carried out. Of a run that was cancelled nothing is known. Raises SupervisorError for what is ours."""
        return self.decide_on(event.situation)

    def decide_on(self, situation: Situation) -> Decided:
        """The same of a situation that nobody recorded."""
        hosts: list[RecordedHost] = []

        def host() -> RecordedHost:
            hosts.append(RecordedHost(situation.reads, self._module, situation.call))
            return hosts[-1]

        decided = self.decide_with(situation.call, situation.encoded, situation.seed, situation.clock_us, host)
        return replace(decided, left=hosts[-1].left)

    def decide_with(
        self, call: CallContext, encoded: bytes, seed: int, clock_us: int, make_host: Callable[[], Host]
    ) -> Decided:
        """The same of inputs as a sandbox takes them; a host for each try answers the script's functions.

        A run out of time that the processor was not given is tried once more: evidence is about the text, not about
        how busy the machine is.
        """
        module = self._module
        request = RunRequest(encoded, seed, clock_us, self._functions)
        bundle = bundle_for_key(self.bundle, call.module, call.key, call.segment)
        for _ in range(STARVED_TRIES):
            host = make_host()
            outcome = get_pool().run(bundle, request, self._limits, host=host, cancellation=self._cancellation)
            if not starved(outcome):
                break
        error = outcome.error
        result = None if outcome.result is None else decode_trusted(outcome.result)
        compared = Compared(
            Execution.Status.FAILED if error else Execution.Status.SUCCEEDED,
            failure_of(error),
            result,
            effects_of(host.calls, module) if error is None else (),
            outcome.logs,
        )
        refusal = "" if error else would_refuse(module, call, result)
        return Decided(compared, refusal, metrics=outcome.metrics)

    def as_recorded(self, event: Given) -> Decided | None:
        """The recorded outcome, if this bundle made it at the first try; None where it must be decided again."""
        execution, module = event.execution, self._module
        bundle = bundle_for_key(self.bundle, event.call.module, execution.key)
        if execution.status != Execution.Status.SUCCEEDED or execution.bundle_digest != bundle.digest:
            return None
        result = None if execution.result is None else decode_trusted(bytes(execution.result))
        effects = effects_of(decode_calls(bytes(execution.host_calls)), module)
        metrics = ExecutionMetrics(wall_us=execution.wall_us, memory_bytes=execution.memory_bytes)
        logs = tuple(line.text for line in execution.log_lines)
        compared = Compared(Execution.Status.SUCCEEDED, None, result, effects, logs)
        return Decided(compared, would_refuse(module, event.call, result), metrics=metrics)


def starved(outcome: RunOutcome) -> bool:
    """Whether the run was out of time, but had the processor for less than half of it: answers come from a recording, so they are ours to give."""
    metrics = outcome.metrics
    timed_out = outcome.error is not None and outcome.error.type is ErrorType.TIMEOUT
    return timed_out and 2 * metrics.cpu_us < metrics.wall_us


def would_refuse(module: ScriptableModule | None, call: CallContext, result: Any) -> str:
    """Why the game would not admit a result; empty where it would, or where nothing comes of the result."""
    if module is None or not module.applies(call):
        return ""
    try:
        module.demand_admissible(call, result)
    except EffectRefused as refusal:
        return str(refusal)
    return ""
