"""Executions as the database holds them: what was decided, as rows for `insert_rows`; `module` is there for the receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from scripting import clock
from scripting.bus.events import Event
from scripting.bus.settled import Decided
from scripting.execution.attempts import INTERPRETER, AttemptRecord
from scripting.execution.decision import Decision
from scripting.execution.run import Run
from scripting.models import Execution, Role, Script, uuid7
from scripting.models.execution import encode_log, superseded_by
from scripting.models.ids import id_of
from scripting.modules.calls import CallContext
from scripting.modules.masking import mask_of_inputs, without_text
from scripting.sandbox.protocol import decode_value, encode_value
from scripting.telemetry.spans import trace_id
from scripting.texts.escaping import display, visible
from scripting.types import HostCallRecord

_PLAIN: dict[str, str] = {text: text for text in (*Execution.Status.values, *Execution.Trigger.values, *Role.values)}
"""Members of enumerations as plain text: what is more than that, drivers of databases first look up how to write."""


def execution_row(decision: Decision, worker: str) -> dict[str, Any]:
    """Make an execution's row: error from the first attempt, times summed over all, everything else from the last."""
    run, call, event, attempt = decision.run, decision.run.call, decision.run.event, decision.deciding
    result = attempt.outcome.result if attempt else None
    variables, inputs = run.variables, run.request.inputs
    shown = without_text(variables) if event else variables
    row = {
        "id": id_of(call.execution_id),
        "module": run.script.module,
        "script_id": run.script.id,
        "trigger": _PLAIN.get(run.trigger, run.trigger),
        "event_id": event.id if event else None,
        "topic": visible(call.topic)[:128] if call.topic else "",
        "key": visible(call.key)[:128] if call.key else "",
        "depth": call.depth,
        "cause": id_of(event.cause) if event and event.cause else None,
        "status": _PLAIN[decision.status],
        "inputs": inputs,
        "inputs_text": display(mask_of_inputs(call.topic, variables).value(shown), packed=inputs),
        "result": result,
        "result_text": display(run.mask.value(attempt.value), packed=result) if attempt and result is not None else "",
        "queued_at": datetime.fromtimestamp(event.published_us / 1e6, UTC) if event else None,
        "started_at": run.started_at,
        "finished_at": decision.finished_at,
        "worker": worker[:128],
        "user": visible(call.user_id)[:150] if call.user_id else "",
        "request_id": visible(call.request_id)[:64] if call.request_id else "",
        "deliveries": run.deliveries,
        "error_version_id": None,
        "trace_id": trace_id(run.traceparent),
    }
    if attempt is None:
        newer = decision.superseded_by
        return row | {"role": Role.PRIMARY.value, "error_message": superseded_by(visible(newer)) if newer else ""}
    row |= _attempt_fields(run, attempt)
    first = decision.attempts[0]
    if len(decision.attempts) > 1:
        row |= _error_fields(first, run) | _taken(decision.attempts)
    if first.outcome.error is not None and first.version is not None and first.tried and not first.callers_fault:
        row["error_version_id"] = first.version.id or None
    return row


def outcome_of(row: Mapping[str, Any], decision: Decision) -> Decided:
    """The columns of an execution that tell its outcome, as the database has them."""
    attempt, script = decision.deciding, decision.run.script
    return Decided(
        row["event_id"],
        row["id"],
        script.module,
        script.name,
        row["status"],
        attempt.version.info.number if attempt and attempt.version and attempt.version.id else None,
        row["result"],
        row.get("error_type", ""),
        row.get("error_message", ""),
        row.get("error_script", ""),
        row.get("error_line"),
        row.get("error_column"),
    )


def attempt_rows(decision: Decision) -> list[dict[str, Any]]:
    """One row for each try of an execution that needed several."""
    execution = UUID(decision.run.call.execution_id)
    return [
        {"execution_id": execution, "ordinal": ordinal, **_attempt_fields(decision.run, attempt)}
        for ordinal, attempt in enumerate(decision.attempts, 1)
    ]


