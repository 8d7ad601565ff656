"""Pages of replays: choose a text and how many executions, then the report."""

from __future__ import annotations

import csv
import json
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from scripting.evidence.classes import Class
from scripting.evidence.corpus import LAST
from scripting.evidence.kept import reports_of
from scripting.insight.addresses import address_of
from scripting.models import ReplayReport, Script
from scripting.texts.cells import harmless
from scripting.texts.plain_json import jsonable
from scripting.workbench import drafts, publishing, replays
from scripting.workbench.access import (
    RUN,
    WORDS,
    Refusal,
    api,
    body_of,
    known_language,
    may,
    page,
    script_named,
    text_in,
)
from scripting.workbench.frame import common, whole_number


@require_http_methods(["GET", "HEAD", "POST"])
@page
def chooser(request: HttpRequest, module: str, name: str) -> HttpResponseBase:
    """The form and the reports so far; POST replays and goes to the report."""
    script = script_named(module, name)
    demand_run(request)
    problem = ""
    if request.method == "POST":
        try:
            report = replay_of_form(request, script)
        except Refusal as refusal:
            problem = str(refusal)
        else:
            return redirect("workbench:report", module, name, report.pk)
    context: dict[str, Any] = {
        "script": script,
        "draft": drafts.draft_of(script, request.user),  # type: ignore[arg-type]
        "versions": script.versions.filter(accepted=True).order_by("-number")[:30],
        "sizes": replays.SIZES,
        "chosen_size": LAST,
        "reports": reports_of(script),
        "problem": problem,
    }
    return render(request, "scripting/workbench/replay.html", context | common(request), status=409 if problem else 200)


def demand_run(request: HttpRequest) -> None:
    """Reports show what happened in the game, to those who may try scripts on it."""
    if not may(request.user, RUN):
        raise PermissionDenied(f"{WORDS[RUN]} takes the permission {RUN}.")


def replay_of_form(request: HttpRequest, script: Script) -> ReplayReport:
    """Raises Refusal."""
    user = request.user.get_username()
    last = whole_number(request.POST.get("last", ""))
    if last not in replays.SIZES:
        raise Refusal(422, "wrong_size", "Choose how many executions to replay.")
    which = request.POST.get("candidate", "")
    if which == "draft":
        draft = drafts.draft_of(script, request.user)  # type: ignore[arg-type]
        if draft is None:
            raise Refusal(409, "no_draft", "You have no draft of this script: change it in the workbench first.")
        return replays.replay(script, draft.source, draft.language, last=last, title=f"draft of {user}", user=user)
    version = publishing.version_numbered(script, whole_number(which))
    return replays.replay(script, version.text, version.language, last=last, title=f"v{version.number}", user=user)


@api("POST", RUN)
def start(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Replay the text of the page on the last executions: one sentence, and where the report is.

    Empty where there is nothing to compare with: the page asks by itself, so that is no error.
    """
    script, document = script_named(module, name), body_of(request)
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    if script.active_version is None or not script.executions.exists():
        return {"sentence": ""}
    user = request.user.get_username()
    by = {"title": f"draft of {user}", "user": user}
    made = replays.replay(script, source, language, last=LAST, seconds=replays.BY_ITSELF_SECONDS, **by)
    return replays.described(made) | {"address": reverse("workbench:report", args=[module, name, made.pk])}


@require_safe
@page
def report(request: HttpRequest, module: str, name: str, report_id: UUID) -> HttpResponseBase:
    """One report; `?format=json` is the document, `?format=csv` its changed events."""
    script = script_named(module, name)
    demand_run(request)
    found = ReplayReport.objects.filter(script=script, pk=report_id).first()
    if found is None:
        raise Http404("There is no such report: old ones are deleted.")
    match request.GET.get("format"):
        case "json":
            text = json.dumps(jsonable(found.document), indent=2)
            return HttpResponse(text, content_type="application/json", headers=attachment(found, "json"))
        case "csv":
            return as_csv(found)
    document = found.document
    context: dict[str, Any] = {
        "script": script,
        "report": found,
        "document": document,
        "classes": [(each, each.words, document[each.value]) for each in Class],
        "distributions": replays.distributions(document),
        "rates": replays.rates(document),
        "executions": address_of("admin:scripting_execution_changelist") if may(request.user, "scripting.view_execution") else "",
    }  # fmt: skip
    return render(request, "scripting/workbench/report.html", context | common(request))


def as_csv(found: ReplayReport) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=attachment(found, "csv"))
    rows = csv.writer(response)
    rows.writerow(("execution", "class", "field", "before", "after"))
    for change in found.document["changes"]:
        for field in change["fields"] or [{"field": "", "before": change["before"], "after": change["after"]}]:
            cells = (change["execution"], change["class"], field["field"], field["before"], field["after"])
            rows.writerow([harmless(cell) for cell in cells])
    return response


def attachment(found: ReplayReport, suffix: str) -> dict[str, str]:
    name = f"{found.script.module}-{found.script.name}-replay-{found.created_at:%Y%m%d-%H%M%S}.{suffix}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
