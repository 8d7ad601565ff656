"""The story of one execution, as its page tells it: why it ran, what it saw, what it decided, and what to do if it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from scripting.advice import Advice, advice
from scripting.conf import conf
from scripting.errors import Problem, group_of, problems
from scripting.insight.family import Branch, family_tree
from scripting.models import Attempt, Execution, ScriptVersion
from scripting.models.execution import AttemptFields, LogLine
from scripting.modules import limits_for, modules
from scripting.rows import decode_calls
from scripting.sandbox.protocol import decode_value
from scripting.show import (
    code_block,
    every_sensitive_key,
    marked_line,
    masked,
    memory,
    milliseconds,
    pretty,
    sensitive_keys,
    size,
)
from scripting.text import visible
from scripting.types import SecurityLimits

ERROR_NAMES = {"execution": "error"}
"""On a page of executions, an error of type `execution` is told apart."""


@dataclass(frozen=True)
class Call:
    """A host call as shown."""

    name: str
    kind: str
    arguments: str
    answer: str


@dataclass(frozen=True)
class Failure:
    """What went wrong, where, and what to do."""

    type: str
    message: str
    script: str
    line: int | None
    column: int | None
    excerpt: SafeString | str
    caret: str
    advice: Advice
    version: ScriptVersion | None
    """What failed, where the error lies in its own text."""
    text: SafeString | str = ""
    """That version as it was, around the line, which is marked."""
    problem: Problem | None = None


@dataclass(frozen=True)
class Try:
    """One attempt as shown."""

    ordinal: int
    role: str
    version: ScriptVersion | None
    digest: str
    wall: str
    cpu: str
    memory: str
    error: str
    log: list[LogLine]
    """Of one that did not decide: the log of the one that did is the execution's."""
    log_truncated: bool


@dataclass(frozen=True)
class Figure:
    """A cost beside its limit; `percent` of the limit, for the bar."""

    name: str
    value: str
    limit: str = ""
    percent: int = 0


@dataclass(frozen=True)
class Story:
    """Everything that the page shows, already fit to show."""

    execution: Execution
    inputs: str
    result: str
    log: list[LogLine]
    calls: list[Call]
    effects: list[Call]
    tries: list[Try]
    failure: Failure | None
    figures: list[Figure]
    waited: str
    clock: datetime | None
    cause: UUID | None
    tree: list[Branch]
    """Everything that the first cause set off, this execution among it; empty where that is this execution alone."""


def story_of(execution: Execution) -> Story:
    """Read one execution with what belongs to it."""
    calls = [_call(record) for record in decode_calls(bytes(execution.host_calls))]
    tries = list(execution.attempts.select_related("version__script"))
    own = sensitive_keys(execution.topic)
    return Story(
        execution,
        pretty(execution.inputs_value, own),
        pretty(execution.result_value, own | every_sensitive_key()) if execution.result is not None else "",
        _log(execution),
        [call for call in calls if call.kind != "effect"],
        [call for call in calls if call.kind == "effect"],
        [_try(attempt, decided=attempt is tries[-1]) for attempt in tries],
        _failure(execution, tries),
        [*_in_all(execution, tries), *_figures(execution)],
        _waited(execution),
        _clock(execution),
        execution.cause if execution.cause and Execution.objects.filter(pk=execution.cause).exists() else None,
        family_tree(execution),
    )


def _call(record: Any) -> Call:
    args, kwargs = decode_value(record.arguments)
    hidden = every_sensitive_key()
    shown = [pretty(item, hidden) for item in masked(args, hidden)]
    shown += [f"{visible(name)}={pretty(value, hidden)}" for name, value in masked(kwargs, hidden).items()]
    answer = visible(record.error) if record.answer is None else pretty(decode_value(record.answer), hidden)
    return Call(record.name, record.kind, ", ".join(shown), "" if record.kind == "effect" else answer)


def _log(attempt: AttemptFields) -> list[LogLine]:
    return [LogLine(visible(line.text), line.us) for line in attempt.log_lines]


