"""The list of executions as a page, and the rows of its first page by themselves for those who watch."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.views.decorators.http import require_safe

from scripting.insight.dashboard import ranges
from scripting.insight.display import milliseconds
from scripting.insight.executions import listing
from scripting.insight.executions.filters import TRIED, Filters, parse
from scripting.insight.frame import VIEW, admin_page, demand
from scripting.insight.replica import may_lag
from scripting.models import Execution, Script, ScriptVersion
from scripting.models.execution import SLOW_US
from scripting.modules.topics import topics
from scripting.sandbox.protocol import ErrorType

EXPORT = "scripting.export_execution"
EXPORT_MOST = 1_000_000
"""Rows of one export: one that nobody waits for any longer must end."""
SHOWN_VERSIONS = 50


@require_safe
@may_lag
def page(request: HttpRequest) -> HttpResponse:
    """Executions that the query string asks for, newest first."""
    demand(request, VIEW)
    filters = parse(request.GET.dict())
    before, after = (listing.cursor(request.GET.get(name)) for name in ("before", "after"))
    found = listing.page(filters, before=before, after=after)
    context = {
        "title": "Executions",
        "page": found,
        "filters": filters,
        "given": request.GET,
        "choices": choices(filters),
        "first": before is None and after is None,
        "query": _query(request),
        "may_export": request.user.has_perm(EXPORT),
        "export_most": EXPORT_MOST,
    }
    return admin_page(request, "scripting/insight/executions.html", context)


@require_safe
@may_lag
def rows(request: HttpRequest) -> HttpResponse:
    """The newest rows alone; 304 while there are no others."""
    demand(request, VIEW)
    found = listing.page(parse(request.GET.dict()))
    newest = ",".join(f"{row.pk}{row.status}" for row in found.rows)
    tag = f'"{hashlib.sha256(newest.encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    response = render(request, "scripting/insight/_rows.html", {"page": found})
    response["ETag"] = tag
    response["Cache-Control"] = "no-store"
    return response


def choices(filters: Filters) -> dict[str, Any]:
    """Choices of each filter; none of them needs a look at the executions."""
    scripts = list(Script.objects.order_by("module", "name")[:500])
    versions: list[ScriptVersion] = []
    if filters.script is not None:
        versions = list(
            ScriptVersion.objects.filter(script=filters.script, accepted=True)
            .defer("content", "source", "diagnostics")
            .order_by("-number")[:SHOWN_VERSIONS]
        )
    return {
        "modules": sorted({script.module for script in scripts}),
        "scripts": scripts,
        "versions": versions,
        "statuses": [
            ("unsuccessful", "unsuccessful"),
            (TRIED, "unsuccessful, tried"),
            *((s, s.replace("_", " ")) for s in Execution.Status.values),
        ],
        "errors": [(t.value, t.value.replace("_", " ")) for t in ErrorType],
        "triggers": Execution.Trigger.values,
        "topics": [topic.name for topic in topics],
        "slow": [(us, milliseconds(us)) for us in SLOW_US],
        "ranges": ranges.RANGES,
    }


def _query(request: HttpRequest) -> str:
    """The question without its place in the pages."""
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    return query.urlencode()
