"""A recorded execution run again, with everything it saw given back to it, and compared with what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from scripting.conf import conf
from scripting.models import Attempt, Execution, ScriptVersion
from scripting.modules import limits_for, modules
from scripting.recovery import INTERPRETER, AttemptRecord, RunInputs, repeat_version
from scripting.registry import ScriptNotFound, registry
from scripting.rows import decode_calls
from scripting.types import ScriptError


class NotRepeatable(Exception):
    """The execution is unknown, or no script ran in it: the message says which."""


@dataclass(frozen=True)
class Repetition:
    """A recorded attempt and its repetition. `differences` is empty when both are the same to the byte."""

    execution: Execution
    version: ScriptVersion
    attempt: AttemptRecord
    differences: tuple[str, ...]
    remarks: tuple[str, ...]
    """Why the two may differ though nothing is wrong."""

    @property
    def identical(self) -> bool:
        return not self.differences


def repeat(execution_id: str) -> Repetition:
    """Run the first attempt of a recorded execution again, as a trial; nothing is stored. Raises NotRepeatable."""
    execution = _find(execution_id)
    attempts: list[Attempt | Execution] = list(execution.attempts.select_related("version__script").order_by("ordinal"))
    then = next((attempt for attempt in attempts or [execution] if attempt.version is not None), None)
    if then is None or then.version is None or then.seed is None or then.clock_us is None:
        raise NotRepeatable(f"no script ran in execution {execution.pk} ({execution.status})")
    try:
        active = registry.recorded(then)
    except ScriptNotFound as error:
        raise NotRepeatable(str(error)) from None
    module = modules.get(execution.script.module)
    limits = limits_for(module, conf.default_limits(), execution.script.limit_changes())
    inputs = RunInputs(execution.inputs_value, bytes(execution.inputs), then.seed, then.clock_us)
    calls = decode_calls(bytes(then.host_calls))
    now = repeat_version(active, inputs, limits, module, calls)
    differences = list(_differences(execution, then, now))
    if len(now.calls) < len(calls):
        differences.append(f"host calls: {len(calls)} then, {len(now.calls)} now")
    return Repetition(execution, then.version, now, tuple(differences), tuple(_remarks(then)))


def _find(execution_id: str) -> Execution:
    try:
        wanted = UUID(execution_id)
    except ValueError:
        raise NotRepeatable(f"{execution_id!r} is no execution's id") from None
    found = Execution.objects.filter(pk=wanted).select_related("script", "version__script").first()
    if found is None:
        raise NotRepeatable(f"there is no execution {wanted}")
    return found


def _differences(execution: Execution, then: Attempt | Execution, now: AttemptRecord) -> list[str]:
    """Result and log are known of the attempt that decided; of one that was fallen back from, its error."""
    recorded = (then.error_type, then.error_message, then.error_line, then.error_column)
    found = [] if recorded == _error(now.error) else [f"error: {recorded} then, {_error(now.error)} now"]
    if isinstance(then, Attempt):
        return found
    result = None if execution.result is None else bytes(execution.result)
    if result != now.result:
        found.append("result")
    if [line.text for line in execution.log_lines] != list(now.logs):  # their times differ from run to run
        found.append("log")
    return found


def _error(error: ScriptError | None) -> tuple[str, str, int | None, int | None]:
    return (error.type.value, error.message, error.line, error.column) if error else ("", "", None, None)


def _remarks(then: Attempt | Execution) -> list[str]:
    if then.interpreter and then.interpreter != INTERPRETER:
        return [f"it ran on Python {then.interpreter}, this is {INTERPRETER}"]
    return []
