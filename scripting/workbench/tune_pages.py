"""The pages of knobs, and what they ask for: for people who may tune, whatever else they may do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from scripting.insight.addresses import login_address
from scripting.models import Script
from scripting.modules.installed import modules
from scripting.modules.scriptable import ScriptableModule
from scripting.workbench import replays, tuning
from scripting.workbench.access import RUN, TUNE, Refusal, api, body_of, may, page_for, script_named, text_in
from scripting.workbench.frame import common

WORD = "knob"
"""Stands in the text of every script that has one."""
SETS = 30
"""Sets of values that the page lists."""

SCHEDULES = 20
"""Times for values that the page lists, those to come first."""


@require_safe
@page_for(TUNE)
def tunable(request: HttpRequest) -> HttpResponseBase:
    """The scripts that may have knobs: those whose live text has the word."""
    found = (
        Script.objects.in_use()
        .filter(active_version__source__contains=WORD)
        .select_related("active_version", "active_knobs")
        .defer("active_version__content", "active_version__source", "active_version__diagnostics")
        .order_by("module", "name")
    )
    return render(request, "scripting/workbench/tunable.html", {"scripts": found} | common(request))


@require_safe
@page_for(TUNE)
def tune(request: HttpRequest, module: str, name: str) -> HttpResponseBase:
    """The knobs of one script."""
    script = script_named(module, name)
    problem, settings = "", []
    try:
        settings = tuning.settings_of(script)
    except Refusal as refusal:
        problem = str(refusal)
    knobs, found = script.active_knobs, modules.get(module) or ScriptableModule()
    context: dict[str, Any] = {
        "script": script,
        "active": script.active_version,
        "knobs": knobs,
        "settings": settings,
        "problem": problem,
        "own": tuning.own_values(script),
        "key_name": found.key_name,
        "segment_name": found.segment_name if found.has_segments else "",
        "segments": found.segments,
        "schedules": script.knob_schedules.select_related("knobs", "author")[:SCHEDULES],
        "sets": script.knob_sets.select_related("author").order_by("-number")[:SETS],
        "data": {
            "module": script.module,
            "name": script.name,
            "base": knobs.number if knobs else None,
            "knobs": [setting.described() for setting in settings],
            "login": login_address(),
        },
    }
    return render(request, "scripting/workbench/tune.html", context | common(request), status=503 if problem else 200)


@api("POST", TUNE)
def replay(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Tell what the values would have decided: one sentence, and for who may try scripts where the report is."""
    script, document = script_named(module, name), body_of(request)
    found = tuning.replay(script, tuning.asked_values(script, document), request.user.get_username())
    if found is None:
        return {"sentence": ""}
    told = replays.described(found)
    address = reverse("workbench:report", args=[module, name, found.pk]) if may(request.user, RUN) else ""
    return {"sentence": told["sentence"], "kind": told["kind"], "address": address}


@api("GET", TUNE)
def curves(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """The curves that are drawn, as HTML by knob, and whether more come."""
    found = tuning.curves(script_named(module, name))
    html = {
        knob: render_to_string("scripting/workbench/_curves.html", {"shapes": shapes, "events": found.events[knob]})
        for knob, shapes in found.shapes.items()
    }
    return {"html": html, "waiting": found.waiting, "problem": found.problem}


@api("POST", TUNE)
def publish(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Make values live."""
    script, document = script_named(module, name), body_of(request)
    user = request.user
    assert user.is_authenticated
    activation = tuning.publish(
        script, user, tuning.asked_values(script, document), text_in(document, "reason", ""), base_in(document)
    )
    return {"number": activation.knobs.number if activation.knobs else None}


@api("POST", TUNE)
def rollback(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Make an old set of values live again; 0 are the defaults of the text."""
    script, document = script_named(module, name), body_of(request)
    number = document.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**31:
        raise Refusal(400, "wrong_type", "number is that of a set of values, or 0")
    user = request.user
    assert user.is_authenticated
    activation = tuning.rollback(script, user, number, text_in(document, "reason", ""), base_in(document))
    return {"number": activation.knobs.number if activation.knobs else None}


@api("POST", TUNE)
def drop(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Take away the values that a segment or key has alone."""
    script, document = script_named(module, name), body_of(request)
    user = request.user
    assert user.is_authenticated
    activation = tuning.without(script, user, text_in(document, "only"), text_in(document, "reason", ""))
    return {"number": activation.knobs.number if activation.knobs else None}


@api("POST", TUNE)
def plan(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Have values live for a time, `from` a moment (empty: now) `until` another."""
    script, document = script_named(module, name), body_of(request)
    begins, ends = tuning.moment_in(document, "from"), tuning.moment_in(document, "until")
    if ends is None:
        raise Refusal(422, "time", "Say until when.")
    user = request.user
    assert user.is_authenticated
    made = tuning.plan(
        script, user, tuning.asked_values(script, document), text_in(document, "reason", ""), begins, ends
    )
    return {"id": made.pk, "number": made.knobs.number}


@api("POST", TUNE)
def cancel(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Let a time not begin, or end it now."""
    script, document = script_named(module, name), body_of(request)
    number = document.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**63:
        raise Refusal(400, "wrong_type", "id is that of a time")
    user = request.user
    assert user.is_authenticated
    return {"state": tuning.cancel(script, user, number, text_in(document, "reason", "")).state}


def base_in(document: dict[str, Any]) -> int | None:
    """The number of the set of values that the page shows as live. Raises Refusal."""
    base = document.get("base")
    if base is not None and (not isinstance(base, int) or isinstance(base, bool)):
        raise Refusal(400, "wrong_type", "base is the number of a set of values, or null")
    return base