def _try(attempt: Attempt, *, decided: bool) -> Try:
    error = f"{attempt.error_type}: {attempt.error_message}" if attempt.error_type else ""
    return Try(
        attempt.ordinal,
        attempt.get_role_display(),
        attempt.version,
        attempt.bundle_digest[:12],
        milliseconds(attempt.wall_us),
        milliseconds(attempt.cpu_us),
        memory(attempt.memory_bytes, attempt.error_type),
        error,
        [] if decided else _log(attempt),
        attempt.log_truncated,
    )


def _failure(execution: Execution, tries: list[Attempt]) -> Failure | None:
    """The error of the first attempt: what came after stood in for it."""
    if not execution.error_type and not execution.error_message:
        return None
    failed: AttemptFields = next((attempt for attempt in tries if attempt.error_type), execution)
    excerpt, caret = _excerpt(failed)
    kind = execution.error_type
    group = group_of(execution)
    return Failure(
        ERROR_NAMES.get(kind, kind.replace("_", " ")) or execution.status,
        visible(execution.error_message),
        execution.error_script or str(execution.script),
        execution.error_line,
        execution.error_column,
        excerpt,
        caret,
        advice(kind or execution.status),
        failed.version if excerpt else None,
        _text(failed) if excerpt else "",
        problems([group])[0] if group else None,
    )


def _text(attempt: AttemptFields) -> SafeString | str:
    """The whole version that failed, its failing line marked."""
    if attempt.version is None:
        return ""
    finding = {
        "line": attempt.error_line,
        "column": attempt.error_column,
        "severity": "error",
        "type": attempt.error_type.replace("_", " "),
        "message": attempt.error_message,
    }
    return code_block(bytes(attempt.version.content), [finding])


def _excerpt(attempt: AttemptFields) -> tuple[SafeString | str, str]:
    """The line that failed and the blanks before its caret, where the error lies in the script itself and not in a helper."""
    version, line = attempt.version, attempt.error_line
    if version is None or not line or attempt.error_script not in {"", str(version.script)}:
        return "", ""
    lines = bytes(version.content).decode("utf-8", "replace").split("\n")
    if line > len(lines):
        return "", ""
    text = lines[line - 1].rstrip("\r").replace("\t", "    ")
    column = attempt.error_column or 1
    return marked_line(text), " " * len(visible(text[: column - 1]))


def _in_all(execution: Execution, tries: list[Attempt]) -> list[Figure]:
    """Where several attempts were made, the other figures are those of the one that decided."""
    spent = int((execution.finished_at - execution.started_at).total_seconds() * 1e6)
    return [Figure("all attempts", milliseconds(spent))] if len(tries) > 1 else []


def _figures(execution: Execution) -> list[Figure]:
    limits = _limits(execution)
    limit_us = int(limits.max_execution_time * 1_000_000)
    return [
        Figure(
            "wall clock", milliseconds(execution.wall_us), milliseconds(limit_us), _percent(execution.wall_us, limit_us)
        ),
        Figure(
            "memory",
            memory(execution.memory_bytes, execution.error_type),
            size(limits.max_memory_bytes),
            _percent(execution.memory_bytes, limits.max_memory_bytes),
        ),
        Figure("CPU", milliseconds(execution.cpu_us)),
        Figure("host calls", milliseconds(execution.host_us)),
        Figure("compiling", milliseconds(execution.compile_us)),
    ]


def _percent(value: int, limit: int) -> int:
    return min(100, round(100 * value / limit)) if limit else 0


def _limits(execution: Execution) -> SecurityLimits:
    script = execution.script
    return limits_for(modules.get(script.module), conf.default_limits(), script.limit_changes())


def _waited(execution: Execution) -> str:
    if execution.queued_at is None:
        return ""
    return milliseconds(max(0, int((execution.started_at - execution.queued_at).total_seconds() * 1e6)))


def _clock(execution: Execution) -> datetime | None:
    return datetime.fromtimestamp(execution.clock_us / 1e6, UTC) if execution.clock_us is not None else None
