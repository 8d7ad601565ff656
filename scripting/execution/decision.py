"""What the attempts of one execution gave, before any of it has happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from scripting.bus.events import Event
from scripting.execution.attempts import AttemptRecord, RunInputs
from scripting.models import Execution, Role
from scripting.modules.calls import CallContext
from scripting.modules.masking import Mask, mask_of_run
from scripting.registry.resolved import ResolvedScript
from scripting.types import ExecutionRequest, ScriptOutput

Status = Execution.Status

OWN = frozenset({Role.PRIMARY, Role.RETRY})
"""Roles in which the active version itself decided."""


@dataclass(frozen=True)
class Decision:
    """What the attempts of one execution gave; nothing of it has happened until it is committed."""

    request: ExecutionRequest
    script: ResolvedScript
    inputs: RunInputs
    context: CallContext
    attempts: list[AttemptRecord]
    started_at: datetime
    finished_at: datetime
    event: Event | None = None
    deliveries: int = 1

    @property
    def deciding(self) -> AttemptRecord | None:
        """The attempt whose outcome counts: the last one, None when a disabled script has no built-in rule."""
        return self.attempts[-1] if self.attempts else None

    @cached_property
    def mask(self) -> Mask:
        """For what people read of what the script wrote."""
        return mask_of_run(self.request.topic, self.inputs.context)

    @property
    def status(self) -> str:
        last = self.deciding
        if not self.script.enabled:
            return Status.SKIPPED
        assert last is not None
        if last.cancelled:
            return Status.CANCELLED
        if not last.ok:
            return Status.FAILED
        return Status.SUCCEEDED if last.role in OWN else Status.FELL_BACK

    def output(self) -> ScriptOutput:
        """What the caller is told."""
        if self.deciding is None:
            return ScriptOutput(status=self.status, execution_id=self.context.execution_id)
        return output_of(self.deciding, self.status, self.context.execution_id, self.inputs)


def output_of(attempt: AttemptRecord, status: str | None, execution_id: str | None, inputs: RunInputs) -> ScriptOutput:
    """An attempt as the caller of the engine sees it; without a status, that of the attempt itself."""
    return ScriptOutput(
        result=attempt.value,
        logs=list(attempt.logs),
        log_us=list(attempt.log_us),
        error=attempt.error,
        metrics=attempt.metrics,
        version=attempt.version.info if attempt.version else None,
        status=status or (Status.SUCCEEDED if attempt.ok else Status.FAILED),
        execution_id=execution_id,
        seed=inputs.seed,
        clock_us=inputs.clock_us,
        host_calls=attempt.calls,
        log_truncated=attempt.log_truncated,
    )
