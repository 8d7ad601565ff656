"""The cost of an execution, in all and by attempt: only measured figures are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripting.insight.display import memory, milliseconds, size
from scripting.models import Attempt, Execution, Role
from scripting.models.execution import AttemptFields
from scripting.modules.installed import limits_for
from scripting.types import ErrorType, SecurityLimits

NONE = "—"
UNMEASURED = "not measured"


@dataclass(frozen=True)
class Figure:
    """A cost beside its limit; `percent` of the limit, for the bar."""

    name: str
    value: str
    limit: str = ""
    percent: int = 0
    note: str = ""


@dataclass(frozen=True)
class Cost:
    """The cost of one attempt, as shown."""

    wall: str
    cpu: str
    memory: str


def cost_of(attempt: AttemptFields, *, stopped: bool) -> Cost:
    """`stopped`: somebody stopped the execution in this attempt."""
    if not _happened(attempt):
        return Cost(NONE, NONE, NONE)
    wall = milliseconds(attempt.wall_us)
    if attempt.role == Role.BUILT_IN:
        return Cost(wall, NONE, NONE)
    told = memory(attempt.memory_bytes) if _memory_known(attempt, stopped=stopped) else UNMEASURED
    return Cost(wall, milliseconds(attempt.cpu_us), told)


def figures(execution: Execution, tries: Sequence[Attempt]) -> list[Figure]:
    """Times are those of all attempts together; memory is that of the one that took the most."""
    made = [attempt for attempt in _attempts(execution, tries) if _happened(attempt)]
    if not made:
        return []
    limits = _limits(execution)
    several = f"{len(made)} attempts" if len(made) > 1 else ""
    found = [
        _wall(made, limits, several),
        _memory(execution, tries, limits),
        Figure("CPU", milliseconds(sum(attempt.cpu_us for attempt in made)), note=several),
        Figure("host calls", milliseconds(sum(attempt.host_us for attempt in made))),
        Figure("compiling", milliseconds(sum(attempt.compile_us for attempt in made))),
    ]
    if several:
        spent = int((execution.finished_at - execution.started_at).total_seconds() * 1e6)
        found.insert(0, Figure("start to end", milliseconds(spent)))
    return found


def _attempts(execution: Execution, tries: Sequence[Attempt]) -> list[AttemptFields]:
    """An execution of one attempt is that attempt."""
    return [*tries] or [execution]


def _happened(attempt: AttemptFields) -> bool:
    return attempt.seed is not None and not attempt.withheld


def _wall(made: Sequence[AttemptFields], limits: SecurityLimits, several: str) -> Figure:
    """The limit is for each attempt, so that the sum of several has none."""
    spent = sum(attempt.wall_us for attempt in made)
    if several:
        return Figure("wall clock", milliseconds(spent), note=several)
    limit = int(limits.max_execution_time * 1_000_000)
    return Figure("wall clock", milliseconds(spent), milliseconds(limit), _percent(spent, limit))


def _memory(execution: Execution, tries: Sequence[Attempt], limits: SecurityLimits) -> Figure:
    numbered = enumerate(_attempts(execution, tries), 1)
    ran = [(number, each) for number, each in numbered if _happened(each) and each.role != Role.BUILT_IN]
    last = tries[-1] if tries else execution
    known = [each for _, each in ran if _memory_known(each, stopped=is_stopped(execution) and each is last)]
    unknown = [str(number) for number, each in ran if each not in known]
    if not known:
        return Figure("memory", UNMEASURED if ran else NONE)
    most = max(each.memory_bytes for each in known)
    limit = limits.max_memory_bytes
    notes = [f"the most of {len(ran)} attempts"] if len(ran) > 1 else []
    notes += [f"attempt {', '.join(unknown)} {UNMEASURED}"] if unknown else []
    return Figure("memory", memory(most), size(limit), _percent(most, limit), "; ".join(notes))


def _memory_known(attempt: AttemptFields, *, stopped: bool) -> bool:
    """It dies with the process, where that was killed for its time or because somebody stopped the run."""
    return bool(attempt.memory_bytes) or not (stopped or attempt.error_type == ErrorType.TIMEOUT)


def is_stopped(execution: Execution) -> bool:
    return execution.status == Execution.Status.CANCELLED


def _percent(value: int, limit: int) -> int:
    return min(100, round(100 * value / limit)) if limit else 0


def _limits(execution: Execution) -> SecurityLimits:
    script = execution.script
    return limits_for(script.module, **script.limit_changes())
