"""A run that may be cancelled, and the outcome of one that was."""

from __future__ import annotations

from msgspec.structs import replace

from scripting.supervisor.errors import SandboxLost
from scripting.supervisor.interface import Cancellation, HostCallable, RunOutcome, RunRequest
from scripting.supervisor.sandbox import NotStarted, Sandbox
from scripting.types import ExecutionMetrics


def run_watched(
    sandbox: Sandbox, request: RunRequest, host: HostCallable | None, cancellation: Cancellation
) -> RunOutcome:
    """A run that may be cancelled."""
    if not cancellation.watch(sandbox.stop):
        return cancelled(ExecutionMetrics())
    try:
        outcome = sandbox.run(request, host)
    except (NotStarted, SandboxLost):
        if cancellation.cancelled:
            return replace(cancelled(sandbox.lost), log_truncated=True)
        raise
    finally:
        cancellation.release()
    if cancellation.cancelled:
        sandbox.spent = True
        if outcome.error is not None:
            return replace(outcome, error=None, cancelled=True)
    return outcome


def cancelled(metrics: ExecutionMetrics) -> RunOutcome:
    return RunOutcome(None, (), False, None, True, metrics)