def _attempt_fields(run: Run, attempt: AttemptRecord) -> dict[str, Any]:
    outcome, metrics = attempt.outcome, attempt.outcome.metrics
    return {
        "version_id": (attempt.version.id or None) if attempt.version else None,
        "bundle_digest": attempt.version.bundle.digest if attempt.version else "",
        "role": _PLAIN[attempt.role],
        "interpreter": INTERPRETER,
        "seed": run.request.seed,
        "clock_us": run.request.clock_us,
        "host_calls": encode_calls(attempt.calls),
        "compile_us": metrics.compile_us,
        "wall_us": metrics.wall_us,
        "cpu_us": metrics.cpu_us,
        "memory_bytes": metrics.memory_bytes,
        "host_us": metrics.host_us,
        "log": encode_log(outcome.logs, outcome.log_us) if outcome.logs else b"",
        "log_truncated": outcome.log_truncated,
        **_error_fields(attempt, run),
    }


def _taken(attempts: Sequence[AttemptRecord]) -> dict[str, int]:
    """Time of all together, and the most memory that one of them took."""
    metrics = [attempt.outcome.metrics for attempt in attempts]
    summed = {
        name: sum(getattr(each, name) for each in metrics) for name in ("wall_us", "cpu_us", "host_us", "compile_us")
    }
    return summed | {"memory_bytes": max(each.memory_bytes for each in metrics)}


_NO_ERROR = {"error_type": "", "error_message": "", "error_script": "", "error_line": None, "error_column": None}


def _error_fields(attempt: AttemptRecord, run: Run) -> dict[str, Any]:
    error = attempt.outcome.error
    if error is None:
        return _NO_ERROR
    return {
        "error_type": error.type.value,
        "error_message": visible(run.mask.text(error.message)),
        "error_script": visible(error.script)[:140],
        "error_line": error.line,
        "error_column": error.column,
    }


def encode_calls(calls: Sequence[HostCallRecord]) -> bytes:
    """Host calls as an execution keeps them; `decode_calls` is the inverse."""
    if not calls:
        return b""
    return encode_value([[c.name, c.kind, c.arguments, c.answer, c.error] for c in calls])


def decode_calls(data: bytes) -> list[HostCallRecord]:
    return [HostCallRecord(*call) for call in decode_value(data)] if data else []


def unrun_rows(
    event: Event,
    subscribers: Sequence[tuple[str, str]],
    status: str,
    message: str,
    deliveries: int = 1,
    worker: str = "",
) -> list[dict[str, Any]]:
    """Rows of executions in which no script ran: one for each subscriber of the event."""
    wanted = Q()
    for module, name in subscribers:
        wanted |= Q(module=module, name=name)
    now = clock.now()
    rows = []
    for script in Script.objects.filter(wanted) if subscribers else ():
        context = event.script_context(script.module)
        rows.append(
            {
                "id": uuid7(),
                "module": script.module,
                "script_id": script.pk,
                "trigger": Execution.Trigger.EVENT,
                "event_id": event.id,
                "topic": event.topic[:128],
                "key": visible(event.key)[:128],
                "depth": event.depth,
                "cause": UUID(event.cause) if event.cause else None,
                "status": status,
                "inputs": encode_value(context),
                "inputs_text": display(mask_of_inputs(event.topic, context).value(without_text(context))),
                "error_message": visible(message),
                "queued_at": datetime.fromtimestamp(event.published_us / 1e6, UTC),
                "started_at": now,
                "finished_at": now,
                "worker": worker[:128],
                "user": visible(event.user_id)[:150],
                "request_id": visible(event.request_id)[:64],
                "deliveries": deliveries,
                "trace_id": trace_id(event.traceparent or ""),
                "role": Role.PRIMARY,
            }
        )
    return rows


def refused_request_row(
    call: CallContext, script: int, trigger: str, context: Mapping[str, Any], message: str
) -> dict[str, Any]:
    """Row of a request that was refused before any script ran. Raises ValueProblem for inputs that are no plain data."""
    now = clock.now()
    return {
        "id": UUID(call.execution_id),
        "module": call.module,
        "script_id": script,
        "trigger": trigger,
        "status": Execution.Status.SKIPPED,
        "inputs": encode_value(context),
        "inputs_text": display(mask_of_inputs("", context).value(context)),
        "error_message": visible(f"refused: {message}"),
        "started_at": now,
        "finished_at": now,
        "user": visible(call.user_id)[:150],
        "request_id": visible(call.request_id)[:64],
        "role": Role.PRIMARY,
    }
