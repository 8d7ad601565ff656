"""Replay: run a recorded execution again on everything that it saw, and compare it with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from scripting.execution.attempts import INTERPRETER, AttemptRecord, replay_version
from scripting.execution.rows import decode_calls
from scripting.models import Attempt, Execution, ScriptVersion
from scripting.models.execution import AttemptFields
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import Mask, masks_of
from scripting.registry.active import registry
from scripting.registry.resolved import ScriptNotFound
from scripting.runtime.host_calls import host_functions
from scripting.supervisor.pool import RunRequest
from scripting.texts.escaping import visible
from scripting.types import ErrorType, ScriptError


class NotReplayable(Exception):
    """The execution is unknown, or no script ran in it: the message says which."""


class NotTried(NotReplayable):
    """An open breaker withheld the version then, so there is nothing to compare with."""

    def __init__(self, version: ScriptVersion, instead: ScriptVersion | None) -> None:
        super().__init__(
            f"v{version.number} was not tried then, because its breaker was open: there is nothing to compare with"
        )
        self.instead = instead
        """The version that decided in its place; None where no script did."""


@dataclass(frozen=True)
class Replay:
    """A recorded attempt beside its replay. `differences` is empty when both are the same in all that was compared."""

    execution: Execution
    version: ScriptVersion
    attempt: AttemptRecord
    compared: tuple[str, ...]
    differences: tuple[str, ...]
    remarks: tuple[str, ...]
    """Why the two may differ though nothing is wrong, and what was not compared."""

    @property
    def identical(self) -> bool:
        return not self.differences


def replay(execution_id: str, *, decided: bool = False) -> Replay:
    """Replay an attempt of a recorded execution as a trial; nothing is stored. Raises NotReplayable.

    It is the first attempt; with `decided`, the one whose outcome counted.
    """
    execution = _find(execution_id)
    then = _attempt(execution, decided=decided)
    version = then.version
    if version is None or then.seed is None or then.clock_us is None:
        raise NotReplayable(f"no script ran in execution {execution.pk} ({execution.status})")
    if then.withheld:
        raise NotTried(version, execution.version if execution.status == Execution.Status.FELL_BACK else None)
    try:
        active = registry.recorded(then)
    except ScriptNotFound as error:
        raise NotReplayable(str(error)) from None
    module = modules.get(execution.script.module)
    limits = limits_for(execution.script.module, **execution.script.limit_changes())
    request = RunRequest(bytes(execution.inputs), then.seed, then.clock_us, host_functions(module))
    now = replay_version(active, request, limits, decode_calls(bytes(then.host_calls)))
    found = list(_comparison(execution, then, now))
    return Replay(
        execution,
        version,
        now,
        tuple(what for what, _ in found),
        tuple(difference for _, difference in found if difference),
        tuple(_remarks(execution, then)),
    )


def _find(execution_id: str) -> Execution:
    try:
        wanted = UUID(execution_id)
    except ValueError:
        raise NotReplayable(f"{execution_id!r} is no execution's id") from None
    found = Execution.objects.filter(pk=wanted).select_related("script", "version__script").first()
    if found is None:
        raise NotReplayable(f"there is no execution {wanted}")
    return found


def _attempt(execution: Execution, *, decided: bool) -> AttemptFields:
    """The attempt to replay; an execution of one attempt is that attempt."""
    tries: list[Attempt] = list(execution.attempts.select_related("version__script").order_by("ordinal"))
    if decided or not tries:
        return tries[-1] if tries else execution
    return next((attempt for attempt in tries if attempt.version is not None), tries[0])


# -- comparing -----------------------------------------------------------------------------------------------------------


def _comparison(execution: Execution, then: AttemptFields, now: AttemptRecord) -> Iterator[tuple[str, str]]:
    """The parts compared, each with its difference in words; empty where there is none."""
    error, logs = now.outcome.error, now.outcome.logs
    both_stopped = _out_of_time(then.error_type) and error is not None and _out_of_time(error.type)
    if not then.refused:
        yield "error", _difference_of_errors(then, error, masks_of(execution)[1], placed=not both_stopped)
    if _decided(execution, then):
        result = None if execution.result is None else bytes(execution.result)
        yield "result", "" if result == now.outcome.result else "the result"
    if both_stopped:
        return  # each came as far as it came
    lines = [line.text for line in then.log_lines]  # their times differ from run to run
    yield "log", "" if lines == list(logs) else "the log"
    calls = len(decode_calls(bytes(then.host_calls)))
    yield "host calls", "" if len(now.calls) == calls else f"host calls: {calls} then, {len(now.calls)} now"


def _decided(execution: Execution, then: AttemptFields) -> bool:
    """Whether its decision is kept: not if a fallback followed the attempt, nor if the game refused it."""
    if then.refused:
        return False
    return not isinstance(then, Attempt) or not execution.attempts.filter(ordinal__gt=then.ordinal).exists()


def _out_of_time(kind: str) -> bool:
    return kind == ErrorType.TIMEOUT


def _difference_of_errors(then: AttemptFields, error: ScriptError | None, mask: Mask, *, placed: bool) -> str:
    """In words; where it happened counts only if `placed`."""
    line, column = (then.error_line, then.error_column) if placed else (None, None)
    before = _in_words(then.error_type, mask.text(then.error_message), then.error_script, line, column)
    after = "none"
    if error is not None:
        line, column = (error.line, error.column) if placed else (None, None)
        after = _in_words(error.type, visible(mask.text(error.message)), visible(error.script)[:140], line, column)
    return "" if before == after else f"the error: {before} then, {after} now"


def _in_words(kind: str, message: str, script: str, line: int | None, column: int | None) -> str:
    if not kind:
        return "none"
    name = "" if kind == ErrorType.EXECUTION else f"{kind.replace('_', ' ')}: "
    where = f" at line {line}, column {column}" if line else ""
    return f"“{name}{message}”{where} of {script}" if where else f"“{name}{message}”"


def _remarks(execution: Execution, then: AttemptFields) -> Iterator[str]:
    if then.interpreter and then.interpreter != INTERPRETER:
        yield f"it ran on Python {then.interpreter}, this is {INTERPRETER}"
    if then.refused:
        yield "the game refused what it decided then, and is not asked in a trial: error and result are not compared"
    if _out_of_time(then.error_type):
        yield "it was stopped for its time: how far it came, its line and its log, is not compared with a run that is stopped too"
    if execution.status == Execution.Status.CANCELLED and _decided(execution, then):
        yield "somebody stopped it then, this run went on to its end"
