"""Run a recorded execution again, exactly, and show whether anything differs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from scripting.execution.replay import NotReplayable, NotTried, Replay, replay
from scripting.execution.traces import described
from scripting.insight import audit
from scripting.insight.display import milliseconds, pretty
from scripting.insight.frame import VIEW, admin_page, demand
from scripting.models.execution import LogLine
from scripting.modules.masking import Mask, masks_of
from scripting.supervisor.errors import SupervisorError
from scripting.texts.escaping import visible

RUN = "scripting.run_script"
TEMPLATE = "scripting/insight/replay.html"


@require_POST
def page(request: HttpRequest, execution: UUID) -> HttpResponse:
    """The replay beside the record. A trial: nothing is stored and nothing takes effect."""
    demand(request, VIEW)
    demand(request, RUN)
    context: dict[str, object] = {"title": "Run again", "execution": execution}
    try:
        traces = "values" in request.POST
        made = replay(str(execution), decided=request.POST.get("attempt") == "decided", traces=traces)
    except NotTried as problem:
        return admin_page(
            request, TEMPLATE, {**context, "problem": str(problem), "instead": problem.instead}, status=409
        )
    except (NotReplayable, SupervisorError) as problem:
        return admin_page(request, TEMPLATE, {**context, "problem": str(problem)}, status=409)
    audit.record(request.user, f"ran execution {execution} again")
    mask = masks_of(made.execution)[1]
    attempt, outcome = made.attempt, made.attempt.outcome
    context |= {
        "made": made,
        "compared": _listed(made),
        "result": pretty(attempt.value, mask) if outcome.result is not None else "",
        "log": [LogLine(visible(mask.text(line)), us) for line, us in zip(outcome.logs, outcome.log_us, strict=True)],
        "error": visible(mask.text(str(outcome.error))) if outcome.error else "",
        "took": milliseconds(outcome.metrics.wall_us),
        "values": _values(made, mask),
    }
    return admin_page(request, TEMPLATE, context)


def _values(made: Replay, mask: Mask) -> dict[str, Any] | None:
    """The values of each line, on the version's own text and those of its helpers; None where that was not asked for."""
    trace, version = made.attempt.outcome.trace, made.attempt.version
    return described(trace, version.bundle, mask, with_script=True) if trace is not None and version else None


def _listed(made: Replay) -> str:
    """`error, result and log`."""
    *first, last = made.compared
    return f"{', '.join(first)} and {last}" if first else last
