"""Replay: run a recorded execution again on everything that it saw, and compare it with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from scripting.execution.attempts import INTERPRETER, AttemptRecord, replay_version
from scripting.execution.comparison import Compared, Failure, differing, effects_of, equal_calls, failure_of
from scripting.execution.differences import effects_in_words, result_in_words
from scripting.execution.rows import decode_calls
from scripting.models import Attempt, Execution, ScriptVersion
from scripting.models.execution import AttemptFields
from scripting.modules.calls import CallContext
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import Mask, masks_of
from scripting.modules.scriptable import ScriptableModule
from scripting.registry.active import registry
from scripting.registry.resolved import ScriptNotFound
from scripting.runtime.host_calls import RecordedHost, call_of, host_functions
from scripting.supervisor.pool import RunRequest
from scripting.texts.escaping import visible
from scripting.types import ErrorType, HostCallRecord


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


def replay(execution_id: str, *, decided: bool = False, traces: bool = False) -> Replay:
    """Replay an attempt of a recorded execution as a trial; nothing is stored. Raises NotReplayable.

    It is the first attempt; with `decided`, the one whose outcome counted. With `traces` it tells what each line did.
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
    request = RunRequest(bytes(execution.inputs), then.seed, then.clock_us, host_functions(module), traces)
    call = CallContext(execution.script.module, execution.script.name, str(execution.pk), execution.topic, trial=True)
    recording = decode_calls(bytes(then.host_calls))
    now = replay_version(active, request, limits, RecordedHost(recording, module, call))
    found = list(_comparison(execution, then, now, module))
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


def _comparison(
    execution: Execution, then: AttemptFields, now: AttemptRecord, module: ScriptableModule | None
) -> Iterator[tuple[str, str]]:
    """The parts compared, each with its difference in words; empty where there is none."""
    mask = masks_of(execution)[1]
    both_stopped = (
        _out_of_time(then.error_type) and now.outcome.error is not None and _out_of_time(now.outcome.error.type)
    )
    recording = decode_calls(bytes(then.host_calls))
    before = recorded(execution, then, recording, module)
    after = Compared(
        before.status,
        _as_recorded(failure_of(now.outcome.error), mask),
        now.value,
        effects_of(now.calls, module) if now.ok else (),
        now.outcome.logs,
    )
    if both_stopped:  # each came as far as it came
        before, after = (replace(side, error=_without_place(side.error)) for side in (before, after))
    differ = differing(before, after)
    if not then.refused:
        words = f"the error: {before.error or 'none'} then, {after.error or 'none'} now"
        yield "error", words if "error" in differ else ""
    if _decided(execution, then):
        yield "result", result_in_words(before.result, after.result, mask) if "result" in differ else ""
        yield "effects", effects_in_words(before.effects, after.effects, mask) if "effects" in differ else ""
    if both_stopped:
        return
    yield "log", "the log" if "log" in differ else ""
    yield "host calls", _difference_of_calls(recording, now, module, mask)


def recorded(
    execution: Execution, attempt: AttemptFields, calls: Sequence[HostCallRecord], module: ScriptableModule | None
) -> Compared:
    """Take from a recorded attempt all that is compared: error and log as they are kept, which is masked and fit to show."""
    failed = bool(attempt.error_type)
    error = Failure(
        attempt.error_type, attempt.error_message, attempt.error_script, attempt.error_line, attempt.error_column
    )  # fmt: skip
    return Compared(
        Execution.Status.FAILED if failed else Execution.Status.SUCCEEDED,
        error if failed else None,
        execution.result_value,
        () if failed else effects_of(calls, module),
        [line.text for line in attempt.log_lines],  # their times differ from run to run
    )


def _as_recorded(error: Failure | None, mask: Mask) -> Failure | None:
    if error is None:
        return None
    return replace(error, message=visible(mask.text(error.message)), script=visible(error.script)[:140])


def _without_place(error: Failure | None) -> Failure | None:
    return None if error is None else replace(error, line=None, column=None)


def _difference_of_calls(
    recording: Sequence[HostCallRecord], now: AttemptRecord, module: ScriptableModule | None, mask: Mask
) -> str:
    if now.left:
        return f"it left the recording at {mask.text(now.left)}"
    if len(now.calls) != len(recording):
        return f"host calls: {len(recording)} then, {len(now.calls)} now"
    pairs = [[call_of(call, module) for call in calls] for calls in (recording, now.calls)]
    return "" if equal_calls(*pairs) else "host calls: other arguments, or in another order"


def _decided(execution: Execution, then: AttemptFields) -> bool:
    """Whether its decision is kept: not if a fallback followed the attempt, nor if the game refused it."""
    if then.refused:
        return False
    return not isinstance(then, Attempt) or not execution.attempts.filter(ordinal__gt=then.ordinal).exists()


def _out_of_time(kind: str) -> bool:
    return kind == ErrorType.TIMEOUT


def _remarks(execution: Execution, then: AttemptFields) -> Iterator[str]:
    if then.interpreter and then.interpreter != INTERPRETER:
        yield f"it ran on Python {then.interpreter}, this is {INTERPRETER}"
    if then.refused:
        yield "the game refused what it decided then, and is not asked in a trial: error and result are not compared"
    if _out_of_time(then.error_type):
        yield "it was stopped for its time: how far it came, its line and its log, is not compared with a run that is stopped too"
    if execution.status == Execution.Status.CANCELLED and _decided(execution, then):
        yield "somebody stopped it then, this run went on to its end"
