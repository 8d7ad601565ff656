"""The story of one execution, as its page tells it: why it ran, what it saw, what it decided, and what to do if it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from scripting.execution.rows import decode_calls
from scripting.insight import audit
from scripting.insight.advice import Advice, advice
from scripting.insight.display import code_block, marked_line, milliseconds, pretty
from scripting.insight.executions.cause_tree import Branch, family_tree
from scripting.insight.executions.cost import Cost, Figure, cost_of, figures, is_stopped
from scripting.insight.executions.error_place import Place, failed_attempt, place_of
from scripting.insight.executions.reason import why
from scripting.insight.executions.telling import told
from scripting.metrics.error_groups import ErrorGroupSummary, group_of, summaries
from scripting.models import SHARED, Attempt, Breaker, BundleKnobs, ErrorGroup, Execution, ScriptVersion
from scripting.models.execution import WITHHELD, AttemptFields, LogLine
from scripting.modules.masking import Mask, masks_of
from scripting.receipts.stored import receipt_of
from scripting.sandbox.protocol import decode_value
from scripting.texts.escaping import visible
from scripting.types import RunStory

ERROR_NAMES = {"execution": "error"}
"""On a page of executions, an error of type `execution` is told apart."""
GROUPS = 3
"""Errors of a withheld version that the page names."""


@dataclass(frozen=True)
class Call:
    """A host call as shown."""

    name: str
    kind: str
    arguments: str
    answer: str


@dataclass(frozen=True)
class Marked:
    """The line that failed, in the version whose text it is in: the script's, or a helper's that the run imported."""

    place: Place
    excerpt: SafeString
    caret: str
    """The blanks before it."""
    text: SafeString
    """The whole version as it was, its failing line marked."""

    @property
    def of_helper(self) -> bool:
        return self.place.version.script.module == SHARED


@dataclass(frozen=True)
class Withheld:
    """Why the active version was not tried: its breaker was open."""

    version: ScriptVersion | None
    message: str
    since: datetime | None
    """None where it has been closed, or opened anew, since then."""
    groups: list[ErrorGroup]
    """Error groups of that version, latest first."""


@dataclass(frozen=True)
class Failure:
    """The error, its place, and advice."""

    type: str
    message: str
    script: str
    line: int | None
    column: int | None
    advice: Advice
    marked: Marked | None
    error_group: ErrorGroupSummary | None = None


@dataclass(frozen=True)
class Try:
    """One attempt as shown."""

    ordinal: int
    role: str
    version: ScriptVersion | None
    digest: str
    cost: Cost
    error: str
    log: list[LogLine]
    """Of one that did not decide: the log of the one that did is the execution's."""
    log_truncated: bool


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
    withheld: Withheld | None
    stopped_by: str
    """Who stopped it; empty where nobody did, or it is not known."""
    figures: list[Figure]
    waited: str
    clock: datetime | None
    cause: UUID | None
    tree: list[Branch]
    """Everything that the first cause set off, this execution among it; empty where that is this execution alone."""
    led_on: bool
    """Whether anything followed."""
    told: RunStory
    """The sentence of its module."""
    why: SafeString
    """Why this version decided; empty where nothing did."""
    knobs: list[str]
    """The sets of values that its bundle had: `3` of its own script, `shared/dice 2` of a helper."""


def story_of(execution: Execution) -> Story:
    """Read one execution with what belongs to it."""
    given, made = masks_of(execution)
    calls = [_call(record, made) for record in decode_calls(bytes(execution.host_calls))]
    tries = list(execution.attempts.select_related("version__script"))
    tree = family_tree(execution)
    return Story(
        execution,
        pretty(execution.inputs_value, given),
        pretty(execution.result_value, made) if execution.result is not None else "",
        _log(execution, made),
        [call for call in calls if call.kind != "effect"],
        [call for call in calls if call.kind == "effect"],
        [_try(execution, attempt, made, last=attempt is tries[-1]) for attempt in tries],
        None if execution.withheld else _failure(execution, tries),
        _withheld(execution, tries) if execution.withheld else None,
        str(audit.stopped_by(execution) or "") if is_stopped(execution) else "",
        figures(execution, tries),
        _waited(execution),
        _clock(execution),
        _cause(execution),
        tree,
        _led_on(tree, execution),
        told(execution, tree),
        why(execution),
        _knobs(execution),
    )


