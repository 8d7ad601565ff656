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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from scripting.evidence import jobs, junit
from scripting.evidence.classes import Class
from scripting.evidence.corpus import LAST
from scripting.evidence.kept import reports_of
from scripting.evidence.replays import ReplayStopped
from scripting.insight.addresses import address_of
from scripting.models import Execution, ReplayJob, ReplayReport, Script
from scripting.texts.cells import harmless
from scripting.texts.plain_json import jsonable
from scripting.workbench import drafts, recorded, replay_forms, replays
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
from scripting.workbench.by_itself import stoppable
from scripting.workbench.frame import common


@require_http_methods(["GET", "HEAD", "POST"])
@page
def chooser(request: HttpRequest, module: str, name: str) -> HttpResponseBase:
    """The form and the reports so far; POST replays, or has it done, and goes to the report."""
    script = script_named(module, name)
    demand_run(request)
    problem = ""
    if request.method == "POST":
        try:
            upload = request.FILES.get("upload")
            found = replay_forms.replay_asked(script, request.user, request.POST, upload)
        except Refusal as refusal:
            problem = str(refusal)
        else:
            return redirect("workbench:report", module, name, found.pk)
    context: dict[str, Any] = {
        "script": script,
        "draft": drafts.draft_of(script, request.user),  # type: ignore[arg-type]
        "versions": script.versions.filter(accepted=True).order_by("-number")[:30],
        "reports": reports_of(script),
        "ran": script.executions.exists(),
        "problem": problem,
        **replay_forms.choices(script),
    }
    if request.method == "POST":
        context["chosen"] = request.POST
    return render(request, "scripting/workbench/replay.html", context | common(request), status=409 if problem else 200)


def demand_run(request: HttpRequest) -> None:
    """Reports show what happened in the game, to those who may try scripts on it."""
    if not may(request.user, RUN):
        raise PermissionDenied(f"{WORDS[RUN]} needs the permission {RUN}.")


@api("POST", RUN)
def start(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Replay the text of the page on the last executions: one sentence, and where the report is.

    Empty where there is nothing to compare with, and where the page has stopped it: the page asks by itself, so that is no error.
    """
    script, document = script_named(module, name), body_of(request)
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    if script.active_version is None or not script.executions.exists():
        return {"sentence": ""}
    user = request.user.get_username()
    try:
        with stoppable(user, document) as stop:
            made = replays.replay(
                script, source, language, last=LAST, title=f"draft of {user}", user=user, cancellation=stop
            )
    except ReplayStopped:
        return {"sentence": ""}
    return replays.described(made) | {"address": reverse("workbench:report", args=[module, name, made.pk])}


@require_safe
@page
def report(request: HttpRequest, module: str, name: str, report_id: UUID) -> HttpResponseBase:
    """One report, which may still grow; `?format=json` is the document, `csv` its changed events, `junit` its classes as tests."""
    script = script_named(module, name)
    demand_run(request)
    found = report_with(script, report_id)
    match request.GET.get("format"):
        case "json":
            text = json.dumps(jsonable(found.document), indent=2)
            return HttpResponse(text, content_type="application/json", headers=attachment(found, "json"))
        case "csv":
            return as_csv(found)
        case "junit":
            tests = junit.of_report(f"replay of {script}", found.document, junit.wrong(found.document))
            return HttpResponse(tests, content_type="application/xml", headers=attachment(found, "xml"))
    document = found.document
    job = ReplayJob.objects.select_related("live_version").defer("bundles", "executions").filter(pk=found.pk).first()
    context: dict[str, Any] = {
        "script": script,
        "report": found,
        "job": job,
        "unserved": replay_forms.unserved(job),
        "compared_with": replays.compared_with(found, job),
        "document": document,
        "classes": [(each, each.words, document[each.value]) for each in Class],
        "changes": replays.changes(document),
        "wrong": replays.wrong(document),
        "distributions": replays.distributions(document),
        "rates": replays.rates(document),
        "costs": list(zip(("before", "after"), document["wall_us"], document["memory_bytes"], strict=True)),
        "executions": executions_address(request),
    }
    return render(request, "scripting/workbench/report.html", context | common(request))


@require_safe
@page
def change(request: HttpRequest, module: str, name: str, report_id: UUID, execution_id: UUID) -> HttpResponseBase:
    """One event of a report: what was decided and what would be, side by side."""
    script = script_named(module, name)
    demand_run(request)
    found = report_with(script, report_id)
    item = next((each for each in found.document["changes"] if each["execution"] == str(execution_id)), None)
    if item is None:
        raise Http404("This event is not among those that the report lists.")
    execution = Execution.objects.filter(script=script, pk=execution_id).first()
    sides = zip(("Before", "After"), (item["before"], item["after"]), item["calls"], strict=True)
    context: dict[str, Any] = {
        "script": script,
        "report": found,
        "item": item,
        "words": Class(item["class"]).words,
        "execution": execution,
        "event": recorded.in_words(script, execution) if execution and execution.inputs else "",
        "sides": list(sides),
        "executions": executions_address(request),
    }
    return render(request, "scripting/workbench/replay_change.html", context | common(request))


@require_POST
@page
def cancel(request: HttpRequest, module: str, name: str, report_id: UUID) -> HttpResponseBase:
    """End a replay that grows; what it has found stays."""
    demand_run(request)
    found = report_with(script_named(module, name), report_id)
    jobs.cancel(found.pk, request.user.get_username())
    return redirect("workbench:report", module, name, found.pk)


def report_with(script: Script, report_id: UUID) -> ReplayReport:
    """Raises Http404."""
    found = ReplayReport.objects.filter(script=script, pk=report_id).select_related("script").first()
    if found is None:
        raise Http404("There is no such report: old ones are deleted.")
    return found


def executions_address(request: HttpRequest) -> str:
    """Of the admin's list of executions, for those who may see it."""
    return address_of("admin:scripting_execution_changelist") if may(request.user, "scripting.view_execution") else ""


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
