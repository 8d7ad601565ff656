"""Pages of whole plays: choose a candidate and how many, the report while it grows, and one play step by step."""

from __future__ import annotations

import contextlib
import csv
import json
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from scripting.evidence import play_jobs, playing
from scripting.evidence.play_decide import Cancelled
from scripting.evidence.playing import NotSimulated
from scripting.models import PlayComparison, Script
from scripting.supervisor.errors import SupervisorError
from scripting.texts.cells import harmless
from scripting.texts.escaping import display
from scripting.texts.plain_json import jsonable
from scripting.workbench import drafts, plays, replay_forms
from scripting.workbench.access import Refusal, page, script_named
from scripting.workbench.frame import common
from scripting.workbench.replay_pages import demand_run

SHOWN = 600
"""Characters of an entry of a log."""


@require_http_methods(["GET", "HEAD", "POST"])
@page
def chooser(request: HttpRequest, module: str, name: str) -> HttpResponseBase:
    """The form and the comparisons so far; POST has one made and goes to its report."""
    script = script_named(module, name)
    demand_run(request)
    problem, status = "", 200
    if request.method == "POST":
        try:
            found = plays.compared(script, request.user, request.POST, request.FILES.get("upload"))
        except Refusal as refusal:
            problem, status = str(refusal), refusal.status
        else:
            return redirect("workbench:plays_report", module, name, found.pk)
    context: dict[str, Any] = {
        "script": script,
        "words": plays.Words.of(module),
        "can_be_played": plays.can_be_played(script),
        "draft": drafts.draft_of(script, request.user),  # type: ignore[arg-type]
        "file": replay_forms.file_that_differs(script),
        "versions": script.versions.filter(accepted=True).order_by("-number")[:30],
        "knob_sets": script.knob_sets.order_by("-number")[:30] if script.active_version else (),
        "comparisons": play_jobs.comparisons_of(script),
        "sizes": plays.SIZES,
        "chosen": request.POST or {"plays": str(plays.USUAL), "seed": "1", **request.GET.dict()},
        "problem": problem,
    }
    return render(request, "scripting/workbench/plays.html", context | common(request), status=status)


@require_safe
@page
def report(request: HttpRequest, module: str, name: str, report_id: UUID) -> HttpResponseBase:
    """One comparison, which may still grow; `?format=json` is the document, `csv` its measures."""
    demand_run(request)
    found = comparison_with(script_named(module, name), report_id)
    match request.GET.get("format"):
        case "json":
            text = json.dumps(jsonable(found.document), indent=2)
            return HttpResponse(text, content_type="application/json", headers=attachment(found, "json"))
        case "csv":
            return as_csv(found)
    context: dict[str, Any] = {
        "script": found.script,
        "found": found,
        "document": found.document,
        "words": plays.Words.of(module),
        "noun": playing.noun_of(module, found.played),
        "measures": plays.measures(found),
        "shares": plays.has_shares(module),
        "still_live": plays.is_still_live(found),
        "unserved": plays.unserved(found),
    }
    return render(request, "scripting/workbench/plays_report.html", context | common(request))


@require_POST
@page
def cancel(request: HttpRequest, module: str, name: str, report_id: UUID) -> HttpResponseBase:
    """End a comparison that grows; what it has found stays."""
    demand_run(request)
    found = comparison_with(script_named(module, name), report_id)
    play_jobs.cancel(found.pk)
    return redirect("workbench:plays_report", module, name, found.pk)


@require_POST
@page
def go_on(request: HttpRequest, module: str, name: str, report_id: UUID) -> HttpResponseBase:
    """Play all that were asked for, where it stopped early."""
    demand_run(request)
    found = comparison_with(script_named(module, name), report_id)
    with contextlib.suppress(Refusal, NotSimulated):  # the report says what became of it
        found = plays.goes_on(found, request.user)
    return redirect("workbench:plays_report", module, name, found.pk)


@require_safe
@page
def playback(request: HttpRequest, module: str, name: str, report_id: UUID, seed: int) -> HttpResponseBase:
    """One play of a comparison, played once more to be watched; `?side=live` is that of the live scripts."""
    demand_run(request)
    found = comparison_with(script_named(module, name), report_id)
    if not found.seed <= seed < found.seed + found.asked:
        raise Http404("This play is none of that comparison.")
    sides, side = play_jobs.sides_of(found), "live" if request.GET.get("side") == "live" else "draft"
    context: dict[str, Any] = {
        "script": found.script,
        "found": found,
        "seed": seed,
        "side": side,
        "words": plays.Words.of(module),
    }
    try:
        played = playing.play_of(module, sides.live if side == "live" else sides.draft, seed).play
    except (NotSimulated, Cancelled, SupervisorError) as error:
        context["problem"] = str(error)
        return render(request, "scripting/workbench/playback.html", context | common(request), status=503)
    shown = playing.module_of(module).playback(played)
    context |= {
        "play": played,
        "measures": plays.listed(played.measures, module),
        "entries": [display(entry, SHOWN) for entry in played.log],
        "playback": render_to_string(shown.template, dict(shown.context), request) if shown else "",
    }
    return render(request, "scripting/workbench/playback.html", context | common(request))


def comparison_with(script: Script, report_id: UUID) -> PlayComparison:
    """Raises Http404."""
    found = PlayComparison.objects.filter(script=script, pk=report_id).select_related("script").first()
    if found is None:
        raise Http404("There is no such comparison: old ones are deleted.")
    return found


def as_csv(found: PlayComparison) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=attachment(found, "csv"))
    rows, columns = csv.writer(response), ("live", "draft", "difference", "low", "high")
    rows.writerow(("measure", *columns))
    for name, figures in found.document.get("measures", {}).items():
        rows.writerow([harmless(cell) for cell in (name, *(figures[column] for column in columns))])
    return response


def attachment(found: PlayComparison, suffix: str) -> dict[str, str]:
    script = found.script
    name = f"{script.module}-{script.name}-plays-{found.created_at:%Y%m%d-%H%M%S}.{suffix}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
