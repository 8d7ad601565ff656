"""A decision: a run with its attempts, before anything of it has happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from scripting.execution.attempts import AttemptRecord
from scripting.execution.run import Run
from scripting.models import Execution, Role
from scripting.types import ScriptOutput

Status = Execution.Status

OWN = frozenset({Role.PRIMARY, Role.RETRY})
"""Roles in which the active version itself decided."""


class Decision(msgspec.Struct, frozen=True):
    """The outcome of all attempts of one run; nothing of it has happened until it is committed."""

    run: Run
    attempts: list[AttemptRecord]
    finished_at: datetime
    superseded_by: str = ""
    """The event of the same topic and key that is to run in its place; then there are no attempts."""

    @property
    def deciding(self) -> AttemptRecord | None:
        """The attempt whose outcome counts: the last one, None when a disabled script has no built-in rule, or the event was superseded."""
        return self.attempts[-1] if self.attempts else None

    @property
    def status(self) -> str:
        last = self.deciding
        if self.superseded_by or not self.run.script.enabled:
            return Status.SKIPPED
        assert last is not None
        if last.outcome.cancelled:
            return Status.CANCELLED
        if not last.ok:
            return Status.SKIPPED if last.callers_fault else Status.FAILED
        return Status.SUCCEEDED if last.role in OWN else Status.FELL_BACK

    @property
    def answers(self) -> bool:
        """Whether it has a result: where the first that answers decides, nobody after it runs."""
        last = self.deciding
        return last is not None and last.ok and last.value is not None

    def output(self) -> ScriptOutput:
        """The output for the caller of the engine; a trial has no execution to look up."""
        execution = None if self.run.call.trial else self.run.call.execution_id
        attempt = self.deciding
        if attempt is None:
            return ScriptOutput(status=self.status, execution_id=execution)
        outcome = attempt.outcome
        return _output(
            result=attempt.value,
            logs=list(outcome.logs),
            log_us=list(outcome.log_us),
            error=outcome.error,
            metrics=outcome.metrics,
            version=attempt.version.info if attempt.version else None,
            status=self.status,
            execution_id=execution,
            seed=self.run.request.seed,
            clock_us=self.run.request.clock_us,
            host_calls=attempt.calls,
            log_truncated=outcome.log_truncated,
            refused=attempt.callers_fault,
            left_recording=attempt.left,
            trace=outcome.trace,
        )


def _output(**fields: Any) -> ScriptOutput:
    """`ScriptOutput(**fields)`, given all of them: a frozen dataclass sets each by a call, which takes several times as long."""
    output = object.__new__(ScriptOutput)
    output.__dict__.update(fields)
    return output
