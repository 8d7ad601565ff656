"""The pages of schedules: when each is due next, what became of its times, pause, resume and run now. They are written in the admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from scripting import clock
from scripting.insight.addresses import address_of
from scripting.models import Schedule, ScheduleRun
from scripting.schedules import keeping, turning
from scripting.schedules.due import zone_named
from scripting.schedules.keeping import ScheduleRefused, cadence_of
from scripting.workbench.access import PUBLISH, page, page_for
from scripting.workbench.frame import common

UPCOMING, RUNS = 5, 50


@dataclass(frozen=True)
class Row:
    """One schedule of the list."""

    schedule: Schedule
    last: ScheduleRun | None


@dataclass(frozen=True)
class Due:
    """A time to come: the moment, and how the clocks of the schedule's zone show it."""

    at: datetime
    shown: str


@require_safe
@page
def schedules(request: HttpRequest) -> HttpResponse:
    """Every schedule, with the next time and what became of the last one."""
    found = Schedule.objects.select_related("script")
    context = {
        "rows": [Row(schedule, schedule.runs.first()) for schedule in found],
        "owner": _owner(),
        "add": address_of("admin:scripting_schedule_add"),
    }
    return render(request, "scripting/workbench/schedules.html", context | common(request))


@require_safe
@page
def schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """One schedule."""
    return _page(request, _schedule(schedule_id))


@require_POST
@page_for(PUBLISH)
def pause(request: HttpRequest, schedule_id: int) -> HttpResponseBase:
    """Let it be due at no time."""
    return _switched(request, schedule_id, keeping.pause, "It is paused: nothing is due until it is resumed.")


@require_POST
@page_for(PUBLISH)
def resume(request: HttpRequest, schedule_id: int) -> HttpResponseBase:
    """Let it be due again."""
    return _switched(request, schedule_id, keeping.resume, "It is due again from now on.")


@require_POST
@page_for(PUBLISH)
def run(request: HttpRequest, schedule_id: int) -> HttpResponseBase:
    """Run it once, beside its times."""
    found = _schedule(schedule_id)
    made = turning.run_now(found.pk, user=str(request.user.pk))
    if made.state == ScheduleRun.State.REFUSED:
        messages.error(request, f"It was refused: {made.note}")
    else:
        messages.success(request, f"It runs now{f': {made.note}' if made.note else ''}.")
    return redirect("workbench:schedule", found.pk)


def _switched(request: HttpRequest, schedule_id: int, switch: Callable[..., Schedule], said: str) -> HttpResponseBase:
    found = _schedule(schedule_id)
    try:
        switch(found.pk, actor=request.user, reason=request.POST.get("reason", ""))
    except ScheduleRefused as refused:
        return _page(request, found, str(refused))
    messages.success(request, said)
    return redirect("workbench:schedule", found.pk)


def _schedule(pk: int) -> Schedule:
    found = Schedule.objects.select_related("script").filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404("There is no such schedule.")
    return found


def _owner() -> str | None:
    """The process that keeps the schedules; None while Redis is unavailable."""
    try:
        return turning.owner()
    except redis.RedisError:
        return None


def _page(request: HttpRequest, found: Schedule, problem: str = "") -> HttpResponse:
    upcoming = cadence_of(found).upcoming(max(found.settled_until, clock.now()), UPCOMING) if found.enabled else []
    zone = zone_named(found.zone)
    context: dict[str, Any] = {
        "schedule": found,
        "upcoming": [Due(at, at.astimezone(zone).isoformat(" ", "seconds")) for at in upcoming],
        "runs": found.runs.all()[:RUNS],
        "changes": found.history.select_related("history_user").order_by("-history_id")[:RUNS],
        "problem": problem,
        "owner": _owner(),
        "edit": address_of("admin:scripting_schedule_change", found.pk),
        "executions": address_of("admin:scripting_execution_changelist"),
    }
    status = 422 if problem else 200
    return render(request, "scripting/workbench/schedule.html", context | common(request), status=status)
