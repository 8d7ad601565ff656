"""A recorded execution run again, with everything it saw given back to it: inputs, seed, clock and the answers of its host calls."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from scripting.conf import conf
from scripting.host import host_functions
from scripting.ledger import decode_calls
from scripting.models import Attempt, Execution, ScriptVersion
from scripting.modules import limits_for, modules
from scripting.recovery import INTERPRETER
from scripting.registry import helpers_for
from scripting.sandbox.protocol import decode_value
from scripting.sandboxes import get_pool
from scripting.supervisor.pool import HostCall, HostCallRefused, RunOutcome, RunRequest
from scripting.types import Bundle, HostCallRecord, Source


class NotRepeatable(Exception):
    """The execution is unknown, or no script ran in it: the message says which."""


@dataclass(frozen=True)
class Repetition:
    """A recorded attempt beside its repetition. `differences` is empty when both are the same to the byte."""

    execution: Execution
    version: ScriptVersion
    outcome: RunOutcome
    differences: tuple[str, ...]
    remarks: tuple[str, ...]
    """Why the two might differ: other helpers or another interpreter than then."""

    @property
    def identical(self) -> bool:
        return not self.differences


class RecordedHost:
    """Answers host calls with what was answered then. Another call, or another order, is refused at the script's line."""

    def __init__(self, calls: list[HostCallRecord]) -> None:
        self._left = list(calls)

    def __call__(self, call: HostCall) -> bytes:
        if not self._left or (self._left[0].name, self._left[0].arguments) != (call.name, call.arguments):
            raise HostCallRefused(f"{call.name}() was not called so when this was recorded")
        record = self._left.pop(0)
        if record.answer is None:
            raise HostCallRefused(record.error)
        return record.answer

    @property
    def unused(self) -> int:
        return len(self._left)


def repeat(execution_id: str) -> Repetition:
    """Run the first attempt of a recorded execution again, as a trial. Nothing is stored. Raises NotRepeatable."""
    execution = _find(execution_id)
    attempts: list[Attempt | Execution] = list(execution.attempts.order_by("ordinal").select_related("version"))
    attempt = next((a for a in (attempts or [execution]) if a.version is not None), None)
    if attempt is None or attempt.version is None or attempt.seed is None or attempt.clock_us is None:
        raise NotRepeatable(f"no script ran in execution {execution.pk} ({execution.status})")
    version = attempt.version
    module = modules.get(execution.script.module)
    source = Source(str(execution.script), version.language, version.text)
    bundle = Bundle(source, helpers_for(source))
    host = RecordedHost(decode_calls(bytes(attempt.host_calls)))
    outcome = get_pool().run(
        bundle,
        RunRequest(bytes(execution.inputs), attempt.seed, attempt.clock_us, host_functions(module)),
        limits_for(module, conf.default_limits(), execution.script.limit_changes()),
        host=host,
        trial=True,
    )
    return Repetition(
        execution,
        version,
        outcome,
        tuple(_differences(execution, attempt, outcome, host.unused)),
        tuple(_remarks(attempt, bundle)),
    )


def _find(execution_id: str) -> Execution:
    try:
        wanted = UUID(execution_id)
    except ValueError:
        raise NotRepeatable(f"{execution_id!r} is no execution's id") from None
    found = Execution.objects.filter(pk=wanted).select_related("script", "version").first()
    if found is None:
        raise NotRepeatable(f"there is no execution {wanted}")
    return found


def _differences(execution: Execution, then: Attempt | Execution, now: RunOutcome, unused: int) -> list[str]:
    """Result and log are known of the attempt that decided; of one that was fallen back from, its error."""
    found = []
    error = (now.error.type.value, now.error.message, now.error.line, now.error.column) if now.error else ("", "", None, None)
    recorded = (then.error_type, then.error_message, then.error_line, then.error_column)
    if error != recorded:
        found.append(f"error: {recorded} then, {error} now")
    if unused:
        found.append(f"host calls: {unused} more then")
    if execution.attempts.exists() and not isinstance(then, Execution):
        return found
    result = None if execution.result is None else bytes(execution.result)
    if result != now.result:
        found.append("result")
    log = decode_value(bytes(execution.log)) if execution.log else []
    if log != list(now.logs):
        found.append("log")
    return found


def _remarks(then: Attempt | Execution, bundle: Bundle) -> list[str]:
    remarks = []
    if then.bundle_digest and then.bundle_digest != bundle.digest:
        remarks.append("helpers that it imports have changed since")
    if then.interpreter and then.interpreter != INTERPRETER:
        remarks.append(f"it ran on Python {then.interpreter}, this is {INTERPRETER}")
    return remarks
