"""The dashboard: figures over a range of time, what goes on now, and stopping an execution that runs."""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from scripting.execution.running import RunningExecution, ask_to_cancel, running_everywhere
from scripting.insight import audit
from scripting.insight.dashboard import now as snapshots
from scripting.insight.dashboard import ranges
from scripting.insight.dashboard.charts import durations_chart, outcomes_chart, spark, waits_chart
from scripting.insight.dashboard.figures import dashboard
from scripting.insight.frame import LETTERS, STOP, VIEW, admin_page, demand
from scripting.insight.replica import may_lag
from scripting.metrics.error_groups import summaries
from scripting.models import ErrorGroup, RepeatCheck, Script
from scripting.models.script import TEXTS

logger = logging.getLogger(__name__)

ERROR_GROUPS = 8


@require_safe
@may_lag
def page(request: HttpRequest) -> HttpResponse:
    """The dashboard of `?range=` and, with `?script=`, of one script."""
    demand(request, VIEW)
    chosen_range = ranges.BY_NAME.get(request.GET.get("range", ""), ranges.DEFAULT)
    chosen = _script(request.GET.get("script", ""))
    board = dashboard(*chosen_range.until(), chosen_range.step, chosen)
    groups = ErrorGroup.objects.filter(last_seen__gte=board.since).select_related("script", "version")
    groups = groups.defer(*(f"version__{name}" for name in TEXTS))
    if chosen is not None:
        groups = groups.filter(script=chosen)
    context = {
        "title": "Dashboard",
        "range": chosen_range,
        "ranges": ranges.RANGES,
        "chosen": chosen,
        "board": board,
        "quantiles": board.total.durations.quantiles(0.5, 0.95, 0.99),
        "waits": board.total.waits.quantiles(0.5, 0.95, 0.99),
        "in_time": board.in_time,
        "percent": None if board.total.failure_rate is None else 100 * board.total.failure_rate,
        "charts": [
            outcomes_chart(board.series, board.step, board.publishes),
            durations_chart(board.series, board.step, board.publishes),
            waits_chart(board.series, board.step, board.publishes),
        ],
        "unrepeatable": RepeatCheck.objects.filter(different__gt=0).select_related("script").order_by("script"),
        "error_groups": [(each, spark(each.trend)) for each in summaries(list(groups[:ERROR_GROUPS]))],
        **_now(request),
    }
    return admin_page(request, "scripting/insight/dashboard.html", context)


@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes by the second."""
    demand(request, VIEW)
    return render(request, "scripting/insight/_now.html", _now(request))


@require_http_methods(["GET", "POST"])
def stop(request: HttpRequest, execution: str) -> HttpResponse:
    """Ask whether to stop a running execution, and stop it."""
    demand(request, STOP)
    try:
        line = _running(execution)
        if request.method == "POST" and line is not None:
            ask_to_cancel(line.id)
    except redis.RedisError:
        messages.error(request, "Redis does not answer, so nothing could be stopped. Try again.")
        return redirect("admin:scripting_execution_figures")
    if line is None:
        messages.info(request, "That execution is over already.")
        return redirect("admin:scripting_execution_figures")
    if request.method == "POST":
        audit.record(request.user, f"stopped execution {line.id} of {line.module}/{line.script}")
        messages.success(request, f"{line.module}/{line.script} is being stopped; it will be recorded as cancelled.")
        return redirect("admin:scripting_execution_figures")
    return admin_page(request, "scripting/insight/stop.html", {"title": "Stop an execution", "line": line})


def _now(request: HttpRequest) -> dict[str, Any]:
    return {
        "now": snapshots.look(),
        "may_stop": request.user.has_perm(STOP),
        "may_see_letters": request.user.has_perm(LETTERS),
    }


def _script(text: str) -> Script | None:
    if not text:
        return None
    found = Script.objects.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None
    if found is None:
        raise Http404("There is no such script.")
    return found


def _running(execution: str) -> RunningExecution | None:
    return next((line for line in running_everywhere() if line.id == execution), None)
