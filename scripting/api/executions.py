"""Executions over the API: found as on the pages, newest first, from a cursor; masked as on the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Query, Router, Schema

from scripting.api.access import EXECUTIONS, ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.shapes import Failure, failure_of_record
from scripting.insight.executions import listing
from scripting.insight.executions.filters import parse
from scripting.models import Execution, Script
from scripting.models.tokens import Action
from scripting.modules.masking import masks_of
from scripting.sandbox.protocol import ValueProblem
from scripting.texts.escaping import visible

router = Router(tags=["executions"])

MOST = 200


class ExecutionOut(Schema):
    """An execution: what ran, and how it ended."""

    execution: str
    script: str
    version: int | None
    trigger: str
    topic: str
    key: str
    event: str | None
    status: str
    superseded_by: str | None = Field(
        description="The event that was to run in place of its own, where that is why it was skipped."
    )
    error: Failure | None
    started_at: datetime
    finished_at: datetime
    wall_us: int
    worker: str
    user: str
    trace: str | None = Field(description="Its trace of OpenTelemetry; null where tracing was off.")


class ExecutionPage(Schema):
    """Some executions, newest first."""

    executions: list[ExecutionOut]
    next: str | None = Field(description="The cursor of older ones; null where there are none.")
    remarks: list[str]


class ExecutionWhole(ExecutionOut):
    """An execution with its payload, while that is kept."""

    inputs: Any
    result: Any
    log: list[str]
    seed: int | None
    clock_us: int | None
    bundle: str
    cause: str | None


@router.get("/executions", response=ExecutionPage)
def executions(
    request: ApiRequest,
    script: Annotated[str, Query(max_length=129, description="module/name")] = "",
    status: str = "",
    topic: str = "",
    since: str = "",
    until: str = "",
    q: Annotated[str, Query(max_length=200, description="Words, an event's id or a request's id.")] = "",
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """Executions, newest first. A token that is not for all scripts must name one."""
    asked = {"status": status, "topic": topic, "since": since, "until": until, "q": q}
    if script:
        demand(request, Action.READ, script, also=EXECUTIONS)
        module, _, name = script.partition("/")
        found = Script.objects.named(module, name).first()
        if found is None:
            raise Problem(404, "no_script", f"There is no script {script}.")
        asked["script"] = str(found.pk)
    else:
        demand(request, Action.READ, also=EXECUTIONS)
        if "*/*" not in request.auth.scripts:
            raise Problem(422, "which_script", "This token is not for all scripts: name one, as script=module/name.")
    filters = parse(asked)
    if filters.problems:
        raise Problem(422, "does_not_fit", "; ".join(filters.problems))
    page = listing.page(filters, before=cursor, size=limit)
    return {
        "executions": [described(row) for row in page.rows],
        "next": str(page.older) if page.older else None,
        "remarks": list(page.remarks),
    }


@router.get("/executions/{uuid:execution}", response=ExecutionWhole)
def execution(request: ApiRequest, execution: UUID) -> dict[str, Any]:
    """One execution with inputs, result and log; sensitive values are masked."""
    demand(request, Action.READ, also=EXECUTIONS)
    rows = Execution.objects.select_related("script", "version")
    found = rows.filter(pk=execution).first()
    if found is None:
        raise Problem(404, "no_execution", "There is no such execution, or it was deleted by retention.")
    demand(request, Action.READ, str(found.script), also=EXECUTIONS)
    given, made = masks_of(found)
    try:
        inputs, result = given.value(found.inputs_value) if found.inputs else None, made.value(found.result_value)
    except ValueProblem as problem:
        raise Problem(500, "failed", f"The record cannot be read: {problem}") from None
    return described(found) | {
        "inputs": inputs,
        "result": result,
        "log": [visible(made.text(line.text)) for line in found.log_lines],
        "seed": found.seed,
        "clock_us": found.clock_us,
        "bundle": found.bundle_digest,
        "cause": str(found.cause) if found.cause else None,
    }


def described(row: Execution) -> dict[str, Any]:
    return {
        "execution": str(row.pk),
        "script": str(row.script),
        "version": row.version.number if row.version else None,
        "trigger": row.trigger,
        "topic": row.topic,
        "key": row.key,
        "event": row.event_id,
        "status": row.status,
        "superseded_by": row.superseded_by or None,
        "error": failure_of_record(row),
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "wall_us": row.wall_us,
        "worker": row.worker,
        "user": row.user,
        "trace": row.trace_id or None,
    }