def _cause(execution: Execution) -> UUID | None:
    """The execution that led to it, where a page tells of it: its own, or the one of its receipt."""
    cause = execution.cause
    if cause is None:
        return None
    return cause if Execution.objects.filter(pk=cause).exists() or receipt_of(cause) else None


def _knobs(execution: Execution) -> list[str]:
    found = BundleKnobs.objects.filter(bundle_digest=execution.bundle_digest).select_related("knobs__script")
    sets = sorted(
        (kept.knobs for kept in found), key=lambda knobs: (knobs.script_id != execution.script_id, str(knobs))
    )
    return [
        str(knobs.number) if knobs.script_id == execution.script_id else f"{knobs.number} of {knobs.script}"
        for knobs in sets
    ]


def _call(record: Any, mask: Mask) -> Call:
    args, kwargs = decode_value(record.arguments)
    shown = [pretty(item, mask) for item in args]
    shown += [f"{visible(name)}={pretty(value)}" for name, value in mask.value(kwargs).items()]
    answer = visible(mask.text(record.error)) if record.answer is None else pretty(decode_value(record.answer), mask)
    return Call(record.name, record.kind, ", ".join(shown), "" if record.kind == "effect" else answer)


def _log(attempt: AttemptFields, mask: Mask) -> list[LogLine]:
    return [LogLine(visible(mask.text(line.text)), line.us) for line in attempt.log_lines]


def _try(execution: Execution, attempt: Attempt, mask: Mask, *, last: bool) -> Try:
    return Try(
        attempt.ordinal,
        attempt.get_role_display(),
        attempt.version,
        attempt.bundle_digest[:12],
        cost_of(attempt, stopped=last and is_stopped(execution)),
        _error(attempt),
        [] if last else _log(attempt, mask),
        attempt.log_truncated,
    )


def _error(attempt: Attempt) -> str:
    if not attempt.error_type or attempt.withheld:
        return visible(attempt.error_message)
    return f"{_kind(attempt)}: {visible(attempt.error_message)}"


def _kind(attempt: AttemptFields) -> str:
    if attempt.refused:
        return "refused by the game"
    return ERROR_NAMES.get(attempt.error_type, attempt.error_type.replace("_", " "))


def _failure(execution: Execution, tries: list[Attempt]) -> Failure | None:
    if (not execution.error_type and not execution.error_message) or execution.superseded_by:
        return None
    group = group_of(execution)
    return Failure(
        _kind(execution) or execution.status,
        visible(execution.error_message),
        execution.error_script or str(execution.script),
        execution.error_line,
        execution.error_column,
        advice(execution.error_type or execution.status, execution.error_message),
        _marked(failed_attempt(execution, tries)),
        summaries([group])[0] if group else None,
    )


def _marked(attempt: AttemptFields) -> Marked | None:
    place = place_of(attempt)
    if place is None:
        return None
    content = bytes(place.version.content)
    lines = content.decode("utf-8", "replace").split("\n")
    if place.line > len(lines):
        return None
    line = lines[place.line - 1].rstrip("\r")
    finding = {
        "line": place.line,
        "column": attempt.error_column,
        "severity": "error",
        "type": attempt.error_type.replace("_", " "),
        "message": attempt.error_message,
    }
    before = visible(_untabbed(line[: (attempt.error_column or 1) - 1]))
    return Marked(place, marked_line(_untabbed(line)), " " * len(before), code_block(content, [finding]))


def _untabbed(text: str) -> str:
    return text.replace("\t", "    ")


def _withheld(execution: Execution, tries: list[Attempt]) -> Withheld:
    version = failed_attempt(execution, tries).version
    opened = Breaker.objects.filter(version=version, opened_at__lte=execution.started_at).first() if version else None
    groups = ErrorGroup.objects.filter(script=execution.script_id, version=version).order_by("-last_seen")
    return Withheld(
        version,
        visible(execution.error_message.removeprefix(WITHHELD)),
        opened.opened_at if opened else None,
        list(groups[:GROUPS]) if version else [],
    )


def _led_on(tree: list[Branch], execution: Execution) -> bool:
    return any(
        bool(branch.branches) if branch.execution.pk == execution.pk else _led_on(branch.branches, execution)
        for branch in tree
    )


def _waited(execution: Execution) -> str:
    if execution.queued_at is None:
        return ""
    return milliseconds(max(0, int((execution.started_at - execution.queued_at).total_seconds() * 1e6)))


def _clock(execution: Execution) -> datetime | None:
    return datetime.fromtimestamp(execution.clock_us / 1e6, UTC) if execution.clock_us is not None else None
